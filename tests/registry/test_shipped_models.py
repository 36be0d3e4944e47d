"""The models in the repository are complete, verified and small enough, and their metrics match their predictions."""

import json
from pathlib import Path

import pytest

from pneumo.evaluation.predictions import read_predictions
from pneumo.evaluation.summary import summarise
from pneumo.inference.predictor import Predictor
from pneumo.registry.model_folder import list_models
from pneumo.registry.models import read_card
from pneumo.studies.assess import own_prevalence

MODELS = Path(__file__).parents[2] / "models"


def test_both_models_exist():
    assert {"cnn", "resnet50"} <= set(list_models(MODELS))


def test_sizes():
    sizes = [path.stat().st_size for path in MODELS.rglob("*") if path.is_file()]
    assert sum(sizes) <= 150e6
    assert max(sizes) <= 95e6


@pytest.mark.parametrize("model", list_models(MODELS))
def test_verifies_and_loads(model):
    assert Predictor.load(model, MODELS).card.id == model


@pytest.mark.slow
@pytest.mark.parametrize("model", list_models(MODELS))
def test_metrics_come_from_the_stored_predictions(model):
    predictions = read_predictions(MODELS / model / "predictions-test.csv")
    stored = json.loads((MODELS / model / "metrics.json").read_text())["test"]
    again = json.loads(json.dumps(summarise(predictions, read_card(model, MODELS).points_at(own_prevalence(predictions.labels)))))
    assert len(predictions.files) + sum(stored["unanswered"].values()) == 624
    assert again["confusion_matrix"] == stored["confusion_matrix"]
    ends = (
        ("value", "low", "high") if stored.get("intervals") == again["intervals"] else ("value",)
    )  # older models have percentile intervals
    for name in ("auc", "accuracy", "sensitivity", "specificity", "precision", "recall", "f1"):
        assert [again[name][end] for end in ends] == pytest.approx([stored[name][end] for end in ends], abs=1e-6)
    for name, figure in stored["calibration"].items():
        assert [again["calibration"][name][end] for end in ends] == pytest.approx([figure[end] for end in ends], abs=1e-5)


@pytest.mark.parametrize("model", list_models(MODELS))
def test_auc_on_test_is_at_least_093(model):
    assert json.loads((MODELS / model / "metrics.json").read_text())["test"]["auc"]["value"] >= 0.93


@pytest.mark.parametrize("model", list_models(MODELS))
def test_every_model_is_in_the_ledger(model):
    rows = (MODELS / "ledger.csv").read_text().splitlines()
    assert any(f",{model}," in row for row in rows)
