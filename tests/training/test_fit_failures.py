"""What training says when it cannot go on, and what it keeps."""

import errno
import os
from pathlib import Path

import keras
import numpy as np
import pytest
from phantom_sets import copy_set
from training_runs import tiny

from pneumo.errors import ConfigError, DataError, RunError
from pneumo.training import callbacks, fit
from pneumo.training.feed import Feed
from pneumo.training.fit import train
from pneumo.training.runfolder import history, lock, read_status

pytestmark = pytest.mark.long


def test_no_data(tmp_path):
    with pytest.raises(DataError, match="No data folder"):
        train(tiny(), tmp_path / "absent", tmp_path / "run")
    assert read_status(tmp_path / "run").state == "failed"


def test_a_missing_data_set_is_reported_on_resume(tmp_path, monkeypatch):
    copy_set(tmp_path / "set", patients=6)
    monkeypatch.setattr(callbacks.CheckpointCallback, "on_epoch_begin", _interrupt_second)
    with pytest.raises(KeyboardInterrupt):
        train(tiny(), tmp_path / "set", tmp_path / "run")
    (tmp_path / "set").rename(tmp_path / "gone")
    with pytest.raises((DataError, RunError), match=r"read|No data"):
        train(tiny(), tmp_path / "set", tmp_path / "run", resume=True)
    status = read_status(tmp_path / "run")
    assert (status.state, status.epoch) == ("failed", 1)
    keras.models.load_model(tmp_path / "run" / "last-1.keras")


def _interrupt_second(self, epoch, logs=None):
    if epoch == 1:
        raise KeyboardInterrupt
    self.begun = 0.0


def test_one_class_only(tmp_path):
    copy_set(tmp_path / "set", patients=4)
    for path in (tmp_path / "set").rglob("NORMAL/*.png"):
        path.unlink()
    with pytest.raises(DataError, match="both classes"):
        train(tiny(), tmp_path / "set", tmp_path / "run")


def test_an_image_too_small_for_the_network(data, tmp_path):
    with pytest.raises(ConfigError, match="larger size or fewer blocks"):
        train(tiny(filters="4,4,4,4,4,4", size=32), data, tmp_path)
    assert "larger size" in read_status(tmp_path).why


def test_a_full_disk_keeps_the_last_good_checkpoint(data, tmp_path, monkeypatch):
    def full(self, path, *_, **__):
        if "last-2" in Path(path).name:
            Path(path).write_bytes(b"half")
            raise OSError(errno.ENOSPC, "No space left on device")
        save(self, path)

    save = keras.Model.save
    monkeypatch.setattr(keras.Model, "save", full)
    with pytest.raises(RunError, match="disk is full"):
        train(tiny(), data, tmp_path)
    status = read_status(tmp_path)
    assert (status.state, status.epoch) == ("failed", 1)
    assert "disk is full" in status.why
    assert not list(tmp_path.glob("draft-*"))
    monkeypatch.undo()
    train(tiny(), data, tmp_path, resume=True)
    assert len(history(tmp_path)) == 3


@pytest.mark.skipif(os.name != "posix", reason="limits of a process are a POSIX matter")
def test_a_disk_without_room_for_a_checkpoint(run, data, tmp_path):
    """`run` has put the images into the cache, so the checkpoint is the first file that is too large."""
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, before[1]))
    try:
        with pytest.raises(RunError, match="disk is full"):
            train(tiny(epochs=1), data, tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert read_status(tmp_path).state == "failed"


def test_too_little_disk_space_is_reported_at_the_start(data, tmp_path, monkeypatch):
    monkeypatch.setattr(fit.shutil, "disk_usage", lambda path: type("Usage", (), {"free": 1000}))
    with pytest.raises(RunError, match="MB free"):
        train(tiny(), data, tmp_path)


def test_a_loss_that_becomes_nan_is_reported(data, tmp_path, monkeypatch):
    def poisoned(self, index):
        x, y = Feed.__getitem__(self, index)[:2]
        return x, y * np.nan

    monkeypatch.setattr(fit, "Feed", type("Poisoned", (Feed,), {"__getitem__": poisoned}))
    with pytest.raises(RunError, match="smaller learning rate"):
        train(tiny(), data, tmp_path)
    assert read_status(tmp_path).state == "failed"
    assert history(tmp_path) == []
    assert not list(tmp_path.glob("*.keras"))


def test_the_lock_is_released(run):
    with lock(run):
        pass
