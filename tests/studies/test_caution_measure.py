"""cautions.json of tiny_model over flat pictures, whose greys determine every count."""

import csv
import json
import math

import numpy as np
import pytest
from PIL import Image
from signed_models import sign
from tiny_model import make_registry
from tiny_reference import change_card

from pneumo.cli.main import main
from pneumo.data.split import COLUMNS
from pneumo.evaluation.calibration import Calibration
from pneumo.evaluation.wilson import wilson_interval
from pneumo.inference.predictor import Predictor
from pneumo.registry.models import read_card
from pneumo.registry.seal import seal_folder
from pneumo.reporting.evaluated import read_cautions
from pneumo.studies.caution_measure import measure_cautions

pytestmark = pytest.mark.slow

SURE, DOUBTED, HEALTHY = 215, 200, 40  # log ratios 3.4, 2.8 and -3.4; the other model says 4 less
PARTS = {"calibration": [SURE] * 19 + [DOUBTED] + [HEALTHY] * 20, "validation": [SURE] * 6 + [HEALTHY] * 5 + [-DOUBTED] * 3}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """(registry, data set); a negative grey marks a healthy child who looks sick."""
    folder = tmp_path_factory.mktemp("cautions")
    root = make_registry(make_registry(folder / "models"), "other")
    change_card(root, "other", calibration=Calibration(2.0, -4.0))
    rows = []
    for part, greys in PARTS.items():
        for number, grey in enumerate(greys):
            label = "PNEUMONIA" if grey > 127 else "NORMAL"
            path = f"train/{label}/{'IM' if label == 'NORMAL' else 'person'}-{part[0]}{number:04}-0001.png"
            (folder / "set" / path).parent.mkdir(parents=True, exist_ok=True)
            Image.new("L", (224, 224), abs(grey)).save(folder / "set" / path)
            rows.append([path, label, "none", f"{part}{number}", part])
    for model in ("tiny", "other"):
        with open(root / model / "split.csv", "w", newline="") as file:
            csv.writer(file).writerows([COLUMNS, *rows])
        seal_folder(root / model)
    return root, folder / "set"


@pytest.fixture
def measured(made, monkeypatch):
    monkeypatch.setattr("pneumo.studies.caution_measure.with_shifted_copies", lambda images, seed: _twice(images))
    root, data = made
    monkeypatch.setenv("PNEUMO_MODELS_DIR", str(root))
    sign(monkeypatch, root, "other")
    return measure_cautions(Predictor.load("tiny", root), [Predictor.load("other", root)], data, root=root)


def _twice(images):
    return np.concatenate([images[np.arange(len(images))]] * 2)


def test_counts_limits_and_rates(measured):
    assert measured["limits_from"] == {"part": "calibration", "images": 80, "patients": 40, "right": 80, "wrong": 0}
    assert measured["rates_from"] == {"part": "validation", "images": 28, "patients": 14, "right": 22, "wrong": 6}
    models = measured["cautions"]["models"]
    assert models["limits"] == {"NORMAL": None, "PNEUMONIA": None}  # the other one contradicts 2 of 40, the most allowed
    assert models["right"]["value"] == 0
    assert models["wrong"]["value"] == 1
    assert models["wrong"]["low"] == pytest.approx(wilson_interval(3, 3).low)  # three children, twice each
    assert measured["cautions"]["lungs hidden"]["wrong"]["value"] == 0  # there is no segmenter here
    assert measured["any"] == {"right": models["right"], "wrong": models["wrong"]}
    assert set(measured["others"]) == {"other"}


def test_it_is_read_back_only_for_these_weights_and_these_models(measured, made, monkeypatch):
    root, _ = made
    read = read_cautions("tiny", root)
    assert read["models"].limits == {"NORMAL": -math.inf, "PNEUMONIA": -math.inf}
    make_registry(root, "third")
    assert "models" in read_cautions("tiny", root)  # unsigned, it has no vote
    sign(monkeypatch, root, "third")
    assert "models" not in read_cautions("tiny", root)  # another model would have a vote too
    assert "small changes" in read_cautions("tiny", root)
    (root / "third").rename(root.parent / "gone")
    stored = json.loads((root / "tiny" / "cautions.json").read_text())
    (root / "tiny" / "cautions.json").write_text(json.dumps({**stored, "model_sha256": "0" * 64}))
    seal_folder(root / "tiny")
    assert read_cautions("tiny", root) == {}


def test_on_the_command_line_of_some_images(measured, made, tmp_path, capsys):
    _, data = made
    assert main(["cautions", "tiny", "--data", str(data), "--images", "5", "--output", str(tmp_path)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told == json.loads((tmp_path / "cautions.json").read_text())
    assert told["limits_from"]["images"] == 10
    assert told["model_sha256"] == read_card("tiny").sha256


def test_a_model_that_learned_from_another_split_is_not_asked(measured, made, tmp_path, caplog):
    root, data = made
    change_card(root, "other", manifest_sha256="1" * 64)
    told = measure_cautions(Predictor.load("tiny", root), [Predictor.load("other", root)], data, tmp_path, root, sample=2)
    assert told["others"] == {}
    assert "other learned from another split than tiny" in caplog.text
    change_card(root, "other", manifest_sha256="0" * 64)
