"""95 % intervals by bootstrap over patients: several images of one child are not independent witnesses."""

from collections.abc import Callable, Sequence

import numpy as np
from scipy.stats import bootstrap

RESAMPLES = 1000


def patient_intervals(
    statistic: Callable[[np.ndarray], np.ndarray], patients: Sequence[str], seed: int = 0, resamples: int = RESAMPLES
) -> tuple[np.ndarray, np.ndarray]:
    """(low, high) of a vector statistic, percentile method.

    `statistic` takes image indices (patients drawn with replacement, all their images with them) and returns float (k,).
    NaN where fewer than two patients leave nothing to resample, and where the statistic is undefined in a resample.
    """
    _, cluster = np.unique(np.asarray(patients), return_inverse=True)
    order = np.argsort(cluster, kind="stable")
    members = np.split(order, np.cumsum(np.bincount(cluster))[:-1])

    if len(members) < 2:
        return (np.full(np.shape(statistic(order)), np.nan),) * 2

    def on_patients(drawn: np.ndarray) -> np.ndarray:
        return statistic(np.concatenate([members[int(i)] for i in drawn]))

    result = bootstrap((np.arange(len(members)),), on_patients, n_resamples=resamples, vectorized=False,
                       method="percentile", rng=np.random.default_rng(seed))  # fmt: skip
    return result.confidence_interval.low, result.confidence_interval.high
