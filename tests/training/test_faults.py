"""Training while the machine fails: killed, the disk full at each kind of write, the data removed, two processes in one folder.

bench/kill_training.py kills fifty times, here only twice. Whatever happens, the run folder must be intact, and the run
must end as an uninterrupted one does.
"""

import builtins
import errno
import io
import os
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import keras
import numpy as np
import pytest
from phantom_sets import copy_set

from pneumo.errors import PneumoError, RunError
from pneumo.training import callbacks
from pneumo.training.config import make_config
from pneumo.training.fit import train
from pneumo.training.runfolder import history, read_status

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]
FRAME = {"lung_centred": "false", "margin": 16}  # finding lungs is slow
CONFIG = make_config(
    "cnn", {**FRAME, "filters": "4,8", "dense": 8, "size": 48, "batch_size": 16, "epochs": 2, "learning_rate": 3e-3}
)
FIGURES = ("loss", "accuracy", "auc", "val_loss", "val_accuracy", "val_auc")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    root = tmp_path_factory.mktemp("phantoms") / "set"
    copy_set(root, patients=6)
    return root


@pytest.fixture(scope="module")
def unbroken(data, tmp_path_factory):
    run = tmp_path_factory.mktemp("runs") / "unbroken"
    train(CONFIG, data, run)
    return history(run)


def ends_as(run, data, unbroken):
    """Resume, or start again if nothing had begun; the result must be the same as without the failure."""
    train(CONFIG, data, run, resume=(run / "config.json").is_file())
    assert read_status(run).state == "finished"
    for line, whole in zip(history(run), unbroken, strict=True):
        np.testing.assert_allclose([line[key] for key in FIGURES], [whole[key] for key in FIGURES], rtol=1e-3)
    assert {path.name for path in run.glob("*.keras")} == {"best.keras", "last-2.keras"}
    keras.models.load_model(run / "best.keras")


@pytest.mark.skipif(sys.platform != "linux", reason="forks, and looks into /proc")
def test_killed_twice():
    words = [sys.executable, "bench/kill_training.py", "--kills", "2", "--epochs", "2", "--promotions", "0", "--seed", "4"]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"}
    ended = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "training: 2 kills" in ended.stdout
    assert "0 faults" in ended.stdout


# PNEUMO_LONG_TESTS=1 tests all of them; every build tests every third.
ALL_WRITES = [
    r"config\.json\.draft",
    r"status\.json\.draft",
    r"split\.csv\.draft",
    r"source\.json\.draft",
    r"draft-best-1\.keras",
    r"draft-last-1\.keras",
    r"draft-last-2\.keras",
    r"history\.jsonl\.draft",
    r"images\.u8",
    r"index\.csv",
]
WRITES = ALL_WRITES if os.environ.get("PNEUMO_LONG_TESTS") else ALL_WRITES[::3]


@pytest.mark.parametrize("pattern", WRITES)
def test_disk_full_at_each_kind_of_write(data, unbroken, tmp_path, monkeypatch, pattern):
    """The write fails in the middle and leaves half of a file."""
    monkeypatch.setenv("PNEUMO_CACHE_DIR", str(tmp_path / "cache"))
    real, met = io.open, []

    def full(file, mode="r", *arguments, **options):
        if set(mode) & set("wax+") and not isinstance(file, int) and re.search(pattern, Path(os.fsdecode(file)).name):
            met.append(file)
            with real(file, "ab") as half:
                half.write(b"half")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(file))
        return real(file, mode, *arguments, **options)

    monkeypatch.setattr(io, "open", full)
    monkeypatch.setattr(builtins, "open", full)
    run = tmp_path / "run"
    with pytest.raises(PneumoError, match=r"disk is full|No space left"):
        train(CONFIG, data, run)
    assert met
    monkeypatch.setattr(io, "open", real)
    monkeypatch.setattr(builtins, "open", real)
    if (run / "status.json").exists():
        assert read_status(run).state == "failed"
    for path in run.glob("*.keras"):
        keras.models.load_model(path)  # files with a final name are complete
    ends_as(run, data, unbroken)


def test_a_disk_that_is_really_full(data, unbroken, tmp_path):
    """A small file system of its own, if mounting one is permitted (root on Linux)."""
    run = tmp_path / "small"
    run.mkdir()
    mounted = shutil.which("mount") and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=360k", "none", str(run)], capture_output=True, check=False
    )
    if not mounted or mounted.returncode:
        pytest.skip("mounting a file system is not permitted here")
    try:
        inner = run / "run"
        with pytest.raises(RunError, match=r"disk is full|MB free"):
            train(CONFIG, data, inner)
        if (inner / "status.json").exists():
            assert read_status(inner).state == "failed"
        subprocess.run(["mount", "-o", "remount,size=32m", str(run)], check=True)
        ends_as(inner, data, unbroken)
    finally:
        subprocess.run(["umount", "--lazy", str(run)], check=True)  # the failed run may still hold its log open


def test_the_dataset_is_removed_in_the_middle(data, unbroken, tmp_path, monkeypatch):
    """Training continues from the open cache and ends as without the removal."""
    shutil.copytree(data, tmp_path / "set")
    begin = callbacks.CheckpointCallback.on_epoch_begin

    def removing(self, epoch, logs=None):
        if epoch == 1:
            shutil.rmtree(tmp_path / "set")
        begin(self, epoch, logs)

    monkeypatch.setattr(callbacks.CheckpointCallback, "on_epoch_begin", removing)
    train(CONFIG, tmp_path / "set", tmp_path / "run")
    assert not (tmp_path / "set").exists()
    for line, whole in zip(history(tmp_path / "run"), unbroken, strict=True):
        np.testing.assert_allclose([line[key] for key in FIGURES], [whole[key] for key in FIGURES], rtol=1e-3)


def test_two_trainers_race_for_one_folder(data, unbroken, tmp_path):
    """One trains and the other is refused, whichever is first."""
    ready, said = threading.Barrier(2), []

    def one():
        ready.wait()
        try:
            said.append(str(train(CONFIG, data, tmp_path / "run")))
        except RunError as error:
            said.append(str(error))

    threads = [threading.Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    told = [words for words in said if re.search("Another process is training|already holds a run", words)]
    assert len(told) == 1, said
    for line, whole in zip(history(tmp_path / "run"), unbroken, strict=True):
        np.testing.assert_allclose([line[key] for key in FIGURES], [whole[key] for key in FIGURES], rtol=1e-3)


def test_the_folder_of_a_run_killed_at_its_start_can_be_used_again(data, tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    (run / "config.json.draft").write_text("{")
    train(make_config("cnn", {**CONFIG.to_dict(), "epochs": 1}), data, run)
    assert len(history(run)) == 1
