"""Sections of the model card about verdicts, subgroups, cautions, sample size and monitoring."""

from pathlib import Path

from pneumo.errors import ModelError
from pneumo.evaluation.groups import by_subtype
from pneumo.evaluation.operating_point import BALANCED
from pneumo.reporting.evaluated import Evaluated, read_cautions
from pneumo.reporting.numbers import interval
from pneumo.reporting.operating_points import zone_rows, zones_of

SAMPLE_SIZE = (
    "Sample size: none was calculated beforehand. The test split is what the data set has; whether that is enough is for the "
    "reader to judge by the intervals. A difference smaller than an interval's width cannot be seen here."
)
MONITORING = (
    "In use: the model learns nothing from what it is shown, and no update of the app changes it; other weights are another model, "
    "promoted under a name of its own, with its own card and hashes. Nobody watches it from afar: whoever runs it does. Before its "
    "first use, and after every change of detector, frame or patients, run `python -m pneumo evaluate MODEL --data DIR "
    "--split FOLDER --output OUT` on labelled X-rays of your own; where the record is switched on, History tells how often "
    "clinicians agree. Stop using it where sensitivity or specificity there lies outside the intervals above."
)


def answer_lines(evaluated: Evaluated) -> list[str]:
    """Shares of the verdicts, and subgroups; empty if predictions of both classes are not stored."""
    if evaluated.predictions is None or not evaluated.both_classes:
        return []
    verdicts = "".join(f"| {' | '.join(row)} |\n" for row in zone_rows(zones_of(evaluated.predictions, evaluated.points)))
    groups = "".join(
        f"| {group.name} | {group.images} | {group.patients} | {interval(group.right.figure)} |\n"
        for group in by_subtype(evaluated.predictions, evaluated.points[BALANCED])
    )
    return [
        "An answer between rule-out and rule-in is INDETERMINATE: it is told as such, neither right nor wrong, and is no part of "
        "NORMAL or PNEUMONIA below. At `balanced`, above, it counts on the side of the threshold that it lies on.",
        "",
        "| verdict | of the sick | of the healthy | likelihood ratio |",
        "|---|---|---|---|",
        verdicts,
        "| subgroup | images | patients | called rightly at balanced |",
        "|---|---|---|---|",
        groups,
    ]


def caution_lines(model: str, root: Path | None) -> list[str]:
    """How often each caution accompanies right and wrong answers; empty if not measured."""
    try:
        rates = read_cautions(model, root)
    except ModelError:
        rates = {}
    if not rates:
        return []
    rows = "".join(f"| {name} | {interval(rate.right)} | {interval(rate.wrong)} |\n" for name, rate in rates.items())
    return [
        "## Cautions",
        "",
        "Each is said from where on it stands beside at most 5 % of the right answers of the calibration part; these shares are of "
        "the validation part, with a disturbed copy of each image, 95 % intervals over patients.",
        "",
        "| caution | beside right answers | beside wrong ones: what it catches |",
        "|---|---|---|",
        rows,
    ]
