import itertools

import pytest

from pneumo.inference.finding import Reading
from pneumo.reporting import finding_words as words
from pneumo.reporting.finding_words import SENTENCES, in_words, sentence, subtype_accuracy, subtype_sentence

PNEUMONIA = Reading("PNEUMONIA", "rule-in", 0.5, "balanced")
ENDS = "on the test pneumonias; not to choose antibiotics by)."


@pytest.mark.parametrize(
    ("probability", "text"), [(0.0001, "below 0.01"), (0.014, "0.01"), (0.5, "0.50"), (0.99, "0.99"), (0.9999, "above 0.99")]
)
def test_no_certainty(probability, text):
    assert in_words(probability) == text


def test_every_label_and_zone_has_a_sentence():
    assert set(SENTENCES) == set(itertools.product(("NORMAL", "PNEUMONIA"), ("rule-out", "indeterminate", "rule-in")))
    assert "open" in sentence(Reading("NORMAL", "indeterminate", 0.5, "balanced"))


def measured(kind: float | None) -> dict:
    return {"test": {"auc": {"value": 0.98}, "subtype": {"auc": {"value": kind}}}}


@pytest.mark.parametrize(
    ("metrics", "bacterial", "said"),
    [
        (measured(0.912), 0.714, f"Bacterial 0.71, viral 0.29. Weaker than the main answer (AUC 0.91 {ENDS}"),
        (measured(0.99), 0.999, f"Bacterial above 0.99, viral below 0.01. A second answer (AUC 0.99 {ENDS}"),
        (measured(None), 0.2, f"Bacterial 0.20, viral 0.80. A second answer (never measured {ENDS}"),
        ({"test": {"auc": {"value": 0.98}}}, 0.2, f"Bacterial 0.20, viral 0.80. A second answer (never measured {ENDS}"),
        ({}, 0.2, f"Bacterial 0.20, viral 0.80. A second answer (never measured {ENDS}"),
    ],
)
def test_subtype_says_how_far_to_trust_it(metrics, bacterial, said):
    assert subtype_sentence(metrics, PNEUMONIA, bacterial) == said


def test_subtype_is_silent_on_the_healthy_and_without_the_output():
    assert subtype_sentence(measured(0.9), PNEUMONIA, None) == ""
    assert subtype_sentence(measured(0.9), Reading("NORMAL", "indeterminate", 0.5, "balanced"), 0.7) == ""


def test_accuracy_of_the_subtype_with_its_interval_where_it_was_measured():
    kind = {"n": 390, "accuracy": {"value": 0.844, "low": 0.8, "high": 0.881}}
    assert subtype_accuracy({"test": {"subtype": kind}}) == (
        "Bacterial or viral was right in 0.84 (0.80-0.88) of the 390 test pneumonias of known kind."
    )
    assert subtype_accuracy({"test": {}}) == subtype_accuracy({}) == subtype_accuracy(measured(0.9)) == ""


@pytest.mark.parametrize("metrics", [{}, {"test": {"n": 3, "ece": 0.1, "operating_points": {}}}])
def test_without_figures_at_the_point_it_says_so(metrics):
    assert words.figures_sentence(metrics, PNEUMONIA) == words.UNTESTED
    assert words.figure_rows(metrics, PNEUMONIA) == []
    assert words.calibration_sentence({}) == ""
