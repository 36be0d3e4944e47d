"""Two shares of the same images: sensitivity or specificity of two models, each at its own cut, and their difference."""

import math
from collections.abc import Sequence

import numpy as np
from scipy.special import ndtri

from pneumo.evaluation.compare import Difference, mcnemar

_Z = float(ndtri(0.975))


def paired_difference(first: np.ndarray, second: np.ndarray, clusters: Sequence[str] | np.ndarray) -> Difference:
    """Share of hits of the first less that of the second, bool (n,) each, over the same images; NaN where there are none.

    The interval is Agresti and Min's (Statistics in Medicine 2005, 24:729): Wald's, after half a case was added to each of the four
    cells, so that models that never differ do not get one of no width. Its error is widened by the design effect where several
    images of a patient (`clusters`) tell the same. p is McNemar's exact one, which takes images for independent.
    """
    one, other = np.asarray(first, bool), np.asarray(second, bool)
    n = len(one)
    if not n:
        return Difference(math.nan, math.nan, math.nan, math.nan)
    only_first, only_second = int((one & ~other).sum()), int((~one & other).sum())
    gained, lost, of = only_first + 0.5, only_second + 0.5, n + 2
    middle = (gained - lost) / of
    error = math.sqrt((gained + lost - (gained - lost) ** 2 / of) / of**2 * _design_effect(one.astype(int) - other, clusters))
    low, high = max(-1.0, middle - _Z * error), min(1.0, middle + _Z * error)
    return Difference((only_first - only_second) / n, low, high, mcnemar(only_first, only_second))


def _design_effect(differences: np.ndarray, clusters: Sequence[str] | np.ndarray) -> float:
    """Variance of the mean difference by clusters over that of independent images, at least 1."""
    _, cluster = np.unique(np.asarray(clusters), return_inverse=True)
    k, n, mean = int(cluster.max()) + 1, len(differences), float(differences.mean())
    alone = float(np.sum((differences - mean) ** 2))
    if k < 2 or not alone:
        return 1.0
    sums = np.bincount(cluster, differences - mean)
    return max(1.0, k / (k - 1) * float(np.sum(sums**2)) / (n / (n - 1) * alone))
