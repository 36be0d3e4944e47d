"""Compare two models on the same images: paired AUCs, accuracies, sensitivities and specificities."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit, ndtr, ndtri
from scipy.stats import binomtest, rankdata

from pneumo.errors import DataError
from pneumo.evaluation.metrics import roc_auc
from pneumo.evaluation.predictions import Predictions
from pneumo.evaluation.wilson import wilson_interval

_Z = float(ndtri(0.975))


@dataclass(frozen=True)
class Difference:
    """First minus second, with its 95 % interval and the two-sided p value of "no difference". NaN where undefined."""

    value: float
    low: float
    high: float
    p: float


@dataclass(frozen=True)
class Comparison:
    """A paired comparison over `n` images of `patients` patients."""

    n: int
    patients: int
    auc: Difference
    accuracy: float  # difference, first minus second, each at its own threshold
    only_first_right: int
    only_second_right: int
    accuracy_p: float  # McNemar, exact


def compare_models(first: Predictions, second: Predictions, thresholds: tuple[float, float]) -> Comparison:
    """Raises DataError unless both hold the same images with the same labels, each once, in any order."""
    second_order = _aligned(first, second)
    labels, scores = first.labels, (first.probabilities, second.probabilities[second_order])
    right = [(score >= cut) == (labels == 1) for score, cut in zip(scores, thresholds, strict=True)]
    only_first, only_second = int(np.sum(right[0] & ~right[1])), int(np.sum(right[1] & ~right[0]))
    n, patients, auc = len(labels), len(set(first.patients)), delong(labels, *scores, first.patients)
    p = mcnemar(only_first, only_second)
    return Comparison(n, patients, auc, (only_first - only_second) / n, only_first, only_second, p)


def mcnemar(only_first: int, only_second: int) -> float:
    """Exact two-sided p value (McNemar 1947) from the images that only one model classifies correctly.

    Images are treated as independent. 1 where the models never differ.
    """
    total = only_first + only_second
    return float(binomtest(only_first, total).pvalue) if total else 1.0


def delong(labels: np.ndarray, first: np.ndarray, second: np.ndarray, patients: tuple[str, ...]) -> Difference:
    """Difference of two paired AUCs (DeLong et al., Biometrics 1988; by midranks as in Sun, Xu, IEEE SPL 2014).

    The variance is clustered by patient (Obuchowski, Biometrics 1997, 53:567), as several images of a child are not independent;
    with one image a patient it is DeLong's. Scores may be on any scale, without NaN.
    """
    sick = np.asarray(labels).astype(bool)
    value = roc_auc(labels, first) - roc_auc(labels, second)
    parts = _placements(sick, first) - _placements(sick, second) - value
    _, cluster = np.unique(np.asarray(patients), return_inverse=True)
    sums = [np.bincount(cluster[group], parts[group], cluster.max() + 1) for group in (sick, ~sick)]
    counts = [np.bincount(cluster[group], minlength=cluster.max() + 1) for group in (sick, ~sick)]
    holders = [int(np.count_nonzero(count)) for count in counts]  # patients with a sick image, with a healthy one
    if min(holders) < 2:
        return Difference(value, np.nan, np.nan, np.nan)
    m, n, k = sick.sum(), (~sick).sum(), len(counts[0])
    own = [count / (count - 1) * np.sum(part**2) for count, part in zip(holders, sums, strict=True)]
    both = k / (k - 1) * np.sum(sums[0] * sums[1])
    variance = own[0] / m**2 + own[1] / n**2 + 2 * both / (m * n)
    error = float(np.sqrt(max(variance, 0.0)))
    if error == 0:  # both models rank the cases alike
        return Difference(value, value, value, 1.0 if value == 0 else 0.0)
    half = _Z * error
    return Difference(value, value - half, value + half, float(2 * ndtr(-abs(value) / error)))


def auc_interval(labels: np.ndarray, scores: np.ndarray, patients: Sequence[str] | np.ndarray) -> tuple[float, float]:
    """95 % interval of one AUC on the logit scale, with DeLong's variance clustered by patient (Obuchowski 1997).

    For an AUC of 0 or 1: Wilson's interval with the patients of the smaller class as n. NaN below two patients of a class.
    """
    sick, value, names = np.asarray(labels).astype(bool), roc_auc(labels, scores), np.asarray(patients)
    variance, fewest = 0.0, len(names)
    parts = _placements(sick, scores) - value
    for group in (sick, ~sick):
        _, cluster = np.unique(names[group], return_inverse=True)
        sums = np.bincount(cluster, parts[group])
        fewest = min(fewest, len(sums))
        if fewest < 2:
            return float("nan"), float("nan")
        variance += len(sums) / (len(sums) - 1) * float(np.sum(sums**2)) / len(cluster) ** 2
    if not 0 < value < 1:
        alike = wilson_interval(round(value) * fewest, fewest)
        return alike.low, alike.high
    half = _Z * np.sqrt(variance) / (value * (1 - value))
    low, high = expit(logit(value) + np.array([-half, half]))
    return float(low), float(high)


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
    effect = _design_effect(first_hits.astype(int) - second_hits, clusters)
    error = math.sqrt((gained + lost - (gained - lost) ** 2 / cases) / cases**2 * effect)
    low, high = max(-1.0, middle - _Z * error), min(1.0, middle + _Z * error)
    return Difference((only_first - only_second) / n, low, high, mcnemar(only_first, only_second))


def _placements(sick: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """float (n,): of a sick case, the share of healthy ones rated below it; of a healthy one, of sick ones above it; ties half."""
    ranks, placements = rankdata(scores), np.empty(len(scores))
    m, n = sick.sum(), (~sick).sum()
    with np.errstate(invalid="ignore", divide="ignore"):  # empty class: the AUC is NaN already
        placements[sick] = (ranks[sick] - rankdata(scores[sick])) / n
        placements[~sick] = 1 - (ranks[~sick] - rankdata(scores[~sick])) / m
    return placements


def _aligned(first: Predictions, second: Predictions) -> np.ndarray:
    """The index in `second` of each image of `first`."""
    first_files, second_files = set(first.files), set(second.files)
    if len(first_files) < len(first.files) or len(second_files) < len(second.files):
        raise DataError("A list of predictions names an image twice, so they cannot be paired. Make it anew with evaluate.")
    if first_files != second_files:
        raise DataError(
            f"Expected the same images from both models; {len(first_files - second_files)} are the first's alone and "
            f"{len(second_files - first_files)} the second's. Evaluate both on the same split."
        )
    place = {name: index for index, name in enumerate(second.files)}
    order = np.array([place[name] for name in first.files])
    if not np.array_equal(first.labels, second.labels[order]):
        raise DataError("The two models were evaluated with different labels of the same images. Evaluate both anew.")
    return order


def _design_effect(differences: np.ndarray, clusters: Sequence[str] | np.ndarray) -> float:
    """Variance of the mean difference by clusters over that of independent images, at least 1."""
    _, cluster = np.unique(np.asarray(clusters), return_inverse=True)
    k, n, mean = int(cluster.max()) + 1, len(differences), float(differences.mean())
    alone = float(np.sum((differences - mean) ** 2))
    if k < 2 or not alone:
        return 1.0
    sums = np.bincount(cluster, differences - mean)
    return max(1.0, k / (k - 1) * float(np.sum(sums**2)) / (n / (n - 1) * alone))
