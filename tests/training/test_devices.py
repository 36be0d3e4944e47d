"""Training on two virtual devices in a separate process gives the same as training on one."""

import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from jax_environment import jax_environment
from phantom_sets import copy_set

from pneumo.errors import ConfigError
from pneumo.imaging.preprocess import InputSpec
from pneumo.training import devices
from pneumo.training.config import make_config
from pneumo.training.dataset import Part
from pneumo.training.devices import chosen_devices
from pneumo.training.feed import Draws, Feed

pytestmark = pytest.mark.long

ROOT = Path(__file__).parent.parent.parent
# Without augmentation, because its layers compile slowest; with it the losses are equal, too.
FRAME = {"lung_centred": "false", "margin": 16}  # finding lungs is slow
TINY = {**FRAME, "filters": "4", "dense": 4, "size": 32, "batch_size": 8, "epochs": 2, "balance": "replicate", "augmentation": 0}

# One device, two, and two with a stop after the first epoch; prints the histories.
RUNS = """
import json, sys
from pathlib import Path
from pneumo.training import callbacks
from pneumo.training.config import make_config
from pneumo.training.fit import train
from pneumo.training.runfolder import history

settings, data, runs = json.loads(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])
begin, spread = callbacks.CheckpointCallback.on_epoch_begin, []
def note(self, epoch, logs=None):
    spread.append(len(self.model.weights[0].value.sharding.device_set))
    begin(self, epoch, logs)
def stop(self, epoch, logs=None):
    if epoch == 1:
        raise KeyboardInterrupt
    note(self, epoch, logs)
callbacks.CheckpointCallback.on_epoch_begin = note
train(make_config("cnn", settings), data, runs / "one")
two = make_config("cnn", {**settings, "devices": "all"})
train(two, data, runs / "two")
callbacks.CheckpointCallback.on_epoch_begin = stop
try:
    train(two, data, runs / "resumed")
except KeyboardInterrupt:
    callbacks.CheckpointCallback.on_epoch_begin = note
train(two, data, runs / "resumed", resume=True)
print(json.dumps({"spread": spread, **{name: history(runs / name) for name in ("one", "two", "resumed")}}))
"""


def test_two_devices_train_as_one_does_fresh_and_resumed(tmp_path):
    pytest.importorskip("jax")
    copy_set(tmp_path / "set", patients=6)
    environment = {**os.environ, **jax_environment(devices=2)}
    words = [sys.executable, "-c", RUNS, json.dumps(TINY), str(tmp_path / "set"), str(tmp_path)]
    result = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    told = json.loads(result.stdout.splitlines()[-1])
    assert told["spread"] == [1, 1, 2, 2, 2, 2]  # number of devices that hold the weights, for each epoch
    for name in ("two", "resumed"):
        assert len(told[name]) == len(told["one"]) == 2
        for alone, shared in zip(told["one"], told[name], strict=True):
            for figure in ("loss", "val_loss", "val_auc", "learning_rate"):
                assert shared[figure] == pytest.approx(alone[figure], rel=1e-3), (name, figure)
    assert json.loads((tmp_path / "two" / "config.json").read_text())["devices"] == "all"
    assert keras.models.load_model(tmp_path / "two" / "best.keras").count_params() > 0


@pytest.fixture
def four(monkeypatch):
    monkeypatch.setattr(devices.keras.distribution, "list_devices", lambda: [f"gpu:{number}" for number in range(4)])
    monkeypatch.setattr(devices.keras.backend, "backend", lambda: "jax")


def test_devices_are_taken_by_number_or_all(four):
    assert chosen_devices(make_config("cnn", {})) == ["gpu:0"]
    assert chosen_devices(make_config("cnn", {"devices": 2})) == ["gpu:0", "gpu:1"]
    assert len(chosen_devices(make_config("cnn", {"devices": "all"}))) == 4


def test_impossible_settings_are_refused(four, monkeypatch):
    with pytest.raises(ConfigError, match="at most 4, or all: found gpu:0"):
        chosen_devices(make_config("cnn", {"devices": 5}))
    with pytest.raises(ConfigError, match="multiple of 4"):
        chosen_devices(make_config("cnn", {"devices": 4, "batch_size": 30}))
    monkeypatch.setattr(devices.keras.backend, "backend", lambda: "tensorflow")
    with pytest.raises(ConfigError, match="KERAS_BACKEND=jax"):
        chosen_devices(make_config("cnn", {"devices": 2}))
    assert chosen_devices(make_config("cnn", {})) == ["gpu:0"]


@pytest.mark.parametrize("value", ["0", "-1", "two", "1.5", ""])
def test_devices_must_be_a_number_or_all(value):
    with pytest.raises(ConfigError, match="1 or more, or all"):
        make_config("cnn", {"devices": value})


def test_the_last_batch_of_an_epoch_can_be_shared_evenly():
    images, labels = np.zeros((22, 224, 224), np.uint8), np.arange(22) % 2
    part = Part(images, labels, np.full(22, np.nan, np.float32))
    feed = Feed(part, InputSpec(32, 16), 8, Draws(order=lambda rng: rng.permutation(22), devices=4))
    assert [len(feed[index][0]) for index in range(len(feed))] == [8, 8, 4]
    left_out = [set(range(22)) - set(feed.chosen.tolist())]
    feed.on_epoch_end()
    left_out.append(set(range(22)) - set(feed.chosen.tolist()))
    assert left_out[0] != left_out[1]  # other images in the next epoch
