"""One PDF of a stored evaluation: figures, matrix, report, every chart with how to read it, and the surest mistakes."""

import io
from typing import Any

from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.figure import Figure

from pneumo.errors import DataError
from pneumo.evaluation.classification_report import classification_report
from pneumo.evaluation.groups import by_subtype
from pneumo.evaluation.mistakes import most_confident_mistakes
from pneumo.evaluation.predictions import Predictions
from pneumo.reporting.chart import Chart
from pneumo.reporting.evaluated import Evaluated
from pneumo.reporting.metrics_charts import main_charts, predictive_chart
from pneumo.reporting.model_card import INTENDED_USE, interval
from pneumo.reporting.numbers import probability
from pneumo.reporting.sheet import Page, chart_page


def metrics_pdf(evaluated: Evaluated, point: str, more: tuple[Chart, ...] = ()) -> bytes:
    """A4 pages at the operating point `point`; `more` charts go to the end.

    Raises DataError where predictions of both classes or figures at this point are not stored.
    """
    figures, metrics, predictions = evaluated.figures(point), evaluated.metrics, evaluated.predictions
    if figures is None or metrics is None or predictions is None or not evaluated.both_classes:
        raise DataError(f"No stored evaluation of {evaluated.card.id} on {evaluated.split} with both classes: run evaluate first.")
    threshold = evaluated.points[point]
    charts = main_charts(predictions, evaluated.points)
    if None not in (*figures["sensitivity"].values(), *figures["specificity"].values()):
        charts.insert(4, predictive_chart(figures["sensitivity"], figures["specificity"]))
    buffer, named = io.BytesIO(), {"Title": f"Pneumo metrics: {evaluated.card.id}, {evaluated.split}"}
    with PdfPages(buffer, metadata=named) as pdf:
        pdf.savefig(_first_page(evaluated, metrics, predictions, point, threshold))
        every = [*charts, *more]
        for start in range(0, len(every), 2):
            pdf.savefig(chart_page(every[start : start + 2]))
        pdf.savefig(_mistakes_page(predictions, threshold))
    return buffer.getvalue()


def _first_page(evaluated: Evaluated, metrics: dict[str, Any], predictions: Predictions, point: str, threshold: float) -> Figure:
    page, card, figures = Page(), evaluated.card, metrics["operating_points"][point]
    report = classification_report(predictions.labels, predictions.probabilities, threshold)
    page.line(f"Pneumo metrics: {card.id}", 17, weight="bold")
    page.line(f"{evaluated.split} split, {metrics['n']} X-rays of {metrics['patients']} patients; operating point {point}, "
              f"threshold {threshold:.4g}", 10)  # fmt: skip
    page.line(f"Weights SHA-256 {card.sha256[:16]}, commit {card.commit}, made {card.created}", quiet=True)
    page.gap()
    page.lines(INTENDED_USE)
    page.heading("Figures, with 95 % intervals over patients")
    for name, meaning in (("auc", "a sick child is rated above a healthy one"), ("accuracy", "answers that are right"),
                          ("sensitivity", "of the sick, called PNEUMONIA"), ("specificity", "of the healthy, called NORMAL"),
                          ("precision", "of the PNEUMONIA answers, right on this split"), ("f1", "of PNEUMONIA")):  # fmt: skip
        title = name.upper() if name in ("auc", "f1") else name
        page.line(f"{title:<12} {interval(figures[name]):<22} {meaning}", mono=True)
    page.line(f"{'Brier':<12} {metrics['brier']:.3f}", mono=True)
    page.line(f"{'ECE':<12} {metrics['ece']:.3f}", mono=True)
    page.heading("Confusion matrix, counts and shares of the true class")
    page.line(f"{'':<18}{'called NORMAL':>20}{'called PNEUMONIA':>20}", mono=True)
    for row, counts, rates in zip(report.classes, report.matrix.tolist(), report.rates, strict=True):
        cells = "".join(f"{f'{count} ({rate:.3f})':>20}" for count, rate in zip(counts, rates, strict=True))
        page.line(f"{'true ' + row.name:<18}{cells}", mono=True)
    page.heading("Classification report")
    page.line(f"{'':<18}{'precision':>10}{'recall':>10}{'F1':>10}{'support':>10}", mono=True)
    for row in (*report.classes, report.macro, report.weighted):
        page.line(f"{row.name:<18}{row.precision:>10.3f}{row.recall:>10.3f}{row.f1:>10.3f}{row.support:>10}", mono=True)
    page.line(f"{'accuracy':<18}{report.accuracy.value:>30.3f}{report.accuracy.of:>10}", mono=True)
    page.heading("By kind of case")
    page.line(f"{'':<26}{'X-rays':>8}{'patients':>10}  {'called rightly (Wilson)':<24}{'AUC':>6}", mono=True)
    for group in by_subtype(predictions, threshold):
        auc = f"{group.auc:.3f}" if group.auc == group.auc else ""
        page.line(f"{group.name:<26}{group.images:>8}{group.patients:>10}  {interval(group.right.figure):<24}{auc:>6}", mono=True)
    if kind := metrics.get("subtype"):
        page.heading(f"Bacterial against viral, {kind['n']} pneumonias of known kind")
        for name in ("auc", "accuracy", "sensitivity", "specificity"):
            title = {"auc": "AUC", "sensitivity": "bacterial found", "specificity": "viral found"}.get(name, name)
            page.line(f"{title:<18} {interval(kind[name])}", mono=True)
    return page.figure


def _mistakes_page(predictions: Predictions, threshold: float) -> Figure:
    page = Page()
    page.line("The mistakes the model was surest of", 14, weight="bold")
    missed, alarms = most_confident_mistakes(predictions, threshold)
    for title, mistakes in (("Pneumonia called NORMAL, lowest probability first", missed),
                            ("Healthy called PNEUMONIA, highest probability first", alarms)):  # fmt: skip
        page.heading(title)
        for mistake in mistakes:
            page.line(f"{probability(mistake.probability, 4):<14}{mistake.file}, {mistake.truth}", 8, mono=True)
        if not mistakes:
            page.line("none", quiet=True)
    return page.figure
