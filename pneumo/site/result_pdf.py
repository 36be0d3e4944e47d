"""The result of a local test as one PDF for the file."""

import io
from collections.abc import Iterable, Mapping
from typing import Any

from matplotlib.backends.backend_pdf import PdfPages

from pneumo.evaluation.mistakes import Mistake
from pneumo.evaluation.predictions import Predictions
from pneumo.imaging.measures import MEANING as MEASURE
from pneumo.labels import LABELS, Verdict
from pneumo.reporting.metrics_charts import calibration_chart, histogram_chart, roc_chart
from pneumo.reporting.model_card import DISCLAIMER, interval
from pneumo.reporting.numbers import number, probability
from pneumo.reporting.paper import printable
from pneumo.reporting.sheet import Page, chart_page
from pneumo.site.plan import MEANING
from pneumo.site.result import SAID, SiteResult

_RULE = "Passed: the whole 95 % interval lies at or above the least value. Failed: all of it lies below. Else too few to say."
_WIDEST = 118  # characters of a line of monospace


def result_pdf(result: SiteResult, predictions: Predictions | None, points: Mapping[str, float]) -> bytes:
    """`predictions` and `points` on one scale of probability, for the charts; None where a class has no answer."""
    sheets = _Sheets()
    _first(sheets, result)
    _counts(sheets, result)
    _groups(sheets, result)
    _frame(sheets, result)
    _without(sheets, result)
    _mistakes(sheets, result)
    buffer = io.BytesIO()
    with PdfPages(buffer, metadata={"Title": f"Pneumo local test: {result.plan.site}, {result.model}"}) as pdf:
        for page in sheets.pages:
            pdf.savefig(page.figure)
        if predictions is not None:
            labels, given = predictions.labels, predictions.probabilities
            pdf.savefig(chart_page([roc_chart(labels, given, points), calibration_chart(labels, given)]))
            pdf.savefig(chart_page([histogram_chart(labels, given, points)]))
    return buffer.getvalue()


class _Sheets:
    """Text over as many sheets as it takes."""

    def __init__(self) -> None:
        self.pages = [Page()]

    @property
    def page(self) -> Page:
        if self.pages[-1].room < 2:
            self.pages.append(Page())
        return self.pages[-1]

    def heading(self, text: str) -> None:
        if self.page.room < 6:
            self.pages.append(Page())
        self.page.heading(printable(text))

    def rows(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.page.line(printable(line)[:_WIDEST], 7.5, mono=True)

    def text(self, text: str, quiet: bool = False) -> None:
        self.page.lines(printable(text), quiet=quiet)


def _first(sheets: _Sheets, result: SiteResult) -> None:
    plan, page = result.plan, sheets.page
    page.line(printable(f"Local test of {result.model}: {result.outcome.upper()}"), 17, weight="bold")
    page.line(printable(f"{plan.site}, {result.made}"), 10)
    sheets.text(result.why)
    sheets.text(DISCLAIMER, quiet=True)
    sheets.text(SAID, quiet=True)
    sheets.heading("The plan, fixed before the first answer")
    asked = f"at least {plan.sick} sick and {plan.healthy} healthy children"
    sheets.text(f"Made {plan.created}; operating point {plan.operating_point}; {asked}. Who decides: {plan.decides}.")
    for look in result.looks:
        sheets.text(f"The same cases were tested before. {look}")
    for each in result.outcomes:
        seen = interval({"value": each.value, "low": each.low, "high": each.high})
        sheets.rows([f"{each.figure:<30} at least {each.least:.3f}   seen {seen:<22} {each.outcome}"])
    sheets.text(_RULE, quiet=True)
    sheets.heading("Every figure, with its 95 % interval over children")
    sheets.rows(f"{name:<30} {interval(figure):<22} {MEANING[name]}" for name, figure in result.figures.items())
    if result.summary:
        told = result.summary["calibration"]
        sheets.rows(f"{f'calibration {name}':<30} {interval(told[name]):<22} {ideal} is right"
                    for name, ideal in (("intercept", 0), ("slope", 1)))  # fmt: skip


def _counts(sheets: _Sheets, result: SiteResult) -> None:
    sheets.heading(
        f"{result.images} X-rays; with an answer: {result.sick_children} sick and {result.healthy_children} healthy children"
    )
    (tn, fp), (fn, tp) = result.matrix
    sheets.rows([f"{'':<18}{'below the point':>18}{'above it':>18}", f"{'true NORMAL':<18}{tn:>18}{fp:>18}",
                 f"{'true PNEUMONIA':<18}{fn:>18}{tp:>18}", ""])  # fmt: skip
    sheets.rows([f"{'verdict':<18}" + "".join(f"{name:>18}" for name in Verdict)])
    sheets.rows(f"{f'true {label}':<18}" + "".join(f"{result.verdicts[label][name]:>18}" for name in Verdict)
                for label in LABELS)  # fmt: skip
    if result.bands:
        sheets.heading("Children who scored alike: bands of the log likelihood ratio")
        sheets.rows(f"{_end(band['low']):>8} to {_end(band['high']):<8} {band['n']:>5} X-rays, {band['sick']:>5} of the sick"
                    for band in result.bands)  # fmt: skip
    sheets.heading("The gate")
    for rate in result.gate:
        counts = f"{rate.images:>6} X-rays{rate.refused:>6} refused{rate.unread:>6} not read{rate.warned:>6} with a warning"
        sheets.rows([f"{rate.label:<12}{counts}   refused {interval(rate.refused_share)}"])


def _groups(sheets: _Sheets, result: SiteResult) -> None:
    sheets.heading("By age, sex, device and view")
    if not result.groups:
        sheets.text(
            "The cases tell none of them. Add the columns age, sex, device and view to see whom the model serves less.", quiet=True
        )
        return
    sheets.rows([f"{'':<28}{'X-rays':>7}{'sick':>6}{'well':>6}  {'AUC':<21}{'sensitivity':<21}{'specificity':<21}"])
    sheets.rows(
        f"{f'{group.by}: {group.name}'[:27]:<28}{group.images:>7}{group.sick:>6}{group.healthy:>6}  {interval(group.auc):<21}"
        f"{interval(group.sensitivity):<21}{interval(group.specificity):<21}"
        for group in result.groups
    )


def _frame(sheets: _Sheets, result: SiteResult) -> None:
    sheets.heading("How the pictures are framed and exposed: median (5th to 95th percentile)")
    sheets.text(
        result.frame.likeness or "No such numbers of this model's own train images are stored, so there is nothing to compare."
    )
    found = {(each.measure, each.label, each.where): each for each in result.frame.spreads}
    wheres = [where for where in ("site", "train", "test") if any(each.where == where for each in result.frame.spreads)]
    for label in LABELS:
        sheets.rows([f"{label:<36}" + "".join(f"{where:<26}" for where in wheres)])
        for name, meaning in MEASURE.items():
            cells = [found.get((name, label, where)) for where in wheres]
            if any(each and each.median is not None for each in cells):
                spread = "".join(f"{_spread(each):<26}" for each in cells)
                sheets.rows([f"{meaning:<36}{spread}"])
    sheets.text(f"Lungs could not be measured in {result.frame.without_lungs} answered X-rays.", quiet=True)


def _without(sheets: _Sheets, result: SiteResult) -> None:
    if result.unanswered:
        sheets.heading("Without an answer")
        sheets.rows(f"{each.file}, {each.label}: {'; '.join(each.reasons)}" for each in result.unanswered)


def _mistakes(sheets: _Sheets, result: SiteResult) -> None:
    sheets.heading("The surest mistakes, to be looked at first")
    for title, mistakes in (("Pneumonia below the operating point", result.missed), ("Healthy above it", result.alarms)):
        sheets.text(title)
        sheets.rows(map(_mistake, mistakes) if mistakes else ["none"])


def _mistake(mistake: Mistake) -> str:
    return f"{probability(mistake.probability, 4):<14}{mistake.file}"


def _end(value: float | None) -> str:
    return "open" if value is None else f"{value:.2f}"


def _spread(each: Any) -> str:
    if each is None or each.median is None:
        return "not known"
    digits = 1 if abs(each.median) >= 10 else 3
    return f"{number(each.median, digits)} ({number(each.low, digits)} to {number(each.high, digits)})"
