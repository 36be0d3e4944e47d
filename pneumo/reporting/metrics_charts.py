"""The charts of an evaluation as data, each with an explanation of how to read it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from pneumo.evaluation import curves
from pneumo.evaluation.likelihood import at_prevalence
from pneumo.evaluation.metrics import confusion_matrix
from pneumo.evaluation.predictions import Predictions
from pneumo.reporting.chart import DASHES, MODELS, Band, Bars, Chart, Dot, Line, grouped_points
from pneumo.reporting.numbers import interval

CORNER = 0.2  # of the ROC: its side, as a share of the whole


def main_charts(
    predictions: Predictions, points: Mapping[str, float], metrics: Mapping[str, Any] | None = None, prevalence: float | None = None
) -> list[Chart]:
    """The charts made from stored predictions of both classes and the operating points.

    `metrics` of the same split hold the smooth calibration curve; `prevalence` is the user's, for the decision curve.
    """
    labels, probabilities = predictions.labels, predictions.probabilities
    return [
        roc_chart(predictions, points),
        precision_recall_chart(labels, probabilities, points),
        calibration_chart(labels, probabilities, metrics),
        histogram_chart(labels, probabilities, points),
        decision_chart(labels, probabilities, points, prevalence),
    ]


def roc_chart(predictions: Predictions, points: Mapping[str, float]) -> Chart:
    labels, probabilities = predictions.labels, predictions.probabilities
    curve, band = curves.roc(labels, probabilities), curves.roc_band(labels, probabilities, predictions.patients)
    return Chart(
        "roc",
        f"ROC, AUC {curve.auc:.3f}",
        "1 - specificity: healthy called PNEUMONIA",
        "sensitivity: sick called PNEUMONIA",
        "Each point is one threshold: upwards more sick children are found, to the right more healthy ones are alarmed. The "
        "nearer to the upper left corner the better; the diagonal is chance. AUC is how often a sick child is rated above a "
        "healthy one. The band is the 95 % interval of the sensitivity (Wilson, over patients). The named points are the model's "
        "operating points.",
        (_diagonal("chance"), _roc_line("model", curve, "accent")),
        (Band(band.false_positive_rate, band.low, band.high, "accent"),),
        tuple(Dot(fp / (tn + fp), tp / (fn + tp), name) for name, ((tn, fp), (fn, tp)) in _at(labels, probabilities, points)),
        square=True,
    )


def roc_corner(roc: Chart) -> Chart:
    """The upper left corner of `roc_chart`, enlarged."""
    low, high = 1 - CORNER, CORNER
    return replace(
        roc,
        key="roc-corner",
        title=f"The upper left corner, enlarged {1 / CORNER:.0f} times",
        reading=f"The same curve where specificity and sensitivity are above {low:.1f}, which is where models differ.",
        dots=tuple(dot for dot in roc.dots if dot.x <= high and dot.y >= low),
        x_range=(0.0, high),
        y_range=(low, 1.0),
    )


def precision_recall_chart(labels: np.ndarray, probabilities: np.ndarray, points: Mapping[str, float]) -> Chart:
    curve = curves.precision_recall(labels, probabilities)
    everyone = Line("calling everyone PNEUMONIA", np.array([0.0, 1.0]), np.full(2, curve.prevalence), "quiet", "dashed")
    dots = [(tp / (fn + tp), tp / (tp + fp), name) for name, ((_, fp), (fn, tp)) in _at(labels, probabilities, points) if tp + fp]
    return Chart(
        "precision-recall",
        f"Precision and recall, average precision {curve.average_precision:.3f}",
        "recall: sick called PNEUMONIA",
        "precision: PNEUMONIA calls that are right",
        f"How pure the PNEUMONIA calls stay as more of the sick are found; the nearer to the upper right corner the better. It "
        f"holds for this split, where {100 * curve.prevalence:.0f} % have pneumonia: with fewer sick children precision falls, "
        "see predictive values.",
        (everyone, Line("model", curve.recall, curve.precision, "accent", thresholds=curve.thresholds)),
        dots=tuple(Dot(*dot) for dot in dots),
    )


def calibration_chart(labels: np.ndarray, probabilities: np.ndarray, metrics: Mapping[str, Any] | None = None) -> Chart:
    """With smooth curve, band, intercept and slope if `metrics` hold them."""
    bins = curves.calibration_bins(labels, probabilities)
    most = max(each.sick.of for each in bins)
    dots = tuple(
        Dot(
            each.mean_probability,
            each.sick.value,
            str(each.sick.of),
            each.sick.low,
            each.sick.high,
            each.sick.of / most,
            above=True,
        )
        for each in bins
    )
    fit, curve = (metrics or {}).get("calibration"), (metrics or {}).get("calibration_curve")
    fit_text = f", intercept {interval(fit['intercept'], 2)}, slope {interval(fit['slope'], 2)}" if fit else ""
    lines, bands = [_diagonal("perfect calibration")], []
    if curve:
        predicted, observed, low, high = (np.asarray(curve[name], float) for name in ("given", "observed", "low", "high"))
        lines.append(Line("observed, with its 95 % band", predicted, observed, "accent"))
        bands.append(Band(predicted, low, high, "accent"))
    own = 100 * float(np.mean(labels))
    return Chart(
        "calibration",
        f"Calibration{fit_text}",
        "probability given",
        "share that had pneumonia",
        "On the diagonal the probability is literally true; below it the model says too much, above it too little. The curve is "
        "smoothed, its band by bootstrap over patients; the dots group X-rays by probability, with their number and Wilson's "
        "interval. An intercept of 0 and a slope of 1 are right: below 0 it says sick too often, below a slope of 1 too extremely. "
        f"Probabilities are those of this split, where {own:.0f} % have pneumonia.",
        tuple(lines),
        tuple(bands),
        dots,
    )


def histogram_chart(labels: np.ndarray, probabilities: np.ndarray, points: Mapping[str, float]) -> Chart:
    counts = curves.histogram(labels, probabilities)
    top = 1.25 * max(counts.pneumonia.max(), counts.normal.max(), 1)
    return Chart(
        "histogram",
        "Probabilities by true class",
        "probability of pneumonia",
        "X-rays (square-root scale)",
        "Sick children stand above the line, healthy ones hang below it. Sick ones left of a threshold are missed, healthy "
        "ones right of it are false alarms; where both are tall the model cannot tell them apart.",
        bars=(
            Bars("PNEUMONIA, above", counts.edges, counts.pneumonia, "pneumonia"),
            Bars("NORMAL, below", counts.edges, -counts.normal, "normal"),
        ),
        rules=tuple((cut, name) for name, cut in grouped_points(points)),
        y_range=(-top, top),
        root_scale=True,
    )


def decision_chart(
    labels: np.ndarray, probabilities: np.ndarray, points: Mapping[str, float], prevalence: float | None = None
) -> Chart:
    """Probabilities and `points` are moved to `prevalence`; default: the split's own."""
    curve, own = curves.decision_curve(labels, probabilities, prevalence=prevalence), float(np.mean(labels))
    moved = {name: float(at_prevalence(cut, own, curve.prevalence)) for name, cut in points.items()}
    none = Line("treat no one", curve.thresholds, np.zeros_like(curve.thresholds), "quiet", "dotted")
    whose = "On this split" if prevalence is None else "Moved from this split to your children"
    return Chart(
        "decision",
        f"Decision curve where {100 * curve.prevalence:.0f} % have pneumonia",
        "threshold probability: when you would treat",
        "net benefit for each patient",
        "Choose on the horizontal axis how sure you want to be before treating. Where the model's line is the highest, going "
        "by it does more good than treating everyone or no one: sick children treated, less the needless treatments weighed "
        f"by that choice (Vickers, Elkin 2006). {whose}: {100 * curve.prevalence:.0f} % have pneumonia.",
        (
            none,
            Line("treat everyone", curve.thresholds, curve.treat_all, "quiet", "dashed"),
            Line("treat by the model", curve.thresholds, curve.model, "accent"),
        ),
        rules=tuple((cut, name) for name, cut in grouped_points(moved)),
        y_range=(-0.1, max(0.05, 1.1 * curve.prevalence)),
    )


def predictive_chart(sensitivity: Mapping[str, float], specificity: Mapping[str, float], prevalence: float | None = None) -> Chart:
    """From two figures {value, low, high} without None. A `prevalence` in (0, 1) is marked."""
    value, low, high = (curves.predictive_curve(sensitivity[end], specificity[end]) for end in ("value", "low", "high"))
    return Chart(
        "predictive-values",
        "Predictive values against prevalence",
        "prevalence: share of your children with pneumonia",
        "share of answers that are right",
        "How often an answer is right depends on how common pneumonia is where you work: the rarer it is, the more PNEUMONIA "
        "calls are false alarms. PPV is for the answer PNEUMONIA, NPV for NORMAL. The bands are the ends of the 95 % intervals of "
        "sensitivity and specificity taken together.",
        (
            Line("PPV, PNEUMONIA", value.prevalence, value.ppv, "pneumonia"),
            Line("NPV, NORMAL", value.prevalence, value.npv, "normal", "dashed"),
        ),
        (Band(value.prevalence, low.ppv, high.ppv, "pneumonia"), Band(value.prevalence, low.npv, high.npv, "normal")),
        rules=((prevalence, f"{100 * prevalence:.0f} %"),) if prevalence else (),
    )


def models_chart(evaluated: Mapping[str, Predictions]) -> Chart:
    """ROC curves of at most six models, a colour and a dash each."""
    lines = [_diagonal("chance")]
    for (name, predictions), colour, dash in zip(evaluated.items(), MODELS, DASHES, strict=False):
        curve = curves.roc(predictions.labels, predictions.probabilities)
        lines.append(_roc_line(f"{name}, AUC {curve.auc:.3f}", curve, colour, dash))
    return Chart(
        "models",
        "ROC of the models",
        "1 - specificity: healthy called PNEUMONIA",
        "sensitivity: sick called PNEUMONIA",
        "The line that runs nearer to the upper left corner separates the classes better. Lines that cross are better in "
        "different places; whether the areas differ by more than luck is said by the paired test.",
        tuple(lines),
        square=True,
    )


def removal_chart(kind: str, measured: Mapping[str, Any]) -> Chart:
    """The deletion or insertion curves of robustness.json: {fractions, model, random}."""
    fractions = np.asarray(measured["fractions"], float)
    action, better = ("removed", "faster fall") if kind == "deletion" else ("put back", "faster rise")
    return Chart(
        kind,
        kind.capitalize(),
        f"share of the image {action}",
        "mean probability of pneumonia",
        f"The hottest places of the map are {action} first. A {better} than in random order means that the map shows what the "
        "model really looks at; equal lines would mean that the map is decoration.",
        (
            Line("in random order", fractions, np.asarray(measured["random"], float), "quiet", "dashed"),
            Line("by the heatmap", fractions, np.asarray(measured["model"], float), "accent"),
        ),
    )


def _diagonal(name: str) -> Line:
    return Line(name, np.array([0.0, 1.0]), np.array([0.0, 1.0]), "quiet", "dashed")


def _roc_line(name: str, curve: curves.Roc, colour: str, dash: str = "solid") -> Line:
    return Line(name, curve.false_positive_rate, curve.true_positive_rate, colour, dash, thresholds=curve.thresholds)


def _at(labels: np.ndarray, probabilities: np.ndarray, points: Mapping[str, float]) -> list[tuple[str, list[list[int]]]]:
    """The confusion matrix at each distinct operating point."""
    return [(name, confusion_matrix(labels, probabilities, cut).tolist()) for name, cut in grouped_points(points)]
