"""One PDF of a stored evaluation: figures, matrix, report, every chart with how to read it, and the surest mistakes."""

import io
import textwrap
from typing import Any

from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.figure import Figure

from pneumo.errors import DataError
from pneumo.evaluation.classification_report import classification_report
from pneumo.evaluation.groups import by_subtype
from pneumo.evaluation.likelihood import stated_prevalence
from pneumo.evaluation.mistakes import most_confident_mistakes
from pneumo.evaluation.predictions import Predictions
from pneumo.reporting.calibration_figures import calibration_rows
from pneumo.reporting.chart import PAPER, Chart
from pneumo.reporting.chart_drawing import draw
from pneumo.reporting.evaluated import Evaluated
from pneumo.reporting.finding_words import share
from pneumo.reporting.metrics_charts import main_charts, predictive_chart
from pneumo.reporting.model_card import INTENDED_USE
from pneumo.reporting.numbers import interval, probability
from pneumo.reporting.operating_points import CHOICE, point_rows, zone_rows, zones_of

_A4 = (8.27, 11.69)  # inches
_MARGIN = 0.09


def metrics_pdf(evaluated: Evaluated, point: str, more: tuple[Chart, ...] = (), prevalence: float | None = None) -> bytes:
    """A4 pages at the operating point `point`; `more` charts go to the end. `prevalence`: the reader's, default the stated one.

    Raises DataError where predictions of both classes or figures at this point are not stored.
    """
    figures, metrics, predictions = evaluated.figures(point), evaluated.metrics, evaluated.predictions
    if figures is None or metrics is None or predictions is None or not evaluated.both_classes:
        raise DataError(f"No stored evaluation of {evaluated.card.id} on {evaluated.split} with both classes: run evaluate first.")
    threshold = evaluated.points[point]
    stated = stated_prevalence() if prevalence is None else prevalence
    charts = main_charts(predictions, evaluated.points, metrics, stated)
    if None not in (*figures["sensitivity"].values(), *figures["specificity"].values()):
        charts.insert(4, predictive_chart(figures["sensitivity"], figures["specificity"], stated))
    buffer, named = io.BytesIO(), {"Title": f"Pneumo metrics: {evaluated.card.id}, {evaluated.split}"}
    with PdfPages(buffer, metadata=named) as pdf:
        pdf.savefig(_first_page(evaluated, metrics, predictions, point, threshold))
        pdf.savefig(_meaning_page(evaluated, metrics, predictions, stated))
        every = [*charts, *more]
        for start in range(0, len(every), 2):
            pdf.savefig(_chart_page(every[start : start + 2]))
        pdf.savefig(_mistakes_page(predictions, threshold))
    return buffer.getvalue()


class _Page:
    """A sheet that is written from the top down."""

    def __init__(self) -> None:
        self.figure, self._y = Figure(figsize=_A4, facecolor=PAPER["ground"]), 0.95

    def line(self, text: str, size: float = 9, quiet: bool = False, mono: bool = False, weight: str = "normal") -> None:
        self.figure.text(_MARGIN, self._y, text, fontsize=size, color=PAPER["quiet" if quiet else "ink"], va="top", weight=weight,
                         family="monospace" if mono else "sans-serif", parse_math=False)  # fmt: skip
        self._y -= size * 1.55 / 72 / _A4[1]

    def lines(self, text: str, quiet: bool = True) -> None:
        for part in textwrap.wrap(text, 106):
            self.line(part, quiet=quiet)

    def heading(self, text: str, size: float = 12) -> None:
        self.gap()
        self.line(text, size, weight="bold")

    def gap(self) -> None:
        self._y -= 0.012


def _first_page(evaluated: Evaluated, metrics: dict[str, Any], predictions: Predictions, point: str, threshold: float) -> Figure:
    page, card, figures = _Page(), evaluated.card, metrics["operating_points"][point]
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


def _meaning_page(evaluated: Evaluated, metrics: dict[str, Any], predictions: Predictions, prevalence: float) -> Figure:
    """What thresholds, verdicts and probabilities mean."""
    page, points = _Page(), evaluated.points
    page.line("Operating points, verdicts and calibration", 14, weight="bold")
    page.heading("Operating points")
    page.line(f"{'':<20}{'threshold':>10}  {'sensitivity':<35}{'specificity':<35}", 7.5, mono=True)
    for name, cut, sensitivity, specificity in point_rows(metrics, points, evaluated.card.points_at(prevalence)):
        page.line(f"{name:<20}{cut:>10}  {sensitivity:<35}{specificity:<35}", 7.5, mono=True)
    page.lines(f"Thresholds are probabilities where {share(prevalence)} have pneumonia. {CHOICE}")
    page.heading("Verdicts")
    page.line(f"{'':<16}{'of the sick':<24}{'of the healthy':<24}{'likelihood ratio'}", mono=True)
    for verdict, sick, healthy, ratio in zone_rows(zones_of(predictions, points)):
        page.line(f"{verdict:<16}{sick:<24}{healthy:<24}{ratio}", mono=True)
    page.heading("Calibration")
    for name, value, meaning in calibration_rows(predictions, metrics, prevalence):
        page.line(f"{name:<30}{value:<22}", mono=True)
        page.lines(meaning)
    return page.figure


def _chart_page(charts: list[Chart]) -> Figure:
    figure = Figure(figsize=_A4, facecolor=PAPER["ground"])
    for number, chart in enumerate(charts):
        base = 0.60 - 0.47 * number
        draw(figure.add_axes((_MARGIN + 0.02, base, 0.82, 0.33)), chart, PAPER)
        figure.text(_MARGIN, base - 0.05, textwrap.fill(chart.reading, 112), fontsize=8, color=PAPER["quiet"], va="top",
                    parse_math=False)  # fmt: skip
    return figure


def _mistakes_page(predictions: Predictions, threshold: float) -> Figure:
    page = _Page()
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
