"""The result of a local test as PDF."""

from collections.abc import Mapping, Sequence

from pneumo.evaluation.mistakes import Mistake
from pneumo.evaluation.predictions import Predictions
from pneumo.imaging.measures import MEANING as MEASURE
from pneumo.labels import LABELS, Verdict
from pneumo.reporting.chart_drawing import chart_picture
from pneumo.reporting.metrics_charts import calibration_chart, histogram_chart, roc_chart
from pneumo.reporting.model_card import DISCLAIMER
from pneumo.reporting.numbers import interval, number, probability
from pneumo.reporting.paper import LEFT, RIGHT, Sheet
from pneumo.site.frame import Spread
from pneumo.site.plan import MEANING
from pneumo.site.result import NOTE, SiteResult

_RULE = "Passed: the whole 95 % interval lies at or above the least value. Failed: all of it lies below. Else too few to say."


def local_test_pdf(result: SiteResult, predictions: Predictions | None, points: Mapping[str, float]) -> bytes:
    """`predictions` and `points` at the same prevalence, for the charts; `predictions` None if a class has no answer."""
    sheet = Sheet(f"Pneumo local test: {result.plan.site}, {result.model}")
    for section in (_plan, _figures, _counts, _groups, _frame, _looked_at):
        section(sheet, result)
    if predictions is not None:
        labels, probabilities = predictions.labels, predictions.probabilities
        charts = (
            roc_chart(predictions, points),
            calibration_chart(labels, probabilities),
            histogram_chart(labels, probabilities, points),
        )
        for place, chart in enumerate(charts):
            if place % 2 == 0:
                sheet.add_page()
            sheet.image(chart_picture(chart), LEFT, w=RIGHT - LEFT)
            sheet.paragraph(chart.reading, 8, "quiet")
            sheet.ln(10)
    return bytes(sheet.output())


def _plan(sheet: Sheet, result: SiteResult) -> None:
    plan = result.plan
    sheet.paragraph(f"Local test of {result.model}: {result.outcome.upper()}", 17)
    sheet.paragraph(f"{plan.site}, {result.made}", 10)
    sheet.paragraph(result.why)
    sheet.paragraph(DISCLAIMER, tone="quiet")
    sheet.paragraph(NOTE, tone="quiet")
    sheet.heading("The plan, fixed before the first answer")
    children = f"at least {plan.sick} sick and {plan.healthy} healthy children"
    sheet.paragraph(f"Made {plan.created}; operating point {plan.operating_point}; {children}. Who decides: {plan.decides}.")
    for look in result.looks:
        sheet.paragraph(f"The same cases were tested before. {look}")
    rows = [
        (each.figure, f"{each.least:g}", interval({"value": each.value, "low": each.low, "high": each.high}), each.outcome)
        for each in result.outcomes
    ]
    sheet.grid([("", "at least", "seen (95 % interval)", "outcome"), *rows], (4, 1, 3, 2))
    sheet.paragraph(_RULE, tone="quiet")


def _figures(sheet: Sheet, result: SiteResult) -> None:
    sheet.heading("Every figure, with its 95 % interval over children")
    rows = [(name, interval(figure), MEANING[name]) for name, figure in result.figures.items()]
    if result.summary:
        calibration = result.summary["calibration"]
        rows += [
            (f"calibration {name}", interval(calibration[name]), f"{ideal} is right")
            for name, ideal in (("intercept", 0), ("slope", 1))
        ]
    sheet.grid(rows, (4, 3, 5), head=False)


def _counts(sheet: Sheet, result: SiteResult) -> None:
    (tn, fp), (fn, tp) = result.matrix
    sheet.heading(
        f"{result.images} X-rays; with an answer: {result.sick_children} sick and {result.healthy_children} healthy children"
    )
    sheet.grid(
        [("", "below the point", "above it"), ("true NORMAL", str(tn), str(fp)), ("true PNEUMONIA", str(fn), str(tp))], (1, 1, 1)
    )
    verdicts = [(f"true {label}", *(str(result.verdicts[label][name]) for name in Verdict)) for label in LABELS]
    sheet.grid([("verdict", *Verdict), *verdicts], (1, 1, 1, 1))
    if result.bands:
        sheet.heading("Children who scored alike: bands of the log likelihood ratio, as the model's own test has them")
        bands = [(f"{_end(band['low'])} to {_end(band['high'])}", str(band["n"]), str(band["sick"])) for band in result.bands]
        sheet.grid([("from, to", "X-rays", "of the sick"), *bands], (2, 1, 1))
    sheet.heading("The gate")
    rates = [
        (rate.label, str(rate.images), str(rate.refused), str(rate.unread), str(rate.warned), interval(rate.refused_share))
        for rate in result.gate
    ]
    sheet.grid([("", "X-rays", "refused", "not read", "with a warning", "share refused"), *rates], (2, 1, 1, 1, 2, 3))


def _groups(sheet: Sheet, result: SiteResult) -> None:
    sheet.heading("By age, sex, device and view")
    if not result.groups:
        hint = "The cases tell none of them. Add the columns age, sex, device and view to see whom the model serves less."
        sheet.paragraph(hint, tone="quiet")
        return
    rows = [
        (
            f"{group.by}: {group.name}",
            *map(str, (group.images, group.sick, group.healthy)),
            *map(interval, (group.auc, group.sensitivity, group.specificity)),
        )
        for group in result.groups
    ]
    titles = ("", "X-rays", "sick", "healthy", "AUC", "sensitivity", "specificity")
    sheet.grid([titles, *rows], (4, 1.3, 1, 1.4, 3.6, 3.6, 3.6), size=7.5)


def _frame(sheet: Sheet, result: SiteResult) -> None:
    sheet.heading("How the pictures are framed and exposed: median (5th to 95th percentile)")
    nothing = "No such numbers of this model's own train images are stored, so there is nothing to compare."
    sheet.paragraph(result.frame.likeness or nothing)
    spreads = {(each.measure, each.label, each.where): each for each in result.frame.spreads}
    wheres = [where for where in ("site", "train", "test") if any(each.where == where for each in result.frame.spreads)]
    for label in LABELS:
        rows = []
        for name, meaning in MEASURE.items():
            cells = [spreads.get((name, label, where)) for where in wheres]
            if any(each and each.median is not None for each in cells):
                rows.append((meaning, *map(_spread, cells)))
        if rows:
            sheet.grid([(str(label), *wheres), *rows], (3, *[2.5] * len(wheres)), size=7.5)
    sheet.paragraph(f"Lungs could not be measured in {result.frame.without_lungs} answered X-rays.", tone="quiet")


def _looked_at(sheet: Sheet, result: SiteResult) -> None:
    if result.unanswered:
        sheet.heading("Without an answer")
        for each in result.unanswered:
            sheet.paragraph(f"{each.file}, {each.label}: {'; '.join(each.reasons)}", 8)
    sheet.heading("The surest mistakes, to be looked at first")
    _mistakes(sheet, "Pneumonia below the operating point", result.missed)
    _mistakes(sheet, "Healthy above it", result.alarms)


def _mistakes(sheet: Sheet, title: str, mistakes: Sequence[Mistake]) -> None:
    sheet.paragraph(title)
    for mistake in mistakes:
        sheet.paragraph(f"{probability(mistake.probability, 4)}   {mistake.file}", 8)
    if not mistakes:
        sheet.paragraph("none", tone="quiet")


def _end(value: float | None) -> str:
    return "open" if value is None else f"{value:.2f}"


def _spread(each: Spread | None) -> str:
    if each is None or each.median is None:
        return "not known"
    digits = 1 if abs(each.median) >= 10 else 3
    return f"{number(each.median, digits)} ({number(each.low, digits)} to {number(each.high, digits)})"
