"""Labels and probabilities -> the curves of an evaluation; undefined is NaN.

Everywhere `labels` is int (n,), n at least 1, with 1 for PNEUMONIA, and `probabilities` float (n,) in [0, 1]. PNEUMONIA is called
at or above a threshold.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pneumo.evaluation.likelihood import at_prevalence
from pneumo.evaluation.metrics import predictive_values, prevalence_weights, roc_auc
from pneumo.evaluation.wilson import Share, clustered_wilson, wilson_interval

BINS = 15  # as in metrics.expected_calibration_error


@dataclass(frozen=True)
class Roc:
    """A corner for each distinct probability, from the strictest threshold (infinite: no one is positive) downwards."""

    thresholds: np.ndarray
    false_positive_rate: np.ndarray  # 1 - specificity
    true_positive_rate: np.ndarray  # sensitivity
    auc: float


@dataclass(frozen=True)
class RocBand:
    """The 95 % interval of the sensitivity (Wilson, over patients) at each distinct false positive rate, all float (k,)."""

    false_positive_rate: np.ndarray  # rising
    low: np.ndarray
    high: np.ndarray


@dataclass(frozen=True)
class PrecisionRecall:
    """A point for each distinct probability, from the strictest threshold downwards."""

    thresholds: np.ndarray
    precision: np.ndarray
    recall: np.ndarray
    average_precision: float
    prevalence: float  # the precision of calling everyone positive


@dataclass(frozen=True)
class CalibrationBin:
    """Cases whose probability lies in [low, high); the last bin holds 1 as well."""

    low: float
    high: float
    mean_probability: float
    sick: Share  # observed share of PNEUMONIA


@dataclass(frozen=True)
class DecisionCurve:
    """Net benefit in true positives a patient (Vickers, Elkin 2006); calling no one has 0 at every threshold."""

    thresholds: np.ndarray
    model: np.ndarray
    treat_all: np.ndarray
    prevalence: float


@dataclass(frozen=True)
class Histogram:
    """Counts of probabilities by true class, between `edges` (bins + 1)."""

    edges: np.ndarray
    normal: np.ndarray
    pneumonia: np.ndarray


@dataclass(frozen=True)
class PredictiveCurve:
    """PPV and NPV against prevalence, all float (k,) in [0, 1]."""

    prevalence: np.ndarray
    ppv: np.ndarray
    npv: np.ndarray


def roc(labels: np.ndarray, probabilities: np.ndarray) -> Roc:
    """NaN rates of a class without a case."""
    thresholds, true, false = _cumulative(labels, probabilities)
    sick = np.asarray(labels).astype(bool)
    with np.errstate(invalid="ignore"):
        return Roc(
            np.concatenate([[np.inf], thresholds]),
            np.concatenate([[0], false]) / np.sum(~sick),
            np.concatenate([[0], true]) / np.sum(sick),
            roc_auc(labels, probabilities),
        )


def roc_band(labels: np.ndarray, probabilities: np.ndarray, patients: Sequence[str]) -> RocBand:
    """Needs both classes. Where one false positive rate has several sensitivities, the highest counts."""
    curve, sick = roc(labels, probabilities), np.asarray(labels).astype(bool)
    last = np.append(np.flatnonzero(np.diff(curve.false_positive_rate)), len(curve.thresholds) - 1)
    whose, sure = np.asarray(patients)[sick], np.asarray(probabilities, float)[sick]
    shares = (clustered_wilson(sure >= cut, whose) for cut in curve.thresholds[last])
    low, high = np.array([(share.low, share.high) for share in shares]).T
    return RocBand(curve.false_positive_rate[last], low, high)


def precision_recall(labels: np.ndarray, probabilities: np.ndarray) -> PrecisionRecall:
    """Average precision is the sum of precisions weighted by the gain in recall, without interpolation."""
    thresholds, true, false = _cumulative(labels, probabilities)
    with np.errstate(invalid="ignore"):
        recall = true / np.sum(np.asarray(labels) == 1)
    precision = true / (true + false)
    average = float(np.sum(np.diff(recall, prepend=0.0) * precision))
    return PrecisionRecall(thresholds, precision, recall, average, float(np.mean(labels)))


def _cumulative(labels: np.ndarray, probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(distinct probabilities, falling; sick and healthy cases at or above each)."""
    sick, probabilities = np.asarray(labels).astype(bool), np.asarray(probabilities, float)
    order = np.argsort(-probabilities, kind="stable")
    last = np.append(np.flatnonzero(np.diff(probabilities[order])), len(order) - 1)  # of each run of equal probabilities
    return probabilities[order][last], np.cumsum(sick[order])[last], np.cumsum(~sick[order])[last]


def calibration_bins(labels: np.ndarray, probabilities: np.ndarray, bins: int = BINS) -> tuple[CalibrationBin, ...]:
    """The bins that hold a case, equally wide, lowest first."""
    labels, probabilities = np.asarray(labels), np.asarray(probabilities, float)
    index = np.minimum((probabilities * bins).astype(int), bins - 1)
    occupied = []
    for number in np.unique(index):
        inside = index == number
        sick = wilson_interval(int(labels[inside].sum()), int(inside.sum()))
        occupied.append(CalibrationBin(number / bins, (number + 1) / bins, float(probabilities[inside].mean()), sick))
    return tuple(occupied)


def decision_curve(
    labels: np.ndarray, probabilities: np.ndarray, thresholds: np.ndarray | None = None, prevalence: float | None = None
) -> DecisionCurve:
    """TP/n - FP/n x t/(1 - t) at each threshold t (default 0.01 to 0.99).

    With `prevalence` in (0, 1), classes are reweighted and probabilities moved to it, which needs both classes; by default the
    prevalence of `labels`. Raises ValueError for a threshold outside (0, 1).
    """
    cuts = np.arange(1, 100) / 100 if thresholds is None else np.asarray(thresholds, float)
    if cuts.min() <= 0 or cuts.max() >= 1:
        raise ValueError(f"expected thresholds between 0 and 1, received {cuts.min()} to {cuts.max()}")
    sick, weights = np.asarray(labels).astype(bool), np.ones(len(labels))
    if prevalence is not None:
        probabilities = at_prevalence(probabilities, float(sick.mean()), prevalence)
        weights = prevalence_weights(labels, prevalence)
    called = np.asarray(probabilities)[np.newaxis] >= cuts[:, np.newaxis]
    odds, share = cuts / (1 - cuts), float((sick * weights).mean())
    model = ((called & sick) * weights).mean(axis=1) - ((called & ~sick) * weights).mean(axis=1) * odds
    return DecisionCurve(cuts, model, share - (1 - share) * odds, share)


def histogram(labels: np.ndarray, probabilities: np.ndarray, bins: int = 20) -> Histogram:
    """Equally wide bins over [0, 1]."""
    sick = np.asarray(labels).astype(bool)
    normal, edges = np.histogram(np.asarray(probabilities)[~sick], bins, (0.0, 1.0))
    pneumonia, _ = np.histogram(np.asarray(probabilities)[sick], bins, (0.0, 1.0))
    return Histogram(edges, normal, pneumonia)


def predictive_curve(sensitivity: float, specificity: float, prevalence: np.ndarray | None = None) -> PredictiveCurve:
    """By Bayes' theorem, at prevalences of 0.01 to 0.99 by default."""
    shares = np.arange(1, 100) / 100 if prevalence is None else np.asarray(prevalence, float)
    values = np.array([predictive_values(sensitivity, specificity, share) for share in shares])
    return PredictiveCurve(shares, values[:, 0], values[:, 1])
