import json

import numpy as np
import pytest

from pneumo.evaluation.calibration import fit_recalibration
from pneumo.evaluation.metrics import brier, compute_metrics, expected_calibration_error
from pneumo.evaluation.predictions import make_predictions
from pneumo.evaluation.summary import summarise

POINTS = {"balanced": 0.5, "rule-out": 0.3, "rule-in": 0.8}
FIGURES = ("auc", "accuracy", "sensitivity", "specificity", "precision", "recall", "f1")


@pytest.fixture(scope="module")
def predictions():
    rng = np.random.default_rng(0)
    sick = np.arange(90) % 3 > 0
    logits = rng.normal(0, 1.5, 90) + 2.5 * sick - 1
    files = [
        f"test/PNEUMONIA/person{i // 2}_virus_{i}.jpeg" if s else f"test/NORMAL/IM-{i:04}-0001.jpeg" for i, s in enumerate(sick)
    ]
    labels = ["PNEUMONIA" if s else "NORMAL" for s in sick]
    return make_predictions(files, labels, ["viral" if s else "none" for s in sick], logits, 1 / (1 + np.exp(-logits)))


@pytest.fixture(scope="module")
def summary(predictions):
    return summarise(predictions, POINTS)


def test_fields(summary):
    assert set(summary) == {
        "n",
        "patients",
        *FIGURES,
        "confusion_matrix",
        "brier",
        "ece",
        "prevalence",
        "calibration",
        "calibration_curve",
        "ece_at",
        "intervals",
        "operating_point",
        "operating_points",
    }
    assert summary["prevalence"] == pytest.approx(60 / 90)
    assert summary["operating_point"] == {"name": "balanced", "threshold": 0.5}


def test_calibration_figures_are_those_of_the_fit(summary, predictions):
    intercept, slope = fit_recalibration(predictions.labels, predictions.logits)
    assert summary["calibration"]["intercept"]["value"] == pytest.approx(intercept)
    assert summary["calibration"]["slope"]["value"] == pytest.approx(slope)
    assert summary["calibration"]["slope"]["low"] < slope < summary["calibration"]["slope"]["high"]


def test_counts(summary, predictions):
    assert summary["n"] == 90
    assert summary["patients"] == len(set(predictions.patients)) < 90
    (tn, fp), (fn, tp) = summary["confusion_matrix"]
    assert (tn + fp, fn + tp) == (30, 60)
    assert summary["accuracy"]["value"] == pytest.approx((tn + tp) / 90)
    assert summary["sensitivity"]["value"] == pytest.approx(tp / 60)


@pytest.mark.parametrize("name", FIGURES)
def test_figures_lie_in_their_intervals(summary, predictions, name):
    figure = summary[name]
    assert set(figure) == {"value", "low", "high"}
    assert figure["value"] == pytest.approx(getattr(compute_metrics(predictions.labels, predictions.probabilities, 0.5), name))
    assert 0 <= figure["low"] < figure["value"] < figure["high"] <= 1


def test_calibration_figures(summary, predictions):
    assert summary["brier"] == brier(predictions.labels, predictions.probabilities)
    assert summary["ece"] == expected_calibration_error(predictions.labels, predictions.probabilities)


def test_each_operating_point_has_its_own_figures(summary, predictions):
    points = summary["operating_points"]
    assert {name: point["threshold"] for name, point in points.items()} == POINTS
    for name, cut in POINTS.items():
        expected = compute_metrics(predictions.labels, predictions.probabilities, cut)
        assert points[name]["sensitivity"]["value"] == expected.sensitivity
        assert points[name]["specificity"]["value"] == expected.specificity
    assert points["rule-out"]["sensitivity"]["value"] > points["rule-in"]["sensitivity"]["value"]


def test_summary_goes_through_json(summary):
    assert json.loads(json.dumps(summary)) == summary


KINDS = ["none", "none", "viral", "viral", "viral", "bacterial", "bacterial", "none"]


def with_kinds(bacterial, kinds=KINDS):
    files = [f"person{i}.png" for i in range(len(kinds))]
    labels = ["NORMAL", "NORMAL"] + ["PNEUMONIA"] * (len(kinds) - 2)
    return make_predictions(files, labels, kinds, [0.0] * len(kinds), [0.5] * len(kinds), bacterial)


def test_bacterial_against_viral_over_the_pneumonias_of_known_kind():
    # healthy children and the case of unknown kind are certain, and must not count
    kind = summarise(with_kinds([1, 1, 0.1, 0.2, 0.7, 0.5, 0.4, 1]), POINTS)["subtype"]
    assert set(kind) == {"n", "auc", "accuracy", "sensitivity", "specificity"}
    assert kind["n"] == 5
    assert kind["sensitivity"]["value"] == pytest.approx(1 / 2)  # 0.5 is called bacterial, 0.4 is not
    assert kind["specificity"]["value"] == pytest.approx(2 / 3)
    assert kind["accuracy"]["value"] == pytest.approx(3 / 5)
    assert kind["auc"]["value"] == pytest.approx(4 / 6)
    assert kind["accuracy"]["low"] < 3 / 5 < kind["accuracy"]["high"]


def test_no_subtype_block_without_the_output_or_without_such_cases():
    assert "subtype" not in summarise(with_kinds(None), POINTS)
    assert "subtype" not in summarise(with_kinds([0.5] * 3, ["none", "none", "none"]), POINTS)


def test_one_kind_alone_leaves_the_other_s_figures_undefined():
    kind = summarise(with_kinds([0.5] * 4, ["none", "none", "viral", "viral"]), POINTS)["subtype"]
    assert kind["auc"]["value"] is None
    assert kind["sensitivity"]["value"] is None
    assert kind["specificity"]["value"] == 0


def test_one_class_and_one_patient_give_null_and_no_error():
    alone = make_predictions(["person1_virus_1.png", "person1_virus_2.png"], ["PNEUMONIA"] * 2, ["viral"] * 2, [0, 2], [0.5, 0.9])
    summary = summarise(alone, {"balanced": 0.5})
    assert summary["sensitivity"]["value"] == 1
    assert summary["specificity"]["value"] is None
    assert summary["sensitivity"]["low"] == pytest.approx(0.207, abs=1e-3)  # of one patient: Wilson's of 1 of 1
    assert summary["auc"]["low"] is None
    assert {"calibration_curve", "ece_at"}.isdisjoint(summary)
    assert "NaN" not in json.dumps(summary)
