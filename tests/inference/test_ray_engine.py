"""One local Ray for the module: the same rows as without it, whatever happens to a worker; nothing leaves the machine."""

import importlib.util
import json
import os
import signal
import sys
import threading
import time
import zipfile
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
from makers import NAME
from tiny_model import make_registry

from pneumo.cli.main import main
from pneumo.errors import ConfigError, EngineError
from pneumo.imaging.overlay import png
from pneumo.inference import ray_engine
from pneumo.inference.batch import read_files
from pneumo.inference.predictor import Predictor
from pneumo.synthetic.phantom import make_phantom, phantom_png

pytestmark = pytest.mark.long  # workers are separate processes: changes made by a test do not reach them
HAS_RAY = importlib.util.find_spec("ray") is not None
needs_ray = pytest.mark.skipif(
    not HAS_RAY and not os.environ.get("PNEUMO_REQUIRE_RAY"),
    reason="no ray found: pip install -r requirements-scale.txt for the tests of --engine ray",
)


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        root = make_registry(tmp_path_factory.mktemp("ray") / "models")
        patch.setenv("PNEUMO_MODELS_DIR", str(root))
        yield root


@pytest.fixture(scope="module")
def ray(models):
    with ray_engine.connected(None):
        import ray

        ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])  # workers cannot import a test
        session = Path(ray._private.worker._global_node.get_session_dir_path())
        yield ray
    assert not session.exists()


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Path:
    """Phantoms that pass the gate, a text, an icon that it refuses, a zip with a damaged image; the folder name is secret."""
    folder = tmp_path_factory.mktemp("archive") / NAME
    folder.mkdir()
    pictures = [phantom_png(make_phantom("bacterial", seed, 224, 224)) for seed in range(6)]
    for number, picture in enumerate(pictures):
        (folder / f"{number}.png").write_bytes(picture)
    (folder / "letter.jpg").write_text("a letter")
    (folder / "icon.png").write_bytes(png(np.zeros((8, 8), np.uint8)))
    with zipfile.ZipFile(folder / "more.zip", "w") as bundle:
        bundle.writestr("a/one.png", pictures[0])
        bundle.writestr("a/cut.png", pictures[1][:50])
        bundle.writestr("readme.txt", "read me")
    return folder


def told(capsys) -> tuple[list[dict], list[str]]:
    """Rows without their seconds, and the lines of standard error."""
    out, err = capsys.readouterr()
    rows = [json.loads(line) for line in out.splitlines()]
    return [{key: value for key, value in row.items() if key != "seconds"} for row in rows], err.splitlines()


@needs_ray
def test_the_same_rows_messages_and_exit_code_as_the_local_engine(ray, study, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(study.parent)
    words = ["predict", NAME, "absent.png", "--format", "json", "--heatmap", str(tmp_path / "heat")]
    codes, here = [main(words)], told(capsys)
    overlays = {path.name: path.read_bytes() for path in (tmp_path / "heat").iterdir()}
    for path in (tmp_path / "heat").iterdir():
        path.unlink()
    noted = [*words, "--engine", "ray", "--manifest", str(tmp_path / "done.jsonl")]
    codes.append(main(noted))
    there = told(capsys)
    assert {path.name: path.read_bytes() for path in (tmp_path / "heat").iterdir()} == overlays
    codes.append(main(noted))  # all but what could not be opened from the manifest
    again = told(capsys)
    assert codes == [1, 1, 1]
    assert here[0] == there[0] == again[0]
    assert [row["status"] for row in here[0]] == ["ok"] * 6 + ["rejected", "error", "ok", "error", "error"]
    assert sorted(here[1]) == sorted(there[1])
    assert len((tmp_path / "done.jsonl").read_text().splitlines()) == 1 + 9


class Trap:
    """Where a file was read: the first time one with "victim" in its name waits to be killed, one with "killer" always ends
    the worker."""

    def __init__(self, pid: Path):
        self.pid = pid

    def __call__(self, name: str, finding: object) -> None:
        if "victim" in name and not self.pid.exists():
            draft = self.pid.with_suffix(".draft")
            draft.write_text(str(os.getpid()))
            draft.rename(self.pid)
            time.sleep(60)
        if "killer" in name:
            os.kill(os.getpid(), signal.SIGKILL)


@needs_ray
def test_a_killed_worker_loses_and_repeats_nothing(ray, models, study, tmp_path, monkeypatch):
    monkeypatch.setattr(ray_engine, "RETRIES", 1)
    monkeypatch.setattr(ray_engine, "GROUP", 4)
    monkeypatch.setattr(ray_engine, "_GROUPS_A_WORKER", 1)
    monkeypatch.setattr(ray_engine, "_size", lambda resources: (2, 1))  # the other worker overtakes the waiting one
    paths = []
    for number in range(20):
        name = {5: "victim", 14: "killer"}.get(number, "file")
        paths.append(str(tmp_path / f"{number:02}-{name}.png"))
        Path(paths[-1]).write_bytes((study / f"{number % 6}.png").read_bytes())
    pid, ended = tmp_path / "pid", []

    def kill():
        while not pid.exists():
            time.sleep(0.02)
        os.kill(int(pid.read_text()), signal.SIGKILL)
        ended.append(int(pid.read_text()))

    threading.Thread(target=kill, daemon=True).start()
    findings = list(ray_engine.read_files_by_ray(paths, Predictor.load("tiny"), on_finding=Trap(pid)))
    assert ended
    assert [path for path, _ in findings] == paths
    lost = [path for path, finding in findings if finding.status == "error"]
    # The killer and those that were given with it; on a slow machine the next group, too, may have waited for the worker that died.
    assert [paths.index(path) for path in lost] in ([12, 13, 14, 15], list(range(12, 20)))
    assert "ended 2 times" in dict(findings)[paths[14]].reasons[0]
    assert {finding.status for path, finding in findings if path not in lost} == {"ok"}


@needs_ray
@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="which sockets a process has is read from Linux' /proc")
def test_a_local_ray_listens_on_the_loopback_address_alone(ray):
    mine = {link.removeprefix("socket:[").removesuffix("]") for pid in _below(os.getpid()) for link in _links(pid)}
    listening = [
        row[1].rpartition(":")[0]
        for table in ("tcp", "tcp6")
        for row in map(str.split, Path(f"/proc/net/{table}").read_text().splitlines()[1:])
        if row[3] == "0A" and row[9] in mine
    ]
    loopback = {"0100007F", "0000000000000000FFFF00000100007F", "00000000000000000000000001000000"}
    assert len(listening) >= 3
    assert set(listening) <= loopback


@needs_ray
@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="a process's environment is read from Linux' /proc")
def test_ray_processes_are_kept_from_the_internet(ray):
    """Unless prevented, Ray asks for its cloud's name, and onnxruntime reports to its maker."""
    begun = {Path(f"/proc/{pid}/comm").read_text().strip(): Path(f"/proc/{pid}/environ") for pid in _below(os.getpid())[1:]}
    theirs = [begun[name].read_bytes().split(b"\0") for name in ("gcs_server", "raylet")]  # raylet starts all workers
    for names in theirs:
        assert {b"http_proxy=http://127.0.0.1:9", b"ORT_DISABLE_TELEMETRY=1", b"RAY_USAGE_STATS_ENABLED=0"} <= set(names)
    assert os.environ.get("http_proxy") != "http://127.0.0.1:9"


def _below(pid: int) -> list[int]:
    """`pid` and all processes descended from it."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
    pids = [pid]
    for one in pids:
        pids += [child for child, parent in parents.items() if parent == one]
    return pids


def _links(pid: int) -> list[str]:
    try:
        return [os.readlink(link) for link in Path(f"/proc/{pid}/fd").iterdir()]
    except OSError:
        return []


@needs_ray
def test_no_log_of_ray_names_a_file(ray):
    session = Path(ray._private.worker._global_node.get_session_dir_path())
    texts = [path for path in session.rglob("*") if path.is_file() and not path.is_symlink()]
    assert len(texts) > 5
    assert [path for path in texts if NAME.encode() in path.read_bytes()] == []


def test_ray_output_is_kept_out_of_the_rows(models, study, capsys, monkeypatch):
    def chatty(paths, predictor, on_skipped, on_finding):
        print("a node was lost")
        yield from read_files(paths, predictor, on_skipped)

    monkeypatch.setattr(ray_engine, "connected", lambda address: nullcontext())
    monkeypatch.setattr(ray_engine, "read_files_by_ray", chatty)
    assert main(["predict", str(study / "0.png"), "--engine", "ray", "--format", "json"]) == 0
    rows, told_aside = told(capsys)
    assert len(rows) == 1
    assert "a node was lost" in told_aside


def test_without_ray_the_message_names_the_requirements(models, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(ray_engine.importlib.util, "find_spec", lambda name: None)
    output = tmp_path / "kept.json"
    output.write_text("yesterday's")
    assert main(["predict", "x.png", "--engine", "ray", "--output", str(output)]) == 2
    assert "pip install -r requirements-scale.txt" in capsys.readouterr().err
    assert output.read_text() == "yesterday's"


@needs_ray
@pytest.mark.parametrize("address", ["127.0.0.1:9", "nonsense"])
def test_an_address_without_an_answer_is_reported(models, capsys, address):
    with pytest.raises(ConfigError, match="No Ray cluster answers"):
        ray_engine._join(address, {})


def test_an_address_without_the_engine_is_wrong_usage(models, capsys):
    assert main(["predict", "x.png", "--ray-address", "head:6379"]) == 2
    assert "--engine ray" in capsys.readouterr().err


def test_a_cluster_without_cores_is_reported():
    with pytest.raises(EngineError, match="worker nodes"):
        ray_engine._size({"memory": 1.0})
    assert ray_engine._size({"CPU": 32.0}) == (16, 2)
    assert ray_engine._size({"CPU": 1.0}) == (1, 1)
