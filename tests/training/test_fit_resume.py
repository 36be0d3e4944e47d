"""Interrupted runs, and how they go on."""

import json
import os
import signal
import subprocess
import threading
import time
from pathlib import Path

import keras
import numpy as np
import pytest
from training_runs import FIGURES, command, tiny

from pneumo.errors import RunError
from pneumo.training import callbacks, interrupt
from pneumo.training.fit import train
from pneumo.training.runfolder import history, read_status

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]


def test_a_finished_run_is_not_trained_further(run, data):
    before = history(run)
    train(tiny(), data, run, resume=True)
    assert history(run) == before


def test_an_existing_run_is_not_overwritten(run, data):
    with pytest.raises(RunError, match="already holds a run"):
        train(tiny(), data, run)


def test_an_interrupted_run_goes_on_as_an_unbroken_one(run, data, tmp_path, monkeypatch):
    def cut(self, epoch, logs=None):
        if epoch == 1:
            raise KeyboardInterrupt
        keep(self, epoch, logs)

    keep = callbacks.CheckpointCallback.on_epoch_begin
    monkeypatch.setattr(callbacks.CheckpointCallback, "on_epoch_begin", cut)
    with pytest.raises(KeyboardInterrupt):
        train(tiny(), data, tmp_path)
    assert read_status(tmp_path).state == "cancelled"
    assert len(history(tmp_path)) == 1
    monkeypatch.undo()
    with pytest.raises(RunError, match="other settings"):
        train(tiny(seed=5), data, tmp_path, resume=True)
    train(tiny(), data, tmp_path, resume=True)
    for line, unbroken in zip(history(tmp_path), history(run), strict=True):
        np.testing.assert_allclose([line[k] for k in FIGURES], [unbroken[k] for k in FIGURES], rtol=1e-3)


def test_killed_in_the_middle_and_resumed(data, tmp_path):
    folder = tmp_path / "run"
    process = subprocess.Popen(command(data, folder, "--epochs", "4000"), cwd=ROOT, stderr=subprocess.PIPE, text=True)
    try:
        _wait(lambda: len(history(folder)) >= 2, process)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stderr.close()
    status = read_status(folder)
    assert status.state == "failed"
    assert "killed" in status.why
    kept = history(folder)
    keras.models.load_model(folder / "best.keras")  # complete
    goal = len(kept) + 2
    settings = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**settings, "epochs": goal}))  # 4,000 epochs would take too long
    train(tiny(epochs=goal), data, folder, resume=True)
    lines = history(folder)
    assert lines[: len(kept)] == kept
    assert [line["epoch"] for line in lines] == list(range(1, goal + 1))
    assert read_status(folder).state == "finished"


def test_after_sigterm_the_run_is_cancelled(data, tmp_path):
    folder = tmp_path / "run"
    process = subprocess.Popen(command(data, folder, "--epochs", "4000"), cwd=ROOT, stderr=subprocess.PIPE, text=True)
    _wait(lambda: len(history(folder)) >= 1, process)
    with pytest.raises(RunError, match="Another process is training"):
        train(tiny(epochs=4000), data, folder, resume=True)
    process.terminate()
    _, said = process.communicate(timeout=180)
    assert process.returncode == 130
    assert "Go on with --resume" in said
    assert "Traceback" not in said
    assert read_status(folder).state == "cancelled"


def test_a_sigterm_that_python_loses_takes_effect_at_the_next_batch(data, tmp_path, monkeypatch):
    class Deleted:
        def __del__(self):  # an exception raised in here is lost
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(0.01)

    def delete(self, epoch, logs=None):
        if epoch == 1:
            Deleted()
        begin(self, epoch, logs)

    begin = callbacks.CheckpointCallback.on_epoch_begin
    monkeypatch.setattr(callbacks.CheckpointCallback, "on_epoch_begin", delete)
    monkeypatch.setattr(interrupt, "_interrupted", threading.Event())
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    interrupt.handle_signals()
    try:
        with pytest.raises(KeyboardInterrupt):
            train(tiny(), data, tmp_path)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert len(history(tmp_path)) == 1
    assert read_status(tmp_path).state == "cancelled"


def _wait(reached, process, seconds=120):
    for _ in range(seconds * 20):
        if reached():
            return
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.05)
    raise AssertionError("waited in vain")
