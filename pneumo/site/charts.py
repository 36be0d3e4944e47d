"""Control charts that compare new cases with the site's first ones, and raise at most one alarm each.

Libraries for change detection (river, frouros) learn their threshold from the stream or expect a model to retrain. These two charts
are known to medical physicists and can be repeated in a spreadsheet.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pneumo.evaluation.wilson import wilson_interval

WEIGHT, LIMIT, CLIP = 0.05, 5.0, 4.0
RISE, EVIDENCE = 0.15, math.log(10_000)  # of a share
EWMA = (
    f"The running mean of about the last {round(2 / WEIGHT - 1)} cases left the band of {LIMIT:.0f} standard errors around the "
    "mean of the first cases (EWMA chart, Roberts 1959)."
)
CUSUM = (
    f"The cases since then are {math.exp(EVIDENCE):,.0f} times as likely under a share that is {RISE:.0%} higher as under that of "
    "the first cases (CUSUM chart, Reynolds and Stoumbos 1999)."
)


@dataclass(frozen=True)
class Signal:
    """Indices into the charted sequence; `since` is where the change began, as far as the chart can tell."""

    at: int
    since: int
    before: float  # mean of the first cases
    after: float  # mean from `since` to `at`


def ewma(values: Sequence[float], first: int) -> Signal | None:
    """Watch the mean of `values` against that of the `first` ones, at least two.

    z = (1 - w) z + w x with w = 0.05 (Roberts, Technometrics 1959, 1:239), x in deviations of the first cases and at most 4 of
    them, so that one odd picture raises no alarm. The band is 5 standard errors wide: those of z, w / (2 - w) (1 - (1 - w)^2i), and
    of the first cases' own mean, 1 / first. `since`: see `_step`.
    """
    usual = np.asarray(values[:first], float)
    mean, width = float(usual.mean()), max(float(usual.std(ddof=1)), 1e-6 * max(1.0, abs(float(usual.mean()))))
    scaled = [max(-CLIP, min(CLIP, (value - mean) / width)) for value in values[first:]]
    z = 0.0
    for step, value in enumerate(scaled, start=1):
        z = (1 - WEIGHT) * z + WEIGHT * value
        error = math.sqrt(WEIGHT / (2 - WEIGHT) * (1 - (1 - WEIGHT) ** (2 * step)) + 1 / first)
        if abs(z) > LIMIT * error:
            at, since = first + step - 1, first + _step(scaled[:step])
            return Signal(at, since, mean, float(np.mean(values[since : at + 1])))
    return None


def _step(scaled: Sequence[float]) -> int:
    """Start of the final segment for which squared sum / length is greatest: the most likely place of a step."""
    sums = np.cumsum(scaled[::-1])
    return len(scaled) - 1 - int(np.argmax(sums**2 / np.arange(1, len(scaled) + 1)))


def cusum(hits: Sequence[float], first: int) -> Signal | None:
    """Watch the share of `hits` (1, else 0) after the `first` ones for a rise by 0.15.

    S = max(0, S + log likelihood ratio of the higher share against the usual one), alarm above log 10,000 (Reynolds, Stoumbos,
    Journal of Quality Technology 1999, 31:87). The usual share is taken as the upper end of its 95 % interval in the first cases,
    so that a low share by chance raises no alarm later. `since`: after the last time that S was 0 (Page 1954).
    """
    count = int(np.sum(hits[:first]))
    low = wilson_interval(count, first).high
    high = low + RISE
    if high >= 1:  # no room to rise
        return None
    steps = {True: math.log(high / low), False: math.log((1 - high) / (1 - low))}
    total, since = 0.0, first
    for number, hit in enumerate(hits[first:], start=first):
        total = max(0.0, total + steps[bool(hit)])
        if total == 0:
            since = number + 1
        if total > EVIDENCE:
            return Signal(number, since, count / first, float(np.mean(hits[since : number + 1])))
    return None
