"""Tiny runs on phantoms: the contents of a run folder, and the effects of settings."""

import itertools
import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from jax_environment import jax_environment
from training_runs import FIGURES, command, tiny

from pneumo.data.split import read_manifest
from pneumo.files import sha256
from pneumo.nets.load import load_network
from pneumo.training import callbacks, fit, runfolder
from pneumo.training.config import make_config
from pneumo.training.fit import train
from pneumo.training.model_builder import network_of
from pneumo.training.runfolder import history, read_status, source

pytestmark = pytest.mark.long

ROOT = Path(__file__).parent.parent.parent


def test_run_folder_describes_the_run(run, data):
    lines = history(run)
    assert [line["epoch"] for line in lines] == [1, 2, 3]
    assert {*FIGURES, "learning_rate", "seconds"} <= set(lines[0])
    status = read_status(run)
    assert (status.state, status.epoch, status.epochs) == ("finished", 3, 3)
    told = source(run)
    assert told["manifest_sha256"] == sha256(run / "split.csv")
    assert (told["data"], told["seed"], told["device"]) == (str(data), 0, "cpu")
    assert told["versions"]["keras"] == keras.__version__
    assert {path.name for path in run.glob("*.keras")} == {"best.keras", "last-3.keras"}


def test_what_a_run_does_before_its_first_epoch(data, tmp_path, monkeypatch):
    said, keep = [], runfolder.write_phase

    def note(run, phase, *count):
        said.append((phase, *count))
        keep(run, phase, *count)

    monkeypatch.setattr(runfolder, "write_phase", note)
    train(tiny(epochs=1, lung_centred="true", margin=0), data, tmp_path)
    assert list(dict.fromkeys(phase for phase, *_ in said)) == [
        "reading images",
        "finding lungs, train part:",
        "finding lungs, validation part:",
        "building the network",
    ]
    _, done, total = said[1]
    assert 1 <= done <= total
    assert total > 10
    assert read_status(tmp_path).phase == ""


def test_the_time_left_ignores_the_slow_first_batch(tmp_path, monkeypatch):
    """The first batch builds the graph, which takes 20 s of a 40 s epoch here; the others take 1 s each."""
    now = [100.0]
    monkeypatch.setattr(callbacks.time, "monotonic", lambda: now[0])
    progress = callbacks.Progress(tmp_path, tiny(epochs=2))
    progress.set_params({"steps": 21})
    progress.on_epoch_begin(0)
    now[0] += 20
    progress.on_train_batch_end(0)
    assert json.loads((tmp_path / "status.json").read_text())["seconds_left"] is None
    for batch in range(1, 11):
        now[0] += 1.1
        progress.on_train_batch_end(batch)
    left = json.loads((tmp_path / "status.json").read_text())["seconds_left"]
    assert left == pytest.approx(1.1 * (10 + 21), rel=0.02)


def test_tensorboard_holds_the_history(run):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(run / "tensorboard"))
    events.Reload()
    shown = [event.value for event in events.Scalars("val_loss")]
    np.testing.assert_allclose(shown, [line["val_loss"] for line in history(run)], rtol=1e-6)


def small_backbone(include_top, weights, input_tensor):
    """Replaces Keras' ResNet50, whose tracing takes half a minute: one layer for each stage, with the same names."""
    x = input_tensor
    for stage in ("conv1", "conv4", "conv5"):
        x = keras.layers.Conv2D(4, 3, strides=2, activation="relu", name=f"{stage}_conv")(x)
    return keras.Model(keras.utils.get_source_inputs(input_tensor), x)


def test_two_stages_freeze_then_tune(data, tmp_path, monkeypatch):
    monkeypatch.setattr(keras.applications, "ResNet50", small_backbone)
    settings = {
        "size": 32,
        "dense": 4,
        "batch_size": 16,
        "epochs": 2,
        "head_epochs": 1,
        "backbone_weights": "none",
        "trainable_from": "conv5",
    }
    nets, begin = [], callbacks.CheckpointCallback.on_epoch_begin

    def look(self, epoch, logs=None):
        nets.append(weights(self.net))
        begin(self, epoch, logs)

    monkeypatch.setattr(callbacks.CheckpointCallback, "on_epoch_begin", look)
    train(make_config("resnet50", settings), data, tmp_path / "run")
    nets.append(weights(network_of(load_network(tmp_path / "run" / "last-2.keras"))))
    learned = [{name for name in old if not np.array_equal(old[name], new[name])} for old, new in itertools.pairwise(nets)]
    assert learned == [{"hidden", "probability"}, {"conv5_conv", "hidden", "probability"}]


def weights(net):
    return {layer.name: layer.get_weights()[0] for layer in net.layers if layer.weights}


def test_two_outputs(data, tmp_path):
    train(tiny(subtype=True, epochs=2), data, tmp_path)
    line = history(tmp_path)[-1]
    assert {*FIGURES, "bacterial_auc", "val_bacterial_auc"} <= set(line)
    assert not [key for key in line if "probability" in key]
    net = keras.models.load_model(tmp_path / "best.keras")
    assert [out.shape for out in net(np.zeros((1, 48, 48, 1), np.float32))] == [(1, 1), (1, 1)]


def test_mixed_precision_computes_in_float16_and_keeps_weights_in_float32(data, tmp_path):
    train(tiny(precision="mixed", epochs=1, schedule="constant"), data, tmp_path)
    conv = keras.models.load_model(tmp_path / "best.keras").get_layer("conv1")
    assert (conv.compute_dtype, conv.variable_dtype) == ("float16", "float32")
    assert source(tmp_path)["mixed_precision"]


@pytest.mark.parametrize(("balance", "images"), [("weights", 35), ("replicate", 50)])
def test_balance_by_weights_or_by_replication(data, tmp_path, monkeypatch, balance, images):
    seen = []
    monkeypatch.setattr(fit.keras.Model, "fit", lambda self, feed, **_: seen.append(feed))
    train(tiny(balance=balance), data, tmp_path)
    labels = seen[0].part.labels[seen[0].chosen]
    assert len(labels) == images
    weight = seen[0].sample_weight
    total = [labels[labels == c].size if weight is None else weight[seen[0].part.labels == c].sum() for c in (0, 1)]
    assert total[0] == pytest.approx(total[1])


def test_patience_ends_the_run_and_keeps_the_best(data, tmp_path, monkeypatch):
    losses = iter([0.5, 0.3, 0.4, 0.35, 0.2])
    keep = callbacks.renamed
    monkeypatch.setattr(callbacks, "renamed", lambda logs: {**keep(logs), "val_loss": next(losses)})
    train(tiny(patience=2, epochs=9, schedule="plateau"), data, tmp_path)
    lines = history(tmp_path)
    assert [line["val_loss"] for line in lines] == [0.5, 0.3, 0.4, 0.35]
    assert read_status(tmp_path).state == "finished"
    assert {path.name for path in tmp_path.glob("*.keras")} == {"best.keras", "last-4.keras"}
    trainer = keras.models.load_model(tmp_path / "last-4.keras")
    assert float(trainer.optimizer.learning_rate) == pytest.approx(lines[0]["learning_rate"] / 2)  # two epochs without progress


def test_patience_counts_from_the_last_stage(data, tmp_path, monkeypatch):
    losses, keep = iter([0.1, 0.2, 0.5, 0.4, 0.3]), callbacks.renamed  # the epochs of the head alone were best
    monkeypatch.setattr(callbacks, "renamed", lambda logs: {**keep(logs), "val_loss": next(losses)})
    train(tiny(patience=3, epochs=9, head_epochs=2), data, tmp_path)
    assert len(history(tmp_path)) == 5
    assert read_status(tmp_path).state == "finished"


def test_trains_on_jax_without_tensorflow(data, tmp_path):
    """As on a GPU machine that has only JAX, where importing TensorFlow fails."""
    pytest.importorskip("jax")
    blocked = (
        "import sys, importlib.abc\n"
        "class Absent(importlib.abc.MetaPathFinder):\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.split('.')[0] == 'tensorflow': raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, Absent())\n"
        "from pneumo.cli.main import main\n"
        "sys.exit(main(sys.argv[1:]))"
    )
    words = command(data, tmp_path, "--epochs", "2", "--subtype", "true")[3:]
    environment = {**os.environ, **jax_environment()}
    result = subprocess.run([sys.executable, "-c", blocked, *words], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert len(history(tmp_path)) == 2
    assert source(tmp_path)["backend"] == "jax"
    net = keras.models.load_model(tmp_path / "best.keras")  # TensorFlow reads what JAX trained
    assert np.isfinite(net(np.zeros((1, 48, 48, 1), np.float32))[0]).all()


def test_a_csv_is_a_data_set_too(data, tmp_path):
    lines = ["path,label,patient,split"]
    for path in sorted(data.rglob("*.png")):
        place = path.relative_to(data)
        lines.append(f"{place.as_posix()},{place.parts[1]},{path.stem.rsplit('_', 1)[0].rsplit('-', 1)[0]},{place.parts[0]}")
    (data / "list.csv").write_text("\n".join(lines))
    try:
        train(tiny(epochs=1), data / "list.csv", tmp_path)
    finally:
        (data / "list.csv").unlink()
    assert len(read_manifest(tmp_path / "split.csv")) == len(lines) - 1
