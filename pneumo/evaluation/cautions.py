"""What speaks against an answer, said at a rate that means something: beside at most one right answer in twenty."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pneumo.evaluation.wilson import clustered_wilson

FILE = "cautions.json"  # of a model's folder
HIDDEN, CHANGES, MODELS, SIMILAR, HEAT = NAMES = ("lungs hidden", "small changes", "models", "similar cases", "heat")
RATE = 0.05  # of the right answers of each verdict, on the part that sets the limits

Figure = Mapping[str, float | None]  # {value, low, high}


@dataclass(frozen=True)
class CautionRate:
    """One kind of caution. It stands beside an answer whose score is above the limit of its verdict."""

    limits: Mapping[str, float]  # by verdict; -inf: whenever anything speaks against the answer
    right: Figure  # share of the right answers that it stands beside, on another part than set the limits
    wrong: Figure  # share of the wrong ones, which is what it catches

    def fires(self, verdict: str, score: float) -> bool:
        """Whether a score is worth saying; NaN, nothing speaks against the answer, never is. A verdict without a limit has none."""
        return score > self.limits.get(verdict, -math.inf)

    def to_dict(self) -> dict[str, Any]:
        limits = {verdict: limit if math.isfinite(limit) else None for verdict, limit in self.limits.items()}
        return {"limits": limits, "right": dict(self.right), "wrong": dict(self.wrong)}

    @classmethod
    def from_dict(cls, found: Mapping[str, Any]) -> "CautionRate":
        """Raises KeyError, TypeError, ValueError or AttributeError where it does not fit."""
        limits = {str(verdict): -math.inf if limit is None else float(limit) for verdict, limit in found["limits"].items()}
        for figure in (found["right"], found["wrong"]):
            if set(figure) != {"value", "low", "high"}:
                raise ValueError(f"expected value, low and high, received {', '.join(figure)}")
        return cls(limits, found["right"], found["wrong"])


@dataclass(frozen=True)
class Judged:
    """One answer of known truth, with its score of each caution; NaN where nothing speaks against it."""

    patient: str
    verdict: str  # NORMAL or PNEUMONIA: an open answer is neither right nor wrong
    right: bool
    scores: Mapping[str, float]


def limit_of(scores: np.ndarray) -> float:
    """The least limit above which at most RATE of `scores`, float (n,) of right answers, lie; -inf where none is needed."""
    speaking = np.sort(scores[np.isfinite(scores)])[::-1]
    allowed = math.floor(RATE * len(scores) + 1e-9)  # 0.05 * 20 is 1
    return float(speaking[allowed]) if len(speaking) > allowed else -math.inf


def caution_rates(held_out: Sequence[Judged], others: Sequence[Judged]) -> dict[str, CautionRate]:
    """Of each of NAMES.

    Limits come from the right answers of `held_out`, for each verdict by itself, so that they hold whatever the prevalence.
    Rates are of `others`, which set nothing, with intervals over patients.
    """
    verdicts = sorted({each.verdict for each in held_out if each.right})
    limits = {
        name: {
            verdict: limit_of(np.array([each.scores[name] for each in held_out if each.right and each.verdict == verdict]))
            for verdict in verdicts
        }
        for name in NAMES
    }
    unmeasured = dict.fromkeys(("value", "low", "high"))
    found = {}
    for name in NAMES:
        rate = CautionRate(limits[name], unmeasured, unmeasured)
        right, wrong = rates(others, [rate.fires(each.verdict, each.scores[name]) for each in others])
        found[name] = CautionRate(limits[name], right, wrong)
    return found


def rates(answers: Sequence[Judged], fired: Sequence[bool]) -> tuple[Figure, Figure]:
    """Shares of the right and of the wrong answers beside which something fired."""
    hits, right = np.asarray(fired, bool), np.array([each.right for each in answers], bool)
    patients = np.array([each.patient for each in answers])
    return clustered_wilson(hits[right], patients[right]).figure, clustered_wilson(hits[~right], patients[~right]).figure
