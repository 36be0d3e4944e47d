"""The sentences about one answer, shared by the Diagnose page and the PDF report."""

from collections.abc import Sequence
from typing import Any

from pneumo.evaluation.bands import LEAST, band_of, share_sick
from pneumo.evaluation.operating_point import LIKELIHOOD_RATIO, RULE_IN, RULE_OUT
from pneumo.imaging.radiograph import ImageFacts
from pneumo.inference.finding import Reading
from pneumo.inference.heatmap import Heatmap
from pneumo.labels import Verdict, Zone
from pneumo.reporting.numbers import interval

UNTESTED = "This model was not evaluated on the test split: nothing is known of how far to trust it."
LARGEST_RATIO = 100  # the calibration parts are too small to show a larger one
LEGEND = ("no evidence", "strong evidence for pneumonia", "(one scale for all pictures of this model)")
SENTENCES = {
    Verdict.PNEUMONIA: "The model calls this pneumonia. The figures below say how often it does so wrongly.",
    Verdict.INDETERMINATE: "The model cannot tell: the value lies where it often errs. Treat it as open.",
    Verdict.NORMAL: "The model finds no pneumonia. It looks for nothing else, and it misses some: see the figures below.",
}
_ZONE_MEANINGS = {
    Zone.RULE_OUT: f"such an answer is at least {LIKELIHOOD_RATIO:.0f} times as frequent among healthy children as among sick ones",
    Zone.INDETERMINATE: "the answer lies between rule-out and rule-in",
    Zone.RULE_IN: f"such an answer is at least {LIKELIHOOD_RATIO:.0f} times as frequent among sick children as among healthy ones",
}


def zone_help(zone: Zone) -> str:
    """The technical name, which files have, and what it means."""
    return f"{zone}: {_ZONE_MEANINGS[zone]}."


def zones_help() -> str:
    return "Whatever the prevalence. In files " + " ".join(zone_help(zone) for zone in Zone)


def in_words(probability: float) -> str:
    """Two digits, never 0 or 1: "above 0.99" and "below 0.01" instead."""
    if probability > 0.99:
        return "above 0.99"
    return "below 0.01" if probability < 0.01 else f"{probability:.2f}"


def share(value: float) -> str:
    """A share of patients in percent, with a decimal only below 1 % and above 99 %."""
    percent = 100 * value
    return f"{percent:.1f} %" if percent < 1 or percent > 99 else f"{percent:.0f} %"


def probability_sentence(reading: Reading) -> str:
    return f"probability {in_words(reading.probability)} where {share(reading.prevalence)} of the patients have pneumonia"


def threshold_sentence(reading: Reading) -> str:
    """The ranges of the verdicts, and what the threshold is for."""
    return (
        f"From {in_words(reading.high)} the answer is {Verdict.PNEUMONIA}, below {in_words(reading.low)} {Verdict.NORMAL}, "
        f"between them {Verdict.INDETERMINATE}. The threshold {in_words(reading.threshold)} (operating point "
        f"{reading.operating_point}) is for programs that need a yes or no."
    )


def facts_rows(facts: ImageFacts) -> list[tuple[str, str]]:
    """(name, value) of the facts about the file that may be shown."""
    count = facts.size_bytes
    size = f"{count / 2**20:.1f} MB" if count >= 2**20 else f"{count / 2**10:.0f} KB"
    return [
        ("Format", f"{facts.format}, {facts.bits} bits of grey, {size}"),
        ("Size", f"{facts.width} x {facts.height} pixels"),
        *[(title, value) for title, value in (("View", facts.view_position), ("Age", facts.patient_age)) if value],
        *[("Note", note) for note in facts.notes],
    ]


def likelihood_sentence(reading: Reading) -> str:
    """The likelihood ratio, inverted if below 1, and capped at LARGEST_RATIO."""
    ratio, among, other = reading.likelihood_ratio, "sick", "healthy"
    if ratio < 1:
        ratio, among, other = 1 / ratio, other, among
    times = f"more than {LARGEST_RATIO}" if ratio > LARGEST_RATIO else f"{ratio:.0f}" if ratio >= 10 else f"{ratio:.1f}"
    return f"Such a value is {times} times as frequent among {among} children as among {other} ones (likelihood ratio)."


def like_this_sentence(metrics: dict[str, Any], log_ratio: float, reading: Reading, warnings: Sequence[str]) -> str:
    """How many test children with a like score were sick, and how many that would be at the stated prevalence.

    Empty if it was not counted, or the answer has a warning. An INDETERMINATE answer gets the counts alone.
    """
    test = metrics.get("test", {})
    band = band_of(test.get("bands", ()), log_ratio)
    if band is None or warnings:
        return ""
    if band["patients"] < LEAST:
        return f"Only {band['patients']} test children scored like this: too few to say how often they were sick."
    value, low, high = share_sick(band, test["prevalence"], test["prevalence"])
    sick = f"{band['sick']} {'was of a sick child' if band['sick'] == 1 else 'were of sick children'}"
    tested = (
        f"Of {band['n']} test X-rays of children who scored like this, {sick} "
        f"({100 * value:.0f} %, 95 % interval {100 * low:.0f} to {100 * high:.0f} %)"
    )
    if reading.verdict == Verdict.INDETERMINATE:
        return f"{tested}."
    value, low, high = share_sick(band, test["prevalence"], reading.prevalence)
    return (
        f"{tested}. Where {share(reading.prevalence)} of the patients have pneumonia, that would be about {100 * value:.0f} of 100 "
        f"({100 * low:.0f} to {100 * high:.0f})."
    )


def subtype_sentence(metrics: dict[str, Any], reading: Reading, bacterial: float | None) -> str:
    """Bacterial or viral, and how far to trust it; empty unless a model with this output calls PNEUMONIA."""
    if bacterial is None or reading.verdict != Verdict.PNEUMONIA:
        return ""
    answer = f"Bacterial {in_words(bacterial)}, viral {in_words(1 - bacterial)}: a second answer, not to choose antibiotics by."
    aucs = [(split, metrics.get(split, {}).get("subtype", {}).get("auc", {}).get("value")) for split in ("validation", "test")]
    measured = " and ".join(f"{auc:.2f} on {split}" for split, auc in aucs if auc is not None)
    return f"{answer} Its AUC is {measured} pneumonias." if measured else f"{answer} It was never measured."


def subtype_accuracy(metrics: dict[str, Any]) -> str:
    """Accuracy of bacterial against viral on the test pneumonias, with its interval; empty if not measured."""
    kind = metrics.get("test", {}).get("subtype", {})
    if kind.get("accuracy", {}).get("value") is None:
        return ""
    return f"Bacterial or viral was right in {interval(kind['accuracy'], 2)} of the {kind['n']} test pneumonias of known kind."


def figures_sentence(metrics: dict[str, Any]) -> str:
    """The heading of `figure_rows`; UNTESTED if there are none."""
    return f"On {metrics['test']['n']} test X-rays (95 % interval):" if figure_rows(metrics) else UNTESTED


def figure_rows(metrics: dict[str, Any]) -> list[tuple[str, str]]:
    """(name, share with its interval) of right and wrong verdicts on the test split; empty if not tested."""
    points = metrics.get("test", {}).get("operating_points", {})
    if not {RULE_IN, RULE_OUT} <= points.keys():
        return []
    called_sick, cleared = points[RULE_IN]["sensitivity"], points[RULE_OUT]["specificity"]
    missed, alarms = _complement(points[RULE_OUT]["sensitivity"]), _complement(points[RULE_IN]["specificity"])
    rows = (
        ("sick children called PNEUMONIA", called_sick),
        ("sick children called NORMAL", missed),
        ("healthy children called NORMAL", cleared),
        ("healthy children called PNEUMONIA", alarms),
    )
    return [(name, interval(figure, 2)) for name, figure in rows]


def _complement(figure: dict[str, float | None]) -> dict[str, float | None]:
    """1 - share, with its interval."""
    swapped = {"value": figure["value"], "low": figure["high"], "high": figure["low"]}
    return {name: None if share is None else 1 - share for name, share in swapped.items()}


def heatmap_sentence(reading: Reading, heatmap: Heatmap) -> str:
    if heatmap.empty:
        return "No place spoke for pneumonia above a tenth of the scale, so the map is empty."
    if reading.verdict != Verdict.PNEUMONIA:
        return (
            f"The answer is {reading.verdict}: colour marks the places that spoke most for pneumonia all the same. "
            "Together they did not reach what is called pneumonia."
        )
    return "Colour marks where the model found evidence for pneumonia. It is no outline of disease, and may lie beside the lungs."
