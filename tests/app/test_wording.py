import pytest

from pneumo.inference.finding import Reading
from pneumo.ui.wording import bar_html, predictive_sentence

POINTS = {"balanced": 0.5, "rule-out": 0.25, "rule-in": 0.75}


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


def test_nothing_is_claimed_without_a_test():
    assert predictive_sentence({}, Reading("NORMAL", "rule-out", 0.5, "balanced"), 0.3) == ""
