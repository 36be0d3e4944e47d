"""One tiny run on phantoms, from `train` to an answer by the promoted model, and a run that is cut off and resumed."""

import json

import numpy as np
import pytest

from pneumo.data.phantom import make_phantom, phantom_png, write_set
from pneumo.data.split import read_manifest
from pneumo.errors import DataError, RunError
from pneumo.evaluation.predictions import read_predictions
from pneumo.inference.finding import read
from pneumo.inference.predictor import Predictor
from pneumo.registry import read_card
from pneumo.training import fit
from pneumo.training.config import make_config
from pneumo.training.feed import Feed
from pneumo.training.promote import promote

TINY = {"filters": "4,8", "dense": 8, "size": 48, "batch_size": 8, "epochs": 3, "learning_rate": 3e-3, "augmentation": 0.3}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    root = tmp_path_factory.mktemp("phantoms") / "set"
    write_set(root, patients=12, seed=1)
    return root


@pytest.fixture(scope="module")
def run(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "one"
    fit.train(make_config("cnn", TINY), data, folder)
    return folder


def test_run_folder_tells_the_run(run):
    assert fit.load_config(run) == make_config("cnn", TINY)
    lines = fit.history(run)
    assert [line["epoch"] for line in lines] == [1, 2, 3]
    assert {"loss", "auc", "accuracy", "val_loss", "val_auc", "seconds"} <= set(lines[0])
    assert json.loads((run / "status.json").read_text()) == {"state": "finished", "epochs": 3}
    assert (run / "best.keras").is_file()


def test_split_is_patient_disjoint(run):
    rows = read_manifest(run / "split.csv")
    parts = {}
    for row in rows:
        parts.setdefault(row["patient"], set()).add(row["part"])
    assert max(len(found) for found in parts.values()) == 1
    assert {row["part"] for row in rows} == {"train", "validation", "calibration", "test"}


def test_promoted_model_answers(run, data, tmp_path):
    folder = promote(run, "tiny-cnn", data, "test of promotion", root=tmp_path)
    card = read_card("tiny-cnn", tmp_path)
    assert card.operating_points["rule-out"] <= card.operating_points["balanced"] <= card.operating_points["rule-in"]
    assert card.heatmap_scale > 0
    finding = read(phantom_png(make_phantom("bacterial", seed=99)), Predictor.load("tiny-cnn", tmp_path))
    assert 0 < finding.answer.probability < 1
    predictions = read_predictions(folder / "predictions-test.csv")
    np.testing.assert_allclose(card.calibration.probability(predictions.logits), predictions.probabilities, atol=1e-7)
    stored = json.loads((folder / "metrics.json").read_text())
    assert stored["test"]["n"] == len(predictions.files)
    ledger = (tmp_path / "ledger.csv").read_text().splitlines()
    assert len(ledger) == 2
    assert "test of promotion" in ledger[1]
    assert not list(tmp_path.glob(".promoting-*"))
    with pytest.raises(RunError, match="already"):
        promote(run, "tiny-cnn", data, "again", root=tmp_path)


def test_resume_reaches_the_same_epoch_count(data, tmp_path, monkeypatch):
    config, folder = make_config("cnn", TINY), tmp_path / "cut"
    keep = fit._Keeper.on_epoch_begin

    def cut(self, epoch, logs=None):
        if epoch == 1:
            raise KeyboardInterrupt
        keep(self, epoch, logs)

    monkeypatch.setattr(fit._Keeper, "on_epoch_begin", cut)
    with pytest.raises(KeyboardInterrupt):
        fit.train(config, data, folder)
    assert len(fit.history(folder)) == 1
    monkeypatch.undo()
    with pytest.raises(RunError, match="other settings"):
        fit.train(make_config("cnn", {**TINY, "seed": 5}), data, folder, resume=True)
    fit.train(config, data, folder, resume=True)
    assert [line["epoch"] for line in fit.history(folder)] == [1, 2, 3]


def test_two_stages_freeze_then_tune(data, tmp_path):
    settings = {
        "size": 32,
        "dense": 4,
        "batch_size": 16,
        "epochs": 2,
        "head_epochs": 1,
        "backbone_weights": "none",
        "trainable_from": "conv5",
    }
    fit.train(make_config("resnet50", settings), data, tmp_path / "run")
    assert len(fit.history(tmp_path / "run")) == 2


def test_an_existing_run_is_not_overwritten(run, data):
    with pytest.raises(RunError, match="already holds a run"):
        fit.train(make_config("cnn", TINY), data, run)


def test_no_data(tmp_path):
    with pytest.raises(DataError, match="No data folder"):
        fit.train(make_config("cnn", TINY), tmp_path / "absent", tmp_path / "run")
    assert json.loads((tmp_path / "run" / "status.json").read_text())["state"] == "failed"


def test_one_class_only(tmp_path):
    write_set(tmp_path / "set", patients=4)
    for path in (tmp_path / "set").rglob("NORMAL/*.png"):
        path.unlink()
    with pytest.raises(DataError, match="both classes"):
        fit.train(make_config("cnn", TINY), tmp_path / "set", tmp_path / "run")


def test_a_loss_that_becomes_nan_is_told(data, tmp_path, monkeypatch):
    def poisoned(self, index):
        x, y = Feed.__getitem__(self, index)[:2]
        return x, y * np.nan

    monkeypatch.setattr(fit, "Feed", type("Poisoned", (Feed,), {"__getitem__": poisoned}))
    with pytest.raises(RunError, match="smaller learning rate"):
        fit.train(make_config("cnn", TINY), data, tmp_path / "run")
    assert json.loads((tmp_path / "run" / "status.json").read_text())["state"] == "failed"
    assert fit.history(tmp_path / "run") == []
    assert not (tmp_path / "run" / "last.keras").exists()


def test_a_csv_is_a_data_set_too(data, tmp_path):
    lines = ["path,label,patient,split"]
    for path in sorted(data.rglob("*.png")):
        place = path.relative_to(data)
        lines.append(f"{place.as_posix()},{place.parts[1]},{path.stem.rsplit('_', 1)[0].rsplit('-', 1)[0]},{place.parts[0]}")
    (data / "list.csv").write_text("\n".join(lines))
    try:
        fit.train(make_config("cnn", {**TINY, "epochs": 1}), data / "list.csv", tmp_path / "run")
    finally:
        (data / "list.csv").unlink()
    assert len(read_manifest(tmp_path / "run" / "split.csv")) == len(lines) - 1
