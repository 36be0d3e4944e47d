"""Rates of the gate on a site's cases: refused, warned, unreadable."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pneumo.evaluation.wilson import clustered_wilson
from pneumo.labels import LABELS, Status
from pneumo.site.answers import CaseAnswer, patients_of
from pneumo.site.verdict import Figure


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
