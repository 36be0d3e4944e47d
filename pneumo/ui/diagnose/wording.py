"""The answer as HTML, in the sentences of reporting.finding_words. No streamlit here, for the tests."""

from html import escape
from typing import Any

from pneumo.imaging.radiograph import ImageFacts
from pneumo.inference.finding import Reading
from pneumo.reporting import finding_words as words
from pneumo.reporting.finding_words import UNTESTED, figure_rows, figures_sentence, in_words, share

NO_ANSWER = '<div class="answer" role="status"></div>'


def answer_html(reading: Reading, place: str) -> str:
    """Verdict, zone and probability. `place`: the number of the X-ray among the files, in words.

    For st.markdown: it keeps the element on the page and changes its text, so that a screen reader tells each new answer.
    The heading is a div, as Streamlit makes a link of an h2.
    """
    return (
        f'<div class="answer" role="status"><span class="spoken">{escape(place)}:</span> '
        f'<div class="verdict {reading.verdict.lower()}" role="heading" aria-level="2">{reading.verdict}</div> '
        f'<div class="zone-words" title="{escape(words.zone_help(reading.zone))}">{reading.zone.in_words}</div> '
        f'<div class="probability">probability of pneumonia <b>{in_words(reading.probability)}</b> '
        f"<small>where {share(reading.prevalence)} of the patients have it</small></div></div>"
    )


def bar_html(reading: Reading) -> str:
    """Probability on a scale 0 to 1 with the threshold marked and the indeterminate zone shaded, unless it is empty."""
    value, cut = in_words(reading.probability), reading.threshold
    side = "early" if cut < 0.2 else "late" if cut > 0.8 else ""
    left, width = 100 * reading.low, 100 * (reading.high - reading.low)
    zone = f'<div class="zone" style="left:{left:.1f}%;width:{width:.1f}%"></div>' if width else ""
    return (
        f'<div class="bar {reading.verdict.lower()}" role="img" aria-label="probability {value}, threshold {cut:.2f}">'
        f'{zone}<div class="cut {side}" style="left:{100 * cut:.1f}%"><span>threshold {cut:.2f}</span></div>'
        f'<div class="value" style="left:{min(max(100 * reading.probability, 1), 99):.1f}%"></div></div>'
        '<div class="ends"><span>0 normal</span><span>1 pneumonia</span></div>'
    )


def figures_html(metrics: dict[str, Any]) -> str:
    """How often each verdict was right and wrong on the test split, with its intervals."""
    rows = figure_rows(metrics)
    if not rows:
        return f'<p class="quiet">{UNTESTED}</p>'
    body = "".join(f"<tr><td>{name}</td><td>{value}</td></tr>" for name, value in rows)
    return f'<p class="quiet">{escape(figures_sentence(metrics))}</p><table class="figures numbers">{body}</table>'


def facts_rows(name: str, facts: ImageFacts | None, sha256: str) -> list[tuple[str, str]]:
    """(label, text) of the file's facts."""
    return [("File", name), *(words.facts_rows(facts) if facts else []), ("SHA-256", sha256[:16])]


def table_html(rows: list[tuple[str, str]]) -> str:
    body = "".join(f"<tr><td>{escape(key)}</td><td>{escape(value)}</td></tr>" for key, value in rows)
    return f'<table class="figures">{body}</table>'
