"""Metrics of labels and probabilities. Undefined is NaN."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Metrics:
    """At one threshold; PNEUMONIA is the positive class, so recall is sensitivity and precision is the PPV."""

    auc: float
    accuracy: float
    sensitivity: float
    specificity: float
    precision: float
    recall: float
    f1: float


def confusion_matrix(labels: np.ndarray, probabilities: np.ndarray, threshold: float) -> np.ndarray:
    """Counts [[TN, FP], [FN, TP]]; a probability equal to the threshold is called PNEUMONIA."""
    called = np.asarray(probabilities) >= threshold
    sick = np.asarray(labels).astype(bool)
    return np.array([[np.sum(~sick & ~called), np.sum(~sick & called)], [np.sum(sick & ~called), np.sum(sick & called)]])


def roc_auc(labels: np.ndarray, scores: np.ndarray) -> float:
    """Area under the ROC curve as the Mann-Whitney statistic, ties counted half (Hanley, McNeil 1982). NaN with one class."""
    from scipy.stats import rankdata  # imported late: 45 MB and half a second, which serving does not need

    sick = np.asarray(labels).astype(bool)
    positives, negatives = sick.sum(), (~sick).sum()
    if not positives or not negatives:
        return float("nan")
    ranks = rankdata(scores)
    return float((ranks[sick].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def compute_metrics(labels: np.ndarray, probabilities: np.ndarray, threshold: float) -> Metrics:
    """All metrics at one threshold; NaN for a ratio over zero cases."""
    (tn, fp), (fn, tp) = confusion_matrix(labels, probabilities, threshold)
    accuracy, f1 = ratio(tp + tn, tp + tn + fp + fn), ratio(2 * tp, 2 * tp + fp + fn)
    sensitivity, specificity, precision = ratio(tp, tp + fn), ratio(tn, tn + fp), ratio(tp, tp + fp)
    return Metrics(roc_auc(labels, probabilities), accuracy, sensitivity, specificity, precision, recall=sensitivity, f1=f1)


def brier(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Mean squared difference of probability and outcome (Brier 1950); 0 is best."""
    return float(np.mean((np.asarray(probabilities) - np.asarray(labels)) ** 2))


def expected_calibration_error(
    labels: np.ndarray, probabilities: np.ndarray, bins: int = 15, weights: np.ndarray | None = None
) -> float:
    """Mean distance of predicted probability and observed share over equally wide bins (Guo et al. 2017), weighted by count.

    `weights` (n,), optional, such as `prevalence_weights`.
    """
    probabilities, weights = np.asarray(probabilities, float), np.ones(len(labels)) if weights is None else weights
    index = np.minimum((probabilities * bins).astype(int), bins - 1)
    gaps = np.bincount(index, weights * (probabilities - np.asarray(labels, float)), bins)
    return float(np.abs(gaps).sum() / weights.sum())


def prevalence_weights(labels: np.ndarray, prevalence: float) -> np.ndarray:
    """float64 (n,): weights at which a share of `prevalence` of labels 0 or 1, both present, is 1; their mean is 1."""
    sick, share = np.asarray(labels) == 1, float(np.mean(labels))
    return np.where(sick, prevalence / share, (1 - prevalence) / (1 - share))


def predictive_values(sensitivity: float, specificity: float, prevalence: float) -> tuple[float, float]:
    """(PPV, NPV) by Bayes' theorem at a prevalence in [0, 1]; NaN where nothing would be called so."""
    true_positive, false_positive = sensitivity * prevalence, (1 - specificity) * (1 - prevalence)
    true_negative, false_negative = specificity * (1 - prevalence), (1 - sensitivity) * prevalence
    return ratio(true_positive, true_positive + false_positive), ratio(true_negative, true_negative + false_negative)


def ratio(part: float, whole: float) -> float:
    """NaN over zero cases."""
    return float(part / whole) if whole else float("nan")


def dice(first: np.ndarray, second: np.ndarray) -> float:
    """2 |A and B| / (|A| + |B|) of two bool masks of one shape, 0 to 1 (Dice, Ecology 1945); NaN where both are empty."""
    return ratio(2 * int((first & second).sum()), int(first.sum()) + int(second.sum()))
