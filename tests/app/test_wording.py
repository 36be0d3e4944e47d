from readings import reading_of

from pneumo.ui.diagnose.wording import bar_html, figures_html, headline_html, verdict_html


def test_bar_marks_value_threshold_and_zone():
    html = bar_html(reading_of(0.6, prevalence=0.3))
    assert 'class="value" style="left:60.0%"' in html
    assert 'class="cut " style="left:50.0%"' in html
    assert "left:25.0%;width:50.0%" in html
    assert "where 30 % of the patients have it" in html


def test_a_screen_reader_hears_no_certainty_either():
    assert 'aria-label="probability above 0.99, threshold 0.50"' in bar_html(reading_of(0.9951))


def test_three_verdicts():
    assert [verdict_html(reading_of(p)).split(">")[1].split("<")[0] for p in (0.1, 0.6, 0.8)] == [
        "NORMAL",
        "INDETERMINATE",
        "PNEUMONIA",
    ]


def test_the_line_above_the_picture_says_what_the_panel_says():
    html = headline_html(reading_of(0.9951, prevalence=0.3))
    assert 'data-verdict="PNEUMONIA"' in html
    assert 'data-said="above 0.99 where 30 % have it"' in html
    assert 'aria-hidden="true"' in html


def test_nothing_is_claimed_without_a_test():
    assert "nothing is known" in figures_html({})


def test_an_empty_zone_is_not_drawn():
    assert 'class="zone"' in bar_html(reading_of(0.9))
    assert 'class="zone"' not in bar_html(reading_of(0.9, low=0.5, high=0.5))
