import re

import pytest
from readings import reading_of

from pneumo.ui.diagnose.wording import answer_html, bar_html, figures_html


def test_bar_marks_value_threshold_and_zone():
    html = bar_html(reading_of(0.6, prevalence=0.3))
    assert 'class="value" style="left:60.0%"' in html
    assert 'class="cut " style="left:50.0%"' in html
    assert "left:25.0%;width:50.0%" in html


def test_the_label_for_screen_readers_claims_no_certainty():
    assert 'aria-label="probability above 0.99, threshold 0.50"' in bar_html(reading_of(0.9951))


@pytest.mark.parametrize(
    ("probability", "verdict", "zone"),
    [
        (0.1, "NORMAL", "Low: speaks against pneumonia"),
        (0.6, "INDETERMINATE", "Open: the model cannot tell"),
        (0.8, "PNEUMONIA", "High: speaks for pneumonia"),
    ],
)
def test_words_for_screen_readers_are_separated_by_spaces(probability, verdict, zone):
    html = answer_html(reading_of(probability, prevalence=0.3), "2 of 3")
    said = f"2 of 3: {verdict} {zone} probability of pneumonia {probability:.2f} where 30 % of the patients have it"
    assert re.sub("<[^>]+>", "", html) == said
    assert html.startswith('<div class="answer" role="status">')
    assert f'<div class="verdict {verdict.lower()}" role="heading" aria-level="2">{verdict}</div>' in html


def test_without_a_test_no_figures_are_claimed():
    assert "nothing is known" in figures_html({})


def test_an_empty_zone_is_not_drawn():
    assert 'class="zone"' in bar_html(reading_of(0.9))
    assert 'class="zone"' not in bar_html(reading_of(0.9, low=0.5, high=0.5))
