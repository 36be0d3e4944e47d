"""Cautions beside an answer: limits set so that each appears beside at most one correct answer in twenty."""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pneumo.evaluation.wilson import Figure, clustered_wilson, stored_figure

HIDDEN, CHANGES, MODELS, SIMILAR, HEAT = NAMES = ("lungs hidden", "small changes", "models", "similar cases", "heat")
RATE = 0.05  # of the right answers of each verdict, on the part that sets the limits


@dataclass(frozen=True)
class CautionRate:
    """One kind of caution: shown beside an answer whose score is above the limit of its verdict."""

    limits: Mapping[str, float]  # by verdict; -inf: any finite score
    right: Figure  # share of the correct answers it is shown beside, on a part that did not set the limits
    wrong: Figure  # share of the wrong answers it is shown beside

    def fires(self, verdict: str, score: float) -> bool:
        """Whether the score is above the verdict's limit (none: -inf); False for NaN."""
        return score > self.limits.get(verdict, -math.inf)

    def to_dict(self) -> dict[str, Any]:
        limits = {verdict: limit if math.isfinite(limit) else None for verdict, limit in self.limits.items()}
        return {"limits": limits, "right": dict(self.right), "wrong": dict(self.wrong)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "CautionRate":
        """Raises KeyError, TypeError, ValueError or AttributeError for anything else than `to_dict` gave."""
        limits = {str(verdict): -math.inf if limit is None else float(limit) for verdict, limit in values["limits"].items()}
        return cls(limits, stored_figure(values["right"]), stored_figure(values["wrong"]))


@dataclass(frozen=True)
class Judged:
    """An answer with known truth and its score of each caution; NaN: no caution."""

    patient: str
    verdict: str  # NORMAL or PNEUMONIA: an indeterminate answer is neither right nor wrong
    right: bool
    scores: Mapping[str, float]


def limit_of(scores: np.ndarray) -> float:
    """The lowest limit that at most RATE of `scores`, float (n,) of correct answers, exceed; -inf where none is needed."""
    speaking = np.sort(scores[np.isfinite(scores)])[::-1]
    allowed = math.floor(RATE * len(scores) + 1e-9)  # 0.05 * 20 is 1
    return float(speaking[allowed]) if len(speaking) > allowed else -math.inf


def caution_rates(held_out: Sequence[Judged], others: Sequence[Judged]) -> dict[str, CautionRate]:
    """The rate of each of NAMES, with intervals over patients.

    Limits come from the correct answers of `held_out`, per verdict, so that they hold at any prevalence. Rates come from `others`.
    """
    by_name = {}
    for name in NAMES:
        scores = defaultdict(list)
        for each in held_out:
            if each.right:
                scores[each.verdict].append(each.scores[name])
        limits = {verdict: limit_of(np.array(scores[verdict])) for verdict in sorted(scores)}
        rate = CautionRate(limits, {}, {})  # to be measured
        by_name[name] = CautionRate(limits, *rates(others, [rate.fires(each.verdict, each.scores[name]) for each in others]))
    return by_name


def rates(answers: Sequence[Judged], fired: Sequence[bool]) -> tuple[Figure, Figure]:
    """Shares of the correct and of the wrong answers where something fired."""
    hits, right = np.asarray(fired, bool), np.array([each.right for each in answers], bool)
    patients = np.array([each.patient for each in answers])
    return clustered_wilson(hits[right], patients[right]).figure, clustered_wilson(hits[~right], patients[~right]).figure
