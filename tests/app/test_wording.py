import itertools

import pytest

from pneumo.inference.finding import Reading
from pneumo.ui.wording import _SENTENCES, bar_html, in_words, predictive_sentence, sentence, subtype_sentence

POINTS = {"balanced": 0.5, "rule-out": 0.25, "rule-in": 0.75}


@pytest.mark.parametrize(
    ("probability", "text"), [(0.0001, "below 0.01"), (0.014, "0.01"), (0.5, "0.50"), (0.99, "0.99"), (0.9999, "above 0.99")]
)
def test_no_certainty(probability, text):
    assert in_words(probability) == text


def test_every_label_and_zone_has_a_sentence():
    assert set(_SENTENCES) == set(itertools.product(("NORMAL", "PNEUMONIA"), ("rule-out", "indeterminate", "rule-in")))
    assert "open" in sentence(Reading("NORMAL", "indeterminate", 0.5, "balanced"))


def test_bar_marks_value_threshold_and_zone():
    html = bar_html(0.6, Reading("PNEUMONIA", "indeterminate", 0.5, "balanced"), POINTS)
    assert 'class="value" style="left:60.0%"' in html
    assert 'class="cut " style="left:50.0%"' in html
    assert "left:25.0%;width:50.0%" in html


@pytest.mark.parametrize(("label", "prevalence", "right"), [("PNEUMONIA", 0.5, 90), ("PNEUMONIA", 0.1, 50), ("NORMAL", 0.1, 99)])
def test_predictive_value_follows_the_prevalence(label, prevalence, right):
    figure = {"value": 0.9}
    metrics = {"test": {"operating_points": {"balanced": {"sensitivity": figure, "specificity": figure}}}}
    text = predictive_sentence(metrics, Reading(label, "rule-in", 0.5, "balanced"), prevalence)
    assert f"right in about {right} of 100" in text


PNEUMONIA = Reading("PNEUMONIA", "rule-in", 0.5, "balanced")


ENDS = "on the test pneumonias; not to choose antibiotics by)."


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


def test_nothing_is_claimed_without_a_test():
    assert predictive_sentence({}, Reading("NORMAL", "rule-out", 0.5, "balanced"), 0.3) == ""
