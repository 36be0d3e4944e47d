"""Sample size planning: the expected interval for a number of children, and the chance to pass."""

import math
from bisect import bisect_left
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit, ndtr, ndtri
from scipy.stats import binom

from pneumo.evaluation.wilson import wilson_interval
from pneumo.site.plan import ANSWERED, AUC, NOT_MISSED, SENSITIVITY, Requirement

_MOST = 100_000  # children per class


@dataclass(frozen=True)
class Outlook:
    """Forecast for one figure if the model is as good as expected."""

    figure: str
    least: float
    expected: float
    low: float  # 95 % interval around the expected value
    high: float
    chance: float  # probability that this figure passes
    needed: int | None  # children per class for a chance of 0.8; None: more than 100,000


def outlook(requirement: Requirement, expected: float, sick: int, healthy: int, target: float = 0.8) -> Outlook:
    """Assumes one image per child; with several, intervals are a little wider.

    Shares have Wilson's interval; AUC has one on the scale of its log odds, with the standard error of Hanley and McNeil
    (Radiology 1982, 143:29). Raises ValueError for an expected value outside (0, 1).
    """
    if not 0 < expected < 1:
        raise ValueError(f"expected a value between 0 and 1, received {expected}")
    low, high, chance = _at(requirement, expected, sick, healthy)
    return Outlook(requirement.figure, requirement.least, expected, low, high, chance, _needed(requirement, expected, target))


def _at(requirement: Requirement, expected: float, sick: int, healthy: int) -> tuple[float, float, float]:
    if requirement.figure == AUC:
        return _auc(requirement.least, expected, sick, healthy)
    of = {SENSITIVITY: sick, NOT_MISSED: sick, ANSWERED: sick + healthy}.get(requirement.figure, healthy)
    share = wilson_interval(round(expected * of), of)
    return share.low, share.high, _chance(requirement.least, expected, of)


def _auc(least: float, expected: float, sick: int, healthy: int) -> tuple[float, float, float]:
    error = hanley_mcneil(expected, sick, healthy) / (expected * (1 - expected))
    low, high = expit(logit(expected) + np.array([-1, 1]) * ndtri(0.975) * error)
    return float(low), float(high), float(ndtr((logit(expected) - logit(least)) / error - ndtri(0.975)))


def hanley_mcneil(auc: float, sick: int, healthy: int) -> float:
    """Standard error of an AUC in (0, 1), for independent cases."""
    q1, q2 = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    variance = auc * (1 - auc) + (sick - 1) * (q1 - auc**2) + (healthy - 1) * (q2 - auc**2)
    return math.sqrt(variance / (sick * healthy))


def _chance(least: float, expected: float, of: int) -> float:
    """Probability that the lower end of Wilson's interval of a binomial count reaches `least`."""
    enough = bisect_left(range(of + 1), least, key=lambda count: wilson_interval(count, of).low)
    return float(binom.sf(enough - 1, of, expected))


def _needed(requirement: Requirement, expected: float, target: float) -> int | None:
    """Children per class, by bisection. The chance is assumed to grow with them, which holds except for small steps."""
    if expected <= requirement.least or _at(requirement, expected, _MOST, _MOST)[2] < target:
        return None
    return bisect_left(range(_MOST), target, lo=1, key=lambda count: _at(requirement, expected, count, count)[2])
