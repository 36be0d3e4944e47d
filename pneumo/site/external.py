"""External check on NIH ChestX-ray14: 694 images of 371 children up to 6 years. The table holds names, no pixels.

The publisher text-mined the labels from reports (Wang et al., CVPR 2017). NORMAL is "No Finding", PNEUMONIA-LIKE is pneumonia,
consolidation or infiltration, OTHER any other finding. An "infiltration" need not be pneumonia.
"""

import csv
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pneumo.errors import DataError
from pneumo.evaluation.wilson import clustered_wilson
from pneumo.imaging.measures import FRAME, PICTURE
from pneumo.labels import LABELS
from pneumo.registry.models import ModelCard
from pneumo.site.answers import CaseAnswer, answered_of, labels_of, patients_of, ratios_of
from pneumo.site.cases import SiteCase
from pneumo.site.frame import frame_statistics
from pneumo.site.gate_rates import rates_by_class, unanswered
from pneumo.site.verdict import Figure, auc_figure

TABLE = Path(__file__).with_name("nih_children.csv")
LIKE, OTHER = "PNEUMONIA-LIKE", "OTHER"
NOTE = (
    "Labels text-mined from reports, not read from the images: NORMAL is 'No Finding', PNEUMONIA-LIKE pneumonia, consolidation or "
    "infiltration. An AUC against such labels says whether the model still ranks these children, not how good it is."
)


@dataclass(frozen=True)
class Listed:
    """A row of the table."""

    image: str
    patient: str
    age: int  # years
    sex: str
    view: str
    label: str  # NORMAL, PNEUMONIA-LIKE or OTHER


@dataclass(frozen=True)
class ByAge:
    """Figures for all children, or those of one age or view."""

    by: str
    name: str
    normal: int  # images with an answer; `like` too
    like: int
    auc: Figure  # PNEUMONIA-LIKE against NORMAL, interval over children


def listed() -> tuple[Listed, ...]:
    with open(TABLE, newline="", encoding="utf-8") as file:
        return tuple(
            Listed(row["image"], row["patient"], int(row["age"]), row["sex"], row["view"], row["label"])
            for row in csv.DictReader(file)
        )


def external_cases(folder: Path) -> tuple[tuple[SiteCase, ...], tuple[SiteCase, ...], int]:
    """(NORMAL and PNEUMONIA-LIKE, OTHER, number of missing images) of the table, searched at any depth in `folder`.

    Raises DataError if none is there, or a name is there twice.
    """
    if not folder.is_dir():
        raise DataError(f"No folder {folder}. Expected one that holds images of NIH ChestX-ray14, as 00002180_000.png.")
    table = {each.image: each for each in listed()}
    places: dict[str, list[Path]] = {}
    for path in folder.rglob("*.png"):
        if path.name in table:
            places.setdefault(path.name, []).append(path)
    if not places:
        raise DataError(f"{folder} holds none of the {len(table)} images of the table. Expected names as {next(iter(table))}.")
    if twice := sorted(name for name, paths in places.items() if len(paths) > 1):
        raise DataError(f"{len(twice)} images lie in {folder} twice, {twice[0]} among them. Name a folder that holds each once.")
    rows = [(table[name], paths[0]) for name, paths in sorted(places.items())]
    both, other = [row for row in rows if row[0].label != OTHER], [row for row in rows if row[0].label == OTHER]
    return tuple(_case(*row) for row in both), tuple(_case(*row) for row in other), len(table) - len(places)


def _case(each: Listed, path: Path) -> SiteCase:
    label = LABELS[each.label == LIKE]
    return SiteCase(str(path), each.image, label, each.patient, float(each.age), each.sex, "", each.view)


def external_result(
    both: Sequence[CaseAnswer], other: Sequence[CaseAnswer], missing: int, card: ModelCard, card_sha256: str
) -> dict[str, Any]:
    """The result as JSON; undefined figures are None."""
    known = answered_of(both)
    return {
        "data": "NIH ChestX-ray14, children up to 6 years",
        "said": NOTE,
        "model": card.id,
        "model_sha256": card.sha256,
        "card_sha256": card_sha256,
        "images": len(both) + len(other),
        "not_there": missing,
        "auc": [asdict(each) for each in _by_age(known, card)],
        "called": {
            name: _called(answers, card)
            for name, answers in (
                (LABELS[0], [each for each in both if not each.case.sick]),
                (LIKE, [each for each in both if each.case.sick]),
                (OTHER, list(other)),
            )
        },
        "gate": [asdict(each) for each in rates_by_class(both)],
        "gate_other": asdict(rates_by_class(other)[0]),
        "unanswered": [asdict(each) for each in unanswered([*both, *other])],
        "frame": asdict(
            frame_statistics([each.measures for each in known if each.measures], [each.case.label for each in known], card.data)
        ),
        "measures": {"of": list(PICTURE), "framing": list(FRAME)},
    }


def _by_age(known: Sequence[CaseAnswer], card: ModelCard) -> list[ByAge]:
    groups = [("all", "", list(known))]
    groups += [
        ("age", f"{age} years", [each for each in known if each.case.age == age])
        for age in sorted({each.case.age for each in known if each.case.age is not None})
    ]
    groups += [
        ("view", view, [each for each in known if each.case.view == view]) for view in sorted({each.case.view for each in known})
    ]
    rows = []
    for by, name, group in groups:
        sick = labels_of(group) == 1
        figure = auc_figure(sick, ratios_of(group, card), patients_of(group)) if len(group) else auc_figure(*(np.empty(0),) * 3)
        rows.append(ByAge(by, name, int((~sick).sum()), int(sick.sum()), figure))
    return rows


def _called(answers: Sequence[CaseAnswer], card: ModelCard) -> dict[str, Figure]:
    """Share of each verdict among the answered images."""
    known = answered_of(answers)
    ratios, patients = ratios_of(known, card), patients_of(known)
    low, high = card.cuts["rule-out"], card.cuts["rule-in"]
    return {
        "NORMAL": clustered_wilson(ratios < low, patients).figure,
        "INDETERMINATE": clustered_wilson((ratios >= low) & (ratios < high), patients).figure,
        "PNEUMONIA": clustered_wilson(ratios >= high, patients).figure,
    }
