"""Builds deploy/Containerfile without an image builder, and runs what came of it as the container would run.

sudo python3 deploy/check_image.py [--base TAR]

Each stage is a fresh root directory that mmdebstrap makes of Debian 12 (its Python is 3.11, as in the image's own base), each
instruction is carried out in it by chroot. Then: read-only but for /tmp and /var/lib/pneumo, another user, no capability, no new
privileges. `--base`: a tar that mmdebstrap made before. Needs root, and the network for Debian's packages and pip's.
"""

import argparse
import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CHROOT = "/usr/sbin/chroot"  # whatever PATH the image sets
PACKAGES = "python3,python3-venv,python3-pip,ca-certificates"
FOR_PIP = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "PIP_INDEX_URL", "PIP_DEFAULT_TIMEOUT")
BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
PROBE = """
import importlib.util, os, sys
for name in ("tensorflow", "keras", "jax", "sklearn", "torch"):
    assert importlib.util.find_spec(name) is None, f"{name} is in the image"
assert os.getuid() == 10001, os.getuid()
for path in ("/app/x", "/opt/venv/x", "/x"):
    try:
        open(path, "w")
    except OSError:
        continue
    raise SystemExit(f"{path} could be written")
open("/tmp/x", "w").close(), open("/var/lib/pneumo/x", "w").close()
"""


@dataclass
class Stage:
    root: Path
    workdir: str = "/"
    user: str = "0:0"
    environment: dict[str, str] = field(default_factory=dict)
    command: list[str] = field(default_factory=list)
    healthcheck: str = ""


def instructions(text: str) -> list[tuple[str, str]]:
    """(word, the rest) of each instruction."""
    text = re.sub(r"^#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ")
    return [(line.split()[0], line.split(None, 1)[1].strip()) for line in text.splitlines() if line.strip()]


def build(work: Path, base: Path) -> Stage:
    """The last stage. An instruction that this script does not know ends it."""
    stages: dict[str, Stage] = {}
    stage = Stage(work)
    for word, rest in instructions((ROOT / "deploy" / "Containerfile").read_text()):
        print(f"{word} {rest}", flush=True)
        if word == "FROM":
            name = rest.split(" AS ")[1] if " AS " in rest else "last"
            stage = stages[name] = Stage(work / name, environment={"PATH": "/usr/local/bin:/usr/bin:/bin"})
            stage.root.mkdir()
            subprocess.run(["tar", "-xf", base, "-C", stage.root], check=True)
            for path in (BUNDLE, "/etc/resolv.conf"):
                shutil.copyfile(path, stage.root / path[1:])
        elif word == "COPY":
            copy(stage, stages, rest.split())
        elif word == "RUN":
            passed = {name: os.environ[name] for name in FOR_PIP if name in os.environ} | {"PIP_CERT": BUNDLE}
            inside(stage, rest, stage.environment | passed)
        elif word == "ENV":
            stage.environment |= dict(pair.split("=", 1) for pair in shlex.split(rest))
        elif word == "WORKDIR":
            stage.workdir = rest
            (stage.root / rest[1:]).mkdir(parents=True, exist_ok=True)
        elif word == "USER":
            stage.user = rest
        elif word == "HEALTHCHECK":
            stage.healthcheck = rest.split(" CMD ")[1]
        elif word == "CMD":
            stage.command = json.loads(rest)
        elif word not in ("ARG", "EXPOSE"):
            raise SystemExit(f"{word}: this script does not know it")
    return stage


def copy(stage: Stage, stages: dict[str, Stage], words: list[str]) -> None:
    """Of the repository only what git knows: a build from a fresh clone."""
    source = ROOT
    if words[0].startswith("--from="):
        source = stages[words.pop(0).removeprefix("--from=")].root
    *names, target = words
    for name in names:
        found, to = source / name.lstrip("/"), stage.root / os.path.join(stage.workdir, target).lstrip("/")
        if target.endswith("/"):
            to = to / found.name
        to.parent.mkdir(parents=True, exist_ok=True)
        if source != ROOT:
            subprocess.run(["cp", "-a", found, to], check=True)
            continue
        listed = subprocess.run(["git", "ls-files", "-z", "--", name], cwd=ROOT, check=True, capture_output=True, text=True)
        for each in filter(None, listed.stdout.split("\0")):
            place = to / Path(each).relative_to(name) if found.is_dir() else to
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / each, place)


def inside(stage: Stage, script: str, environment: dict[str, str]) -> None:
    script = f"cd {stage.workdir} && {script}"
    subprocess.run([CHROOT, stage.root, "/bin/sh", "-c", script], env=environment, check=True)


def mount(*words: str | Path) -> None:
    subprocess.run(["mount", *words], check=True)


def as_container(stage: Stage, *command: str) -> list[str]:
    uid, gid = stage.user.split(":")
    locks = ["--clear-groups", "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all"]
    user = ["setpriv", f"--reuid={uid}", f"--regid={gid}", *locks]
    return [CHROOT, str(stage.root), *user, "/bin/sh", "-c", f'cd {stage.workdir} && exec "$@"', "sh", *command]


def check(stage: Stage) -> None:
    uid, gid = stage.user.split(":")
    mount("--bind", stage.root, stage.root)
    mount("-o", "remount,bind,ro", stage.root)
    mount("-t", "proc", "proc", stage.root / "proc")
    mount("-t", "tmpfs", "-o", "mode=1777", "tmp", stage.root / "tmp")
    mount("-t", "tmpfs", "-o", f"mode=700,uid={uid},gid={gid}", "state", stage.root / "var/lib/pneumo")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = stage.environment | {
        "STREAMLIT_SERVER_PORT": str(port),
        "PNEUMO_RECORD": "sqlite:////var/lib/pneumo/record.sqlite",
    }

    def run(*command: str) -> int:
        return subprocess.run(as_container(stage, *command), env=environment, check=False).returncode

    def healthy(seconds: float, wanted: bool) -> None:
        end = time.monotonic() + seconds
        while (run("/bin/sh", "-c", stage.healthcheck) == 0) != wanted:
            assert time.monotonic() < end, f"not {'healthy' if wanted else 'unhealthy'} within {seconds:.0f} s"
            time.sleep(2)

    assert run(*stage.command) == 1, "it started on every address without a login"
    app = subprocess.Popen(as_container(stage, *stage.command), env=environment | {"PNEUMO_OPEN": "no-login"})
    try:
        healthy(300, True)
        assert run("python3", "-c", PROBE) == 0
        assert run("python3", "-m", "pneumo", "protections") == 0
        assert run("python3", "-m", "pneumo", "data", "phantom", "/tmp/set", "--patients", "1") == 0
        assert run("python3", "-m", "pneumo", "predict", "/tmp/set/test") == 0
        mount("--bind", "/dev/null", stage.root / "app/models/cnn/model.onnx")
        healthy(120, False)
        print("unhealthy with an altered model, as it should be")
    finally:
        app.terminate()
        app.wait(30)
    size = subprocess.run(["du", "-sxm", stage.root / "opt/venv", stage.root / "app"], check=True, capture_output=True, text=True)
    print(f"The image works. MB:\n{size.stdout}", end="")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", type=Path)
    options = parser.parse_args()
    if os.environ.get("PNEUMO_CHECK_IMAGE") != "mounts":  # once more, in a mount namespace that ends with this process
        own = ["unshare", "--mount", sys.executable, *sys.argv]
        os.execvpe(own[0], own, os.environ | {"PNEUMO_CHECK_IMAGE": "mounts"})
    work = Path(tempfile.mkdtemp(prefix="pneumo-image-"))
    try:
        base = options.base
        if base is None:
            base = work / "base.tar"
            subprocess.run(["mmdebstrap", "--variant=minbase", f"--include={PACKAGES}", "bookworm", base], check=True)
        check(build(work, base))
    finally:
        subprocess.run(["umount", "--recursive", work / "last"], check=False, stderr=subprocess.DEVNULL)
        subprocess.run(["rm", "-rf", "--one-file-system", work], check=False)  # never into what is still mounted


if __name__ == "__main__":
    main()
