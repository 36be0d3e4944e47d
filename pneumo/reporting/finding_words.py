"""The sentences about one answer, in plain words: the Diagnose page and the report on paper say the same."""

from typing import Any

from pneumo.evaluation.operating_point import INDETERMINATE, MEANING, RULE_IN, RULE_OUT
from pneumo.inference.finding import Reading
from pneumo.inference.heatmap import Heatmap
from pneumo.reporting.model_card import interval

UNTESTED = "This model was not evaluated on the test split: nothing is known of how far to trust it."
LEGEND = ("no evidence", "strong evidence for pneumonia", "(one scale for all pictures of this model)")
SENTENCES = {
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
    return SENTENCES[reading.label, reading.zone]


def in_words(probability: float) -> str:
    """Two digits, and never a certainty: above 0.99 and below 0.01 stand for what rounds to 1 and 0."""
    if probability > 0.99:
        return "above 0.99"
    return "below 0.01" if probability < 0.01 else f"{probability:.2f}"


def subtype_sentence(metrics: dict[str, Any], reading: Reading, bacterial: float | None) -> str:
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


def subtype_accuracy(metrics: dict[str, Any]) -> str:
    """How often bacterial or viral was right on the test pneumonias, with its interval; empty where it was not measured."""
    kind = metrics.get("test", {}).get("subtype", {})
    if kind.get("accuracy", {}).get("value") is None:
        return ""
    return f"Bacterial or viral was right in {interval(kind['accuracy'], 2)} of the {kind['n']} test pneumonias of known kind."


def figures_at(metrics: dict[str, Any], reading: Reading) -> dict[str, Any] | None:
    """The test figures {name: {value, low, high}} at the reading's operating point; None where there are none."""
    point: dict[str, Any] | None = metrics.get("test", {}).get("operating_points", {}).get(reading.operating_point)
    return point


def figures_sentence(metrics: dict[str, Any], reading: Reading) -> str:
    """What leads the rows of `figure_rows`; where there are none, says so."""
    if figures_at(metrics, reading) is None:
        return UNTESTED
    return (
        f"Operating point {reading.operating_point}: {MEANING[reading.operating_point]}. "
        f"On {metrics['test']['n']} test X-rays it had (95 % interval):"
    )


def figure_rows(metrics: dict[str, Any], reading: Reading) -> list[tuple[str, str, str]]:
    """(name, value with its interval, meaning) of what this operating point achieved on the test split."""
    point = figures_at(metrics, reading)
    return [] if point is None else [
        ("sensitivity", interval(point["sensitivity"], 2), "of the sick called PNEUMONIA"),
        ("specificity", interval(point["specificity"], 2), "of the healthy called NORMAL"),
    ]  # fmt: skip


def calibration_sentence(metrics: dict[str, Any]) -> str:
    """How far the probability was off on test; empty without a test."""
    test = metrics.get("test")
    return f"The probability was off by {test['ece']:.2f} on average there." if test else ""


def heatmap_sentence(reading: Reading, heatmap: Heatmap) -> str:
    if heatmap.empty:
        return "No place spoke for pneumonia above a tenth of the scale, so the map is empty."
    if reading.label == "NORMAL":
        return (
            "The answer is NORMAL: colour marks the places that spoke most for pneumonia all the same. "
            "Together they did not reach the threshold."
        )
    return "Colour marks where the model found evidence for pneumonia. It is no outline of disease, and may lie beside the lungs."
