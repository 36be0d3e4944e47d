"""Image, compose file and services are what docs/operation.md says. deploy/check_image.py builds the image and runs it."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from browser.test_nginx import NGINX, write_certificate
from exchange.dx import dx_bytes
from exchange.fakes import closed_port
from exchange.running import ORTHANC, Orthanc, node_process, waited
from tiny_model import make_registry

from pneumo.exchange.settings import Archive, WebArchive

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
sys.path.insert(0, str(DEPLOY))
from check_image import instructions  # noqa: E402  (a script, not a package)

SYSTEMD = shutil.which("systemd-analyze")
needs_systemd = pytest.mark.skipif(SYSTEMD is None, reason="no systemd-analyze found: install Debian's package systemd")
IMAGE = instructions((DEPLOY / "Containerfile").read_text())


def said(word: str) -> list[str]:
    return [rest for each, rest in IMAGE if each == word]


def test_the_image_installs_the_lock_and_nothing_else():
    assert said("ARG") == ["BASE=python:3.11-slim"]
    installs = [each for each in said("RUN") if "pip" in each.split()]
    assert len(installs) == 1
    assert {"--require-hashes", "--only-binary"} <= set(installs[0].split())
    assert installs[0].endswith("-r /tmp/requirements-serve.lock")
    lock = (ROOT / "requirements-serve.lock").read_text()
    assert not re.search(r"^(keras|tensorflow|jax|torch|scikit-learn)==", lock, re.MULTILINE)


def test_the_image_does_not_run_as_root_and_checks_its_health():
    assert said("FROM") == ["${BASE} AS packages", "${BASE}"]
    last = [word for word, _ in IMAGE[len(IMAGE) - IMAGE[::-1].index(("FROM", "${BASE}")) :]]
    assert last.index("USER") > last.index("RUN")  # everything built belongs to root
    assert said("USER") == ["10001:10001"]
    assert said("HEALTHCHECK")[0].endswith("CMD python3 -m pneumo health || exit 1")  # 2 means nothing to Docker
    assert not any("login" in rest.lower() or "PNEUMO_OPEN" in rest for rest in said("ENV"))


def test_what_the_image_copies_is_what_the_context_holds():
    kept = {line[1:] for line in (ROOT / ".containerignore").read_text().splitlines() if line.startswith("!")}
    copied = {word for rest in said("COPY") if not rest.startswith("--from") for word in rest.split()[:-1]}
    assert kept == copied
    assert all((ROOT / each).exists() for each in kept)


@pytest.fixture
def compose():
    yaml = pytest.importorskip("yaml", reason="no PyYAML found: it comes with requirements-scale.txt")
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text())


def test_every_service_has_minimal_privileges(compose):
    assert set(compose["services"]) == {"app", "nginx", "node", "orthanc"}
    for service in compose["services"].values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert service["ulimits"]["core"] == 0
        assert "privileged" not in service
        assert "cap_add" not in service


def test_only_nginx_is_reached_from_outside(compose):
    services, networks = compose["services"], compose["networks"]
    assert {name: each["ports"] for name, each in services.items() if "ports" in each} == {"nginx": ["443:8443"]}
    assert not any("network_mode" in each for each in services.values())
    members = {name: {each for each in services if name in services[each]["networks"]} for name in networks}
    assert members == {"outside": {"nginx"}, "web": {"app", "nginx"}, "dicom": {"node", "orthanc"}, "provider": {"app"}}
    assert {name for name, each in networks.items() if each.get("internal")} == {"web", "dicom"}


def test_the_app_of_compose_asks_for_a_login(compose):
    told = compose["services"]["app"]["environment"]
    assert (told["PNEUMO_LOGIN"], told["PNEUMO_OPEN"], told["PNEUMO_RECORD"]) == (
        "${PNEUMO_LOGIN-oidc}",
        "${PNEUMO_OPEN-}",
        "${PNEUMO_RECORD-}",
    )
    settings = json.loads((DEPLOY / "orthanc.json").read_text())
    command = compose["services"]["node"]["command"]
    assert f"orthanc:{settings['DicomPort']}:{settings['DicomAet']}" == command[command.index("--archive") + 1]
    assert command[command.index("--allow") + 1] == settings["DicomAet"]
    node = settings["DicomModalities"]["PNEUMO"]
    assert (node["AET"], node["Host"], node["Port"]) == ("PNEUMO", "node", 11112)


def documented(text: str) -> str:
    """The server of deploy/nginx.conf with the addresses used in docs/access.md."""
    for here, there in (
        ("#oauth2#", ""),
        ("listen 8443 ssl", "listen 443 ssl"),
        ("/run/secrets/", "/etc/ssl/"),
        ("http://app:8501", "http://127.0.0.1:8501"),
        ("http://oauth2-proxy:4180", "http://127.0.0.1:4180"),
    ):
        assert here in text
        text = text.replace(here, there)
    return text[text.index("map ") : text.rindex("}")]


def test_nginx_is_set_up_as_documented():
    (block,) = re.findall(r"```nginx\n(.*?)```", (ROOT / "docs" / "access.md").read_text(), re.DOTALL)
    assert documented((DEPLOY / "nginx.conf").read_text()) == block


@pytest.mark.skipif(NGINX is None, reason="no nginx found: install Debian's package nginx-light")
@pytest.mark.parametrize("mark", ["#oauth2#", ""])
def test_nginx_accepts_its_configuration(tmp_path, mark):
    write_certificate(tmp_path)
    text = re.sub(r"/run/secrets/|/tmp/", f"{tmp_path}/", (DEPLOY / "nginx.conf").read_text().replace("#oauth2#", mark))
    text = re.sub(r"http://(app|oauth2-proxy):", "http://127.0.0.1:", text)
    (tmp_path / "nginx.conf").write_text(text)
    words = [NGINX, "-t", "-p", tmp_path, "-e", "stderr", "-c", tmp_path / "nginx.conf"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert "test is successful" in done.stderr, done.stderr


@needs_systemd
@pytest.mark.parametrize("name", ["pneumo.service", "pneumo-node.service"])
def test_systemd_accepts_its_services(tmp_path, name):
    """With this computer's Python, as there is no /opt/pneumo here."""
    (tmp_path / name).write_text(
        (DEPLOY / name).read_text().replace("/opt/pneumo/.venv/bin/python", os.path.realpath(sys.executable))
    )
    done = subprocess.run([SYSTEMD, "verify", "--man=no", tmp_path / name], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    words = [SYSTEMD, "security", "--offline=true", "--threshold=20", "--no-pager", tmp_path / name]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout  # exposure of at most 2.0 of 10


@pytest.mark.parametrize("name", ["pneumo.service", "pneumo-node.service"])
def test_services_leave_the_decoder_its_locks(name):
    """systemd 252 has no @sandbox: the calls that lock a decoding process are named. setrlimit (@resources) stays allowed."""
    text = (DEPLOY / name).read_text()
    (calls,) = re.findall(r"^SystemCallFilter=(seccomp .*)", text, re.MULTILINE)
    assert calls.split() == ["seccomp", "landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self"]
    assert re.findall(r"^SystemCallFilter=~(.*)", text, re.MULTILINE) == ["@privileged"]


@pytest.mark.skipif(
    ORTHANC is None and not os.environ.get("PNEUMO_REQUIRE_DICOM_TOOLS"),
    reason="no Orthanc found: install Debian's package orthanc",
)
@pytest.mark.slow
@pytest.mark.long
def test_the_archive_forwards_and_gets_its_results(tmp_path, monkeypatch):
    """deploy/orthanc.json and forward.lua with only paths and ports changed."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    settings = json.loads((DEPLOY / "orthanc.json").read_text())
    settings |= {"StorageDirectory": str(tmp_path), "IndexDirectory": str(tmp_path), "LuaScripts": [str(DEPLOY / "forward.lua")]}
    settings |= {"HttpPort": closed_port(), "DicomPort": closed_port()}
    settings["DicomModalities"]["PNEUMO"] |= {"Host": "127.0.0.1", "Port": closed_port()}
    (tmp_path / "orthanc.json").write_text(json.dumps(settings))
    archive = Archive("127.0.0.1", settings["DicomPort"], settings["DicomAet"])
    running = Orthanc(f"http://127.0.0.1:{settings['HttpPort']}", archive, WebArchive("http://127.0.0.1"))
    port, log = settings["DicomModalities"]["PNEUMO"]["Port"], tmp_path / "log"
    with open(tmp_path / "orthanc.log", "w") as stream:
        process = subprocess.Popen([ORTHANC, str(tmp_path / "orthanc.json")], stdout=stream, stderr=subprocess.STDOUT)
    try:
        models = make_registry(tmp_path / "models", subtype=True)
        with node_process(models, log, archive, port, "--allow", settings["DicomAet"]):
            assert waited(lambda: "Orthanc has started" in (tmp_path / "orthanc.log").read_text(), 120)
            study = running.post("/instances", dx_bytes(gamma=0.4, side=64))["ParentStudy"]
            assert waited(lambda: len(running.get(f"/studies/{study}/instances").json()) == 3, 120), log.read_text()
            assert waited(lambda: "answered: SR arrived; OT arrived" in log.read_text(), 60)
        assert "1 answered" in log.read_text()
        assert "ignored" not in log.read_text()  # its own results did not come back to it
    finally:
        process.terminate()
        process.wait(60)
