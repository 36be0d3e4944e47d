"""The answer as HTML, in the sentences of reporting.finding_words. No streamlit here, so that tests read it."""

from html import escape

from pneumo.evaluation.metrics import predictive_values
from pneumo.evaluation.operating_point import INDETERMINATE, RULE_IN, RULE_OUT
from pneumo.imaging.radiograph import ImageFacts
from pneumo.inference.finding import Reading
from pneumo.reporting.finding_words import UNTESTED, calibration_sentence, figure_rows, figures_sentence, in_words


def verdict_html(reading: Reading) -> str:
    tone = "indeterminate" if reading.zone == INDETERMINATE else reading.label.lower()
    return f'<div class="verdict {tone}">{reading.label}<small>{reading.zone} zone</small></div>'


def bar_html(probability: float, reading: Reading, points: dict[str, float]) -> str:
    """Probability as a number and on a scale 0 to 1 with the threshold marked and the indeterminate zone shaded."""
    low, high = points[RULE_OUT], points[RULE_IN]
    side = "early" if reading.threshold < 0.2 else "late" if reading.threshold > 0.8 else ""
    return (
        f'<div class="probability">probability of pneumonia <b>{in_words(probability)}</b></div>'
        f'<div class="bar {reading.label.lower()}" role="img" '
        f'aria-label="probability {probability:.2f}, threshold {reading.threshold:.2f}">'
        f'<div class="zone" style="left:{100 * low:.1f}%;width:{100 * (high - low):.1f}%"></div>'
        f'<div class="cut {side}" style="left:{100 * reading.threshold:.1f}%"><span>threshold {reading.threshold:.2f}</span></div>'
        f'<div class="value" style="left:{min(max(100 * probability, 1), 99):.1f}%"></div></div>'
        '<div class="ends"><span>0 normal</span><span>1 pneumonia</span></div>'
    )


def figures_html(metrics: dict, reading: Reading) -> str:
    """What this operating point achieved on the test split, with its intervals."""
    rows = figure_rows(metrics, reading)
    if not rows:
        return f'<p class="quiet">{UNTESTED}</p>'
    body = "".join(f"<tr><td>{name}</td><td>{value}</td><td>{meaning}</td></tr>" for name, value, meaning in rows)
    return (
        f'<p class="quiet">{escape(figures_sentence(metrics, reading))}</p><table class="figures numbers">{body}</table>'
        f'<p class="quiet">{calibration_sentence(metrics)}</p>'
    )


def predictive_sentence(metrics: dict, reading: Reading, prevalence: float) -> str:
    """How often this label is right where `prevalence` (0 to 1) of the children have pneumonia; empty without a test."""
    test = metrics.get("test")
    if not test:
        return ""
    point = test["operating_points"][reading.operating_point]
    if None in (point["sensitivity"]["value"], point["specificity"]["value"]):
        return ""
    ppv, npv = predictive_values(point["sensitivity"]["value"], point["specificity"]["value"], prevalence)
    right = ppv if reading.label == "PNEUMONIA" else npv
    if right != right:
        return ""
    return (
        f"If {100 * prevalence:.0f} % of your children have pneumonia, "
        f"the answer {reading.label} is right in about {100 * right:.0f} of 100."
    )


def facts_rows(name: str, facts: ImageFacts | None, sha256: str) -> list[tuple[str, str]]:
    """The file's own facts; `name` stays on the page."""
    rows = [("File", name)]
    if facts:
        rows += [
            ("Format", f"{facts.format}, {facts.bits} bits of grey, {_size(facts.size_bytes)}"),
            ("Size", f"{facts.width} x {facts.height} pixels"),
            *[(title, value) for title, value in (("View", facts.view_position), ("Age", facts.patient_age)) if value],
            *[("Note", note) for note in facts.notes],
        ]
    return [*rows, ("SHA-256", sha256[:16])]


def table_html(rows: list[tuple[str, str]]) -> str:
    body = "".join(f"<tr><td>{escape(key)}</td><td>{escape(value)}</td></tr>" for key, value in rows)
    return f'<table class="figures">{body}</table>'


def _size(count: int) -> str:
    return f"{count / 2**20:.1f} MB" if count >= 2**20 else f"{count / 2**10:.0f} KB"
