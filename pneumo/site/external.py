"""External check on NIH ChestX-ray14: 694 images of 371 children up to 6 years. The table holds names, no pixels.

The publisher text-mined the labels from reports (Wang et al., CVPR 2017). NORMAL is "No Finding", PNEUMONIA-LIKE is pneumonia,
consolidation or infiltration, OTHER any other finding. An "infiltration" need not be pneumonia.
"""

import csv
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from pneumo.errors import DataError
from pneumo.evaluation.wilson import clustered_wilson
from pneumo.imaging.measures import FRAME, PICTURE
from pneumo.labels import LABELS
from pneumo.registry.models import ModelCard, card_digest
from pneumo.site.answers import CaseAnswer, answered_of, labels_of, patients_of, ratios_of
from pneumo.site.cases import SiteCase
from pneumo.site.frame import frame_statistics
from pneumo.site.groups import rates_by_class, unanswered
from pneumo.site.verdict import Figure, auc_figure

TABLE = Path(__file__).with_name("nih_children.csv")
LIKE, OTHER = "PNEUMONIA-LIKE", "OTHER"
NOTE = (
    "Labels text-mined from reports, not read from the images: NORMAL is 'No Finding', PNEUMONIA-LIKE pneumonia, consolidation or "
    "infiltration. An AUC against such labels says whether the model still ranks these children, not how good it is."
)


def listed() -> list[dict[str, str]]:
    """Rows of the table: image, patient, age in years, sex, view, findings, and label (NORMAL, PNEUMONIA-LIKE or OTHER)."""
    with open(TABLE, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def external_cases(folder: Path) -> tuple[tuple[SiteCase, ...], tuple[SiteCase, ...], int]:
    """(NORMAL and PNEUMONIA-LIKE, OTHER, number of missing images) of the table, searched at any depth in `folder`.

    Raises DataError if none is there, or a name is there twice.
    """
    if not folder.is_dir():
        raise DataError(f"No folder {folder}. Expected one that holds images of NIH ChestX-ray14, as 00002180_000.png.")
    table = {row["image"]: row for row in listed()}
    places: dict[str, list[Path]] = {}
    for path in folder.rglob("*.png"):
        if path.name in table:
            places.setdefault(path.name, []).append(path)
    if not places:
        raise DataError(f"{folder} holds none of the {len(table)} images of the table. Expected names as {next(iter(table))}.")
    if twice := sorted(name for name, paths in places.items() if len(paths) > 1):
        raise DataError(f"{len(twice)} images lie in {folder} twice, {twice[0]} among them. Name a folder that holds each once.")
    both: list[SiteCase] = []
    other: list[SiteCase] = []
    for name, (path,) in sorted(places.items()):
        row = table[name]
        label, age = LABELS[row["label"] == LIKE], float(row["age"])
        case = SiteCase(str(path), name, label, row["patient"], age, row["sex"], view=row["view"])
        (other if row["label"] == OTHER else both).append(case)
    return tuple(both), tuple(other), len(table) - len(places)


def external_result(both: Sequence[CaseAnswer], other: Sequence[CaseAnswer], missing: int, card: ModelCard) -> dict[str, Any]:
    """The result as JSON; undefined figures are None."""
    known = answered_of(both)
    measures = [each.measures for each in known if each.measures]
    healthy, like = [each for each in both if not each.case.sick], [each for each in both if each.case.sick]
    return {
        "data": "NIH ChestX-ray14, children up to 6 years",
        "said": NOTE,
        "model": card.id,
        "model_sha256": card.sha256,
        "card_sha256": card_digest(card.id),
        "images": len(both) + len(other),
        "not_there": missing,
        "auc": _by_age(known, card),
        "called": {name: _called(group, card) for name, group in ((LABELS[0], healthy), (LIKE, like), (OTHER, other))},
        "gate": [asdict(each) for each in rates_by_class(both)],
        "gate_other": asdict(rates_by_class(other)[0]),
        "unanswered": [asdict(each) for each in unanswered([*both, *other])],
        "frame": asdict(frame_statistics(measures, [each.case.label for each in known], card.data)),
        "measures": {"of": list(PICTURE), "framing": list(FRAME)},
    }


def _by_age(known: Sequence[CaseAnswer], card: ModelCard) -> list[dict[str, Any]]:
    """For all children, and each age and view: answered images by label, and the AUC with its interval over children."""
    ages, views = {each.case.age for each in known if each.case.age is not None}, {each.case.view for each in known}
    groups = [("all", "", list(known))]
    groups += [("age", f"{age} years", [each for each in known if each.case.age == age]) for age in sorted(ages)]
    groups += [("view", view, [each for each in known if each.case.view == view]) for view in sorted(views)]
    rows = []
    for by, name, group in groups:
        sick = labels_of(group) == 1
        figure = auc_figure(sick, ratios_of(group, card), patients_of(group)) if len(group) else auc_figure(*(np.empty(0),) * 3)
        rows.append({"by": by, "name": name, "normal": int((~sick).sum()), "like": int(sick.sum()), "auc": figure})
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
