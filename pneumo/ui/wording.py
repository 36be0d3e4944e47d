"""The sentences of the Diagnose page: what an answer means, in plain words. No streamlit here, so that tests read them."""

from html import escape

from pneumo.evaluation.metrics import predictive_values
from pneumo.evaluation.operating_point import INDETERMINATE, MEANING, RULE_IN, RULE_OUT
from pneumo.imaging.radiograph import ImageFacts
from pneumo.inference.finding import Reading
from pneumo.inference.heatmap import Heatmap
from pneumo.reporting.model_card import interval

_SENTENCES = {
    ("PNEUMONIA", RULE_IN): "The model calls this pneumonia. The figures below say how often it is wrong when it does.",
    ("PNEUMONIA", INDETERMINATE): "The model leans towards pneumonia, but the value lies where it often errs. Treat it as open.",
    ("PNEUMONIA", RULE_OUT): "The model leans towards pneumonia at this operating point, with a low value. Treat it as open.",
    ("NORMAL", RULE_OUT): "The model finds no pneumonia. It looks for nothing else, and it misses some: see the figures below.",
    ("NORMAL", INDETERMINATE): "The model leans towards normal, but the value lies where it often errs. Treat it as open.",
    (
        "NORMAL",
        RULE_IN,
    ): "The value is below this strict threshold, yet in the range that usually means pneumonia. Treat it as open.",
}


def sentence(reading: Reading) -> str:
    return _SENTENCES[reading.label, reading.zone]


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


def in_words(probability: float) -> str:
    """Two digits, and never a certainty: above 0.99 and below 0.01 stand for what rounds to 1 and 0."""
    if probability > 0.99:
        return "above 0.99"
    return "below 0.01" if probability < 0.01 else f"{probability:.2f}"


def subtype_sentence(metrics: dict, reading: Reading, bacterial: float | None) -> str:
    """Bacterial or viral, and how far to trust it; empty unless PNEUMONIA is called by a model that tells them apart."""
    if bacterial is None or reading.label != "PNEUMONIA":
        return ""
    said = f"Bacterial {in_words(bacterial)}, viral {in_words(1 - bacterial)}."
    test = metrics.get("test", {})
    auc, main = test.get("subtype", {}).get("auc", {}).get("value"), test.get("auc", {}).get("value")
    if auc is None:
        return f"{said} A second answer (never measured on the test pneumonias; not to choose antibiotics by)."
    trust = "Weaker than the main answer" if main is not None and auc < main else "A second answer"
    return f"{said} {trust} (AUC {auc:.2f} on the test pneumonias; not to choose antibiotics by)."


def figures_html(metrics: dict, reading: Reading) -> str:
    """What this operating point achieved on the test split, with its intervals."""
    test = metrics.get("test")
    if not test:
        return '<p class="quiet">This model was not evaluated on the test split: nothing is known of how far to trust it.</p>'
    point = test["operating_points"][reading.operating_point]
    rows = [
        ("sensitivity", interval(point["sensitivity"], 2), "of the sick called PNEUMONIA"),
        ("specificity", interval(point["specificity"], 2), "of the healthy called NORMAL"),
    ]
    body = "".join(f"<tr><td>{name}</td><td>{value}</td><td>{meaning}</td></tr>" for name, value, meaning in rows)
    return (
        f'<p class="quiet">Operating point {reading.operating_point}: {MEANING[reading.operating_point]}. '
        f'On {test["n"]} test X-rays it had (95 % interval):</p><table class="figures numbers">{body}</table>'
        f'<p class="quiet">The probability was off by {test["ece"]:.2f} on average there.</p>'
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


def heatmap_sentence(reading: Reading, heatmap: Heatmap) -> str:
    if heatmap.empty:
        return "No place spoke for pneumonia above a tenth of the scale, so the map is empty."
    if reading.label == "NORMAL":
        return (
            "The answer is NORMAL: colour marks the places that spoke most for pneumonia all the same. "
            "Together they did not reach the threshold."
        )
    return "Colour marks where the model found evidence for pneumonia. It is no outline of disease, and may lie beside the lungs."


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
