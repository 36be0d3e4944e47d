"""95 % intervals by bootstrap over patients: several images of one child are not independent witnesses."""

import warnings
from collections.abc import Callable, Sequence

import numpy as np
from scipy.stats import bootstrap

RESAMPLES = 1000


def patient_intervals(
    statistic: Callable[[np.ndarray], np.ndarray], patients: Sequence[str] | np.ndarray, seed: int = 0, resamples: int = RESAMPLES
) -> tuple[np.ndarray, np.ndarray]:
    """(low, high) of a vector statistic, percentile method.

    `statistic` takes image indices (patients drawn with replacement, all their images with them) and returns float (k,).
    Resamples in which an entry is undefined (NaN) do not count for it; NaN where none defines it, and below two patients.
    """
    _, cluster = np.unique(np.asarray(patients), return_inverse=True)
    order = np.argsort(cluster, kind="stable")
    members = np.split(order, np.cumsum(np.bincount(cluster))[:-1])

    if len(members) < 2:
        return (np.full(np.shape(statistic(order)), np.nan),) * 2

    def on_patients(drawn: np.ndarray) -> np.ndarray:
        return statistic(np.concatenate([members[int(i)] for i in drawn]))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # SciPy's own interval is not used; it warns where a resample is undefined
        result = bootstrap((np.arange(len(members)),), on_patients, n_resamples=resamples, vectorized=False,
                       method="percentile", rng=np.random.default_rng(seed))  # fmt: skip
    drawn = result.bootstrap_distribution
    defined = np.isfinite(drawn).any(axis=-1)
    ends = np.full((2, len(drawn)), np.nan)
    ends[:, defined] = np.nanpercentile(drawn[defined], (2.5, 97.5), axis=-1)
    return ends[0], ends[1]
