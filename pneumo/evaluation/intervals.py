"""95 % intervals by bootstrap over patients, as several images of one child are not independent."""

from collections.abc import Callable, Sequence

import numpy as np
from scipy.special import ndtr, ndtri

RESAMPLES = 1000
_SAME = 1e-6
_ENDS = ndtri(np.array([0.025, 0.975]))


def patient_intervals(
    statistic: Callable[[np.ndarray], np.ndarray], patients: Sequence[str] | np.ndarray, seed: int = 0, resamples: int = RESAMPLES
) -> tuple[np.ndarray, np.ndarray]:
    """(low, high) of a vector statistic, bias-corrected and accelerated (BCa; Efron 1987), with a jackknife by patient.

    `statistic` takes image indices (patients drawn with replacement, all their images with them) and returns float (k,).
    NaN resamples of an entry are ignored; NaN where the entry itself is NaN, and below two patients. For shares use
    `wilson.clustered_wilson`: a perfect share has no spread to resample.
    """
    _, cluster = np.unique(np.asarray(patients), return_inverse=True)
    order = np.argsort(cluster, kind="stable")
    members = np.split(order, np.cumsum(np.bincount(cluster))[:-1])
    count, rng = len(members), np.random.default_rng(seed)
    value = np.asarray(statistic(np.arange(len(order))), float)
    if count < 2:
        return (np.full(value.shape, np.nan),) * 2

    def on_patients(drawn: np.ndarray) -> np.ndarray:
        return statistic(np.concatenate([members[int(i)] for i in drawn]))

    drawn = np.array([on_patients(rng.integers(count, size=count)) for _ in range(resamples)])
    left_out = np.array([on_patients(np.delete(np.arange(count), i)) for i in range(count)])
    ends = np.array([bca(*entry) for entry in zip(value, drawn.T, left_out.T, strict=True)]).reshape(-1, 2)
    return ends[:, 0], ends[:, 1]


def bca(value: float, drawn: np.ndarray, left_out: np.ndarray) -> np.ndarray:
    """float (2,): BCa ends from resampled (`drawn`) and jackknife (`left_out`) values."""
    drawn, left_out = drawn[np.isfinite(drawn)], left_out[np.isfinite(left_out)]
    if not np.isfinite(value) or not len(drawn):
        return np.full(2, np.nan)
    same = _SAME * max(1.0, abs(value))  # stored predictions are rounded: a tie stays one
    below = np.mean(drawn < value - same) / 2 + np.mean(drawn <= value + same) / 2
    bias = ndtri(np.clip(below, 0.5 / len(drawn), 1 - 0.5 / len(drawn)))
    change = left_out.mean() - left_out if len(left_out) else np.zeros(1)
    spread = np.sum(change**2) ** 1.5
    skewness = np.sum(change**3) / (6 * spread) if spread else 0.0  # never beyond 1/6
    return np.asarray(np.quantile(drawn, ndtr(bias + (bias + _ENDS) / (1 - skewness * (bias + _ENDS)))))
