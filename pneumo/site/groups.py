"""Figures by age, sex, device and view, with intervals that are wide for small groups; what the gate refused, by class."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from pneumo.evaluation.wilson import clustered_wilson
from pneumo.labels import LABELS, Status
from pneumo.registry.models import ModelCard
from pneumo.site.answers import CaseAnswer, answered_of, patients_of
from pneumo.site.cases import SiteCase
from pneumo.site.plan import ANSWERED, AUC, SENSITIVITY, SPECIFICITY
from pneumo.site.verdict import Figure, site_figures

UNKNOWN = "not told"
_AGES = ((0, 1, "below 1 year"), (1, 3, "1 and 2 years"), (3, 6, "3 to 5 years"), (6, 200, "6 years and above"))


@dataclass(frozen=True)
class SiteGroup:
    by: str  # age, sex, device or view
    name: str
    images: int
    children: int
    sick: int  # answered images; `healthy` too
    healthy: int
    answered: Figure
    auc: Figure
    sensitivity: Figure
    specificity: Figure


def by_group(answers: Sequence[CaseAnswer], card: ModelCard, operating_point: str) -> tuple[SiteGroup, ...]:
    """For each attribute (age, sex, device, view) that the site gives; cases without it form the group UNKNOWN."""
    return tuple(
        _group(by, name, [answer for answer in answers if name_of(answer.case) == name], card, operating_point)
        for by, name_of in _WAYS.items()
        for name in _names([name_of(answer.case) for answer in answers])
    )


def _names(every: Sequence[str]) -> list[str]:
    """Group names in order, UNKNOWN last; none if all are unknown."""
    ages = [name for *_, name in _AGES]
    known = sorted(set(every) - {UNKNOWN}, key=lambda name: (ages.index(name) if name in ages else 0, name))
    return [*known, UNKNOWN] if known and UNKNOWN in every else known


def _group(by: str, name: str, answers: Sequence[CaseAnswer], card: ModelCard, operating_point: str) -> SiteGroup:
    figures, known = site_figures(answers, card, operating_point), answered_of(answers)
    sick = sum(answer.case.sick for answer in known)
    children = len({answer.case.patient for answer in answers})
    shown = {figure: figures[figure] for figure in (ANSWERED, AUC, SENSITIVITY, SPECIFICITY)}
    return SiteGroup(by, name, len(answers), children, sick, len(known) - sick, **shown)


def age_band(age: float | None) -> str:
    return next((name for low, high, name in _AGES if age is not None and low <= age < high), UNKNOWN)


_WAYS: dict[str, Callable[[SiteCase], str]] = {
    "age": lambda case: age_band(case.age),
    "sex": lambda case: case.sex or UNKNOWN,
    "device": lambda case: case.device or UNKNOWN,
    "view": lambda case: case.view or UNKNOWN,
}


@dataclass(frozen=True)
class GateRate:
    """Counts for the cases of one class, or all cases."""

    label: str
    images: int
    refused: int
    unread: int
    warned: int  # answered with a warning
    refused_share: Figure  # of the images that could be read


@dataclass(frozen=True)
class Unanswered:
    """One case without an answer."""

    file: str
    label: str
    status: str
    reasons: tuple[str, ...]


def rates_by_class(answers: Sequence[CaseAnswer]) -> tuple[GateRate, ...]:
    """All cases first, then each class."""
    groups: dict[str, list[CaseAnswer]] = {"all": list(answers)}
    groups |= {label: [each for each in answers if each.case.label == label] for label in LABELS}
    return tuple(_rate(name, group) for name, group in groups.items())


def _rate(name: str, answers: Sequence[CaseAnswer]) -> GateRate:
    counts, readable = Counter(each.status for each in answers), [each for each in answers if each.status != Status.ERROR]
    hits = np.array([each.status == Status.REJECTED for each in readable], bool)
    warned = sum(each.status == Status.OK and bool(each.warnings) for each in answers)
    share = clustered_wilson(hits, patients_of(readable)).figure
    return GateRate(name, len(answers), counts[Status.REJECTED], counts[Status.ERROR], warned, share)


def unanswered(answers: Sequence[CaseAnswer]) -> tuple[Unanswered, ...]:
    """Every case without an answer, with its reasons, in order."""
    return tuple(
        Unanswered(each.case.name, each.case.label, each.status, each.reasons) for each in answers if each.status != Status.OK
    )
