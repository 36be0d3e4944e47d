"""Difference of two paired proportions: sensitivity or specificity of two models on the same images."""

import math
from collections.abc import Sequence

import numpy as np
from scipy.special import ndtri

from pneumo.evaluation.compare import Difference, mcnemar

_Z = float(ndtri(0.975))


def paired_difference(first: np.ndarray, second: np.ndarray, clusters: Sequence[str] | np.ndarray) -> Difference:
    """Share of hits of the first minus that of the second, bool (n,) each, over the same images; NaN without images.

    The interval is Agresti and Min's (Statistics in Medicine 2005, 24:729): Wald's after adding half a case to each of the four
    cells, so its width is never zero. The standard error is widened by the design effect of `clusters` (patients). p is
    McNemar's exact value, which treats images as independent.
    """
    first_hits, second_hits = np.asarray(first, bool), np.asarray(second, bool)
    n = len(first_hits)
    if not n:
        return Difference(math.nan, math.nan, math.nan, math.nan)
    only_first, only_second = int((first_hits & ~second_hits).sum()), int((~first_hits & second_hits).sum())
    gained, lost, cases = only_first + 0.5, only_second + 0.5, n + 2
    middle = (gained - lost) / cases
    error = math.sqrt(
        (gained + lost - (gained - lost) ** 2 / cases) / cases**2 * _design_effect(first_hits.astype(int) - second_hits, clusters)
    )
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
