"""Figures by age, sex, device and view, with intervals that are wide for small groups."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from pneumo.registry.models import ModelCard
from pneumo.site.answers import CaseAnswer, answered_of
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


def _names(every: Sequence[str]) -> Iterator[str]:
    """Group names in order, UNKNOWN last; none if all are unknown."""
    ages = [name for *_, name in _AGES]
    known = sorted(set(every) - {UNKNOWN}, key=lambda name: (ages.index(name) if name in ages else 0, name))
    if known:
        yield from known
        yield from [UNKNOWN] if UNKNOWN in every else []


def _group(by: str, name: str, answers: Sequence[CaseAnswer], card: ModelCard, operating_point: str) -> SiteGroup:
    figures, known = site_figures(answers, card, operating_point), answered_of(answers)
    sick = sum(answer.case.sick for answer in known)
    return SiteGroup(
        by,
        name,
        len(answers),
        len({answer.case.patient for answer in answers}),
        sick,
        len(known) - sick,
        figures[ANSWERED],
        figures[AUC],
        figures[SENSITIVITY],
        figures[SPECIFICITY],
    )


def age_band(age: float | None) -> str:
    return next((name for low, high, name in _AGES if age is not None and low <= age < high), UNKNOWN)


_WAYS: dict[str, Callable[[SiteCase], str]] = {
    "age": lambda case: age_band(case.age),
    "sex": lambda case: case.sex or UNKNOWN,
    "device": lambda case: case.device or UNKNOWN,
    "view": lambda case: case.view or UNKNOWN,
}
