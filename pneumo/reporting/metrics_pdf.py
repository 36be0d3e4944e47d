"""PDF of a stored evaluation: figures, confusion matrix, classification report, charts, and the surest mistakes."""

from typing import Any

from pneumo.errors import DataError
from pneumo.evaluation.classification_report import make_classification_report
from pneumo.evaluation.groups import by_subtype
from pneumo.evaluation.likelihood import stated_prevalence
from pneumo.evaluation.mistakes import most_confident_mistakes
from pneumo.evaluation.predictions import Predictions
from pneumo.reporting.chart import Chart
from pneumo.reporting.chart_drawing import chart_picture
from pneumo.reporting.evaluated import Evaluated
from pneumo.reporting.evaluation_rows import CHOICE, calibration_rows, point_rows, zone_rows
from pneumo.reporting.finding_words import share
from pneumo.reporting.metrics_charts import main_charts, predictive_chart, roc_corner
from pneumo.reporting.model_card import INTENDED_USE
from pneumo.reporting.numbers import interval, number, probability
from pneumo.reporting.paper import LEFT, RIGHT, Sheet

_MEANINGS = (
    ("auc", "a sick child is rated above a healthy one"),
    ("accuracy", "answers that are right"),
    ("sensitivity", "of the sick, called PNEUMONIA"),
    ("specificity", "of the healthy, called NORMAL"),
    ("precision", "of the PNEUMONIA answers, right on this split"),
    ("f1", "of PNEUMONIA"),
)


def evaluation_pdf(evaluated: Evaluated, point: str, more: tuple[Chart, ...] = (), prevalence: float | None = None) -> bytes:
    """A4 pages at the operating point `point`, with `more` charts at the end. `prevalence`: the reader's; default: the stated one.

    Raises DataError if predictions of both classes or figures at this point are not stored.
    """
    figures, metrics, predictions = evaluated.figures(point), evaluated.metrics, evaluated.predictions
    if figures is None or metrics is None or predictions is None or not evaluated.both_classes:
        raise DataError(f"No stored evaluation of {evaluated.card.id} on {evaluated.split} with both classes: run evaluate first.")
    threshold = evaluated.points[point]
    stated = stated_prevalence() if prevalence is None else prevalence
    charts = main_charts(predictions, evaluated.points, metrics, stated)
    if None not in (*figures["sensitivity"].values(), *figures["specificity"].values()):
        charts.insert(4, predictive_chart(figures["sensitivity"], figures["specificity"], stated))
    charts.insert(1, roc_corner(charts[0]))
    sheet = Sheet(f"Pneumo metrics: {evaluated.card.id}, {evaluated.split}")
    _figures(sheet, evaluated, metrics, point, threshold)
    _groups(sheet, metrics, predictions, threshold)
    sheet.add_page()
    _meaning(sheet, evaluated, metrics, predictions, stated)
    for place, chart in enumerate([*charts, *more]):
        if place % 2 == 0:
            sheet.add_page()
        sheet.image(chart_picture(chart), LEFT, w=RIGHT - LEFT)
        sheet.paragraph(chart.reading, 8, "quiet")
        sheet.ln(10)
    sheet.add_page()
    _mistakes(sheet, predictions, threshold)
    return bytes(sheet.output())


def _figures(sheet: Sheet, evaluated: Evaluated, metrics: dict[str, Any], point: str, threshold: float) -> None:
    card, figures = evaluated.card, metrics["operating_points"][point]
    sheet.paragraph(f"Pneumo metrics: {card.id}", 17)
    sheet.paragraph(
        f"{evaluated.split} split, {metrics['n']} X-rays of {metrics['patients']} patients; operating point {point}, "
        f"threshold {threshold:.4g}",
        10,
    )
    sheet.paragraph(f"Weights SHA-256 {card.sha256[:16]}, commit {card.commit}, made {card.created}", tone="quiet")
    sheet.paragraph(INTENDED_USE, tone="quiet")
    sheet.heading("Figures, with 95 % intervals over patients")
    rows = [(_title(name), interval(figures[name]), meaning) for name, meaning in _MEANINGS]
    sheet.grid(rows, (2, 3, 5), head=False)


def _groups(sheet: Sheet, metrics: dict[str, Any], predictions: Predictions, threshold: float) -> None:
    report = make_classification_report(predictions.labels, predictions.probabilities, threshold)
    sheet.heading("Confusion matrix, counts and shares of the true class")
    rows = [
        (f"true {row.name}", *(f"{count} ({rate:.3f})" for count, rate in zip(counts, rates, strict=True)))
        for row, counts, rates in zip(report.classes, report.matrix.tolist(), report.rates, strict=True)
    ]
    sheet.grid([("", "called NORMAL", "called PNEUMONIA"), *rows], (1, 1, 1))
    sheet.heading("Classification report")
    lines = [
        (row.name, f"{row.precision:.3f}", f"{row.recall:.3f}", f"{row.f1:.3f}", str(row.support))
        for row in (*report.classes, report.macro, report.weighted)
    ]
    lines.append(("accuracy", "", "", f"{report.accuracy.value:.3f}", str(report.accuracy.of)))
    sheet.grid([("", "precision", "recall", "F1", "support"), *lines], (2, 1, 1, 1, 1))
    sheet.heading("By kind of case")
    kinds = []
    for group in by_subtype(predictions, threshold):
        auc = number(group.auc) if group.auc == group.auc else ""
        kinds.append((group.name, str(group.images), str(group.patients), interval(group.right.figure), auc))
    sheet.grid([("", "X-rays", "patients", "called rightly (Wilson)", "AUC"), *kinds], (3, 1, 1, 2, 1))
    if kind := metrics.get("subtype"):
        sheet.heading(f"Bacterial against viral, {kind['n']} pneumonias of known kind")
        titles = {"sensitivity": "bacterial found", "specificity": "viral found"}
        names = ("auc", "accuracy", "sensitivity", "specificity")
        sheet.grid([(titles.get(name, _title(name)), interval(kind[name])) for name in names], (1, 1), head=False)


def _meaning(sheet: Sheet, evaluated: Evaluated, metrics: dict[str, Any], predictions: Predictions, prevalence: float) -> None:
    points = evaluated.points
    sheet.heading("Operating points")
    stated = evaluated.card.points_at(prevalence)
    sheet.grid([("", "threshold", "sensitivity", "specificity"), *point_rows(metrics, points, stated)], (3, 1, 4, 4), size=7.5)
    sheet.paragraph(f"Thresholds are probabilities where {share(prevalence)} have pneumonia. {CHOICE}", tone="quiet")
    sheet.heading("Verdicts")
    sheet.grid([("", "of the sick", "of the healthy", "likelihood ratio"), *zone_rows(predictions, points)], (2, 2, 2, 2))
    sheet.heading("Calibration")
    sheet.grid(calibration_rows(predictions, metrics, prevalence), (3, 2, 5), head=False)


def _title(name: str) -> str:
    return name.upper() if name in ("auc", "f1") else name


def _mistakes(sheet: Sheet, predictions: Predictions, threshold: float) -> None:
    sheet.heading("The mistakes the model was surest of", 14)
    titles = ("Pneumonia called NORMAL, lowest probability first", "Healthy called PNEUMONIA, highest probability first")
    for title, mistakes in zip(titles, most_confident_mistakes(predictions, threshold), strict=True):
        sheet.heading(title)
        if mistakes:
            sheet.grid([(each.file, each.truth, probability(each.probability, 4)) for each in mistakes], (6, 2, 2), head=False)
        else:
            sheet.paragraph("none", tone="quiet")
