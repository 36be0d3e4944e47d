"""Cuts of the log likelihood ratio chosen on the calibration part, and the zones between them."""

import math
from collections.abc import Mapping

import numpy as np

from pneumo.errors import DataError
from pneumo.evaluation.calibration import even_weights, logistic
from pneumo.evaluation.intervals import RESAMPLES, patient_intervals
from pneumo.evaluation.predictions import Predictions
from pneumo.labels import Zone

BALANCED, RULE_OUT, RULE_IN = "balanced", Zone.RULE_OUT, Zone.RULE_IN
POINTS, RATES = (BALANCED, RULE_OUT, RULE_IN), ("sensitivity", "specificity")
MIN_SENSITIVITY, MIN_SPECIFICITY = 0.98, 0.95
LIKELIHOOD_RATIO = 10.0  # minimum of LR for rule-in and of 1 / LR for rule-out

MEANING = {
    BALANCED: "set where misses and false alarms were equally rare on held-out train images and disturbed copies of them",
    RULE_OUT: f"below it an answer is at least {LIKELIHOOD_RATIO:.0f} times as frequent among healthy children as among sick ones; "
    f"at least {MIN_SENSITIVITY:.0%} of the sick held-out train images are above it",
    RULE_IN: f"above it an answer is at least {LIKELIHOOD_RATIO:.0f} times as frequent among sick children as among healthy ones; "
    f"at least {MIN_SPECIFICITY:.0%} of the healthy held-out train images are below it",
}


def choose_operating_points(labels: np.ndarray, scores: np.ndarray) -> dict[str, float]:
    """Cuts of a log likelihood ratio (PNEUMONIA at or above) from calibration cases of both classes.

    balanced: sensitivity and specificity as near to each other as possible, in the middle of all such cuts;
    rule-out: at most -log 10 and the highest cut that keeps sensitivity >= 0.98;
    rule-in: at least log 10 and the lowest cut with specificity >= 0.95.
    If `balanced` lies outside the other two, the nearer one is moved to it, so that the cuts never cross.
    Raises DataError when a class is missing.
    """
    labels, scores = np.asarray(labels).astype(bool), np.asarray(scores, float)
    if labels.all() or not labels.any():
        raise DataError(f"Operating points need both classes; received {labels.sum()} PNEUMONIA of {len(labels)} cases.")
    values = np.unique(scores)
    # Candidate cuts: midpoints between neighbouring scores, and one below and one above all scores.
    cuts = np.concatenate([[values[0] - 1.0], (values[1:] + values[:-1]) / 2, [values[-1] + 1.0]])
    sensitivity = (labels.sum() - np.searchsorted(np.sort(scores[labels]), cuts)) / labels.sum()
    specificity = np.searchsorted(np.sort(scores[~labels]), cuts) / (~labels).sum()
    gap = np.abs(sensitivity - specificity)
    nearest = cuts[gap == gap.min()]
    balanced, least = float(nearest[len(nearest) // 2]), math.log(LIKELIHOOD_RATIO)
    return {
        BALANCED: balanced,
        RULE_OUT: min(balanced, -least, float(cuts[sensitivity >= MIN_SENSITIVITY].max())),
        RULE_IN: max(balanced, least, float(cuts[specificity >= MIN_SPECIFICITY].min())),
    }


def zone(score: float, points: Mapping[str, float]) -> Zone:
    """rule-out below its cut, rule-in at or above its own, indeterminate between the two; score and points on one scale.

    Raises ValueError for NaN.
    """
    if math.isnan(score):
        raise ValueError("expected a number; received NaN")
    if score < points[RULE_OUT]:
        return RULE_OUT
    return RULE_IN if score >= points[RULE_IN] else Zone.INDETERMINATE


def chosen_cut_intervals(
    calibration: Predictions, tested: Predictions, seed: int = 0, resamples: int = RESAMPLES
) -> dict[str, dict[str, tuple[float, float, float]]]:
    """{operating point: {"sensitivity", "specificity": (value, low, high)}}; NaN where undefined.

    Each resample draws patients of both parts, fits the log likelihood ratio and chooses the cuts on `calibration` as a promotion
    does, and counts the rates on `tested`. So the 95 % BCa intervals cover the sampling of both parts.
    """
    n = len(calibration.labels)
    labels, logits = np.concatenate([calibration.labels, tested.labels]), np.concatenate([calibration.logits, tested.logits])
    patients = [f"chosen on {name}" for name in calibration.patients] + [f"tested on {name}" for name in tested.patients]

    def rates(index: np.ndarray) -> np.ndarray:
        return _rates(labels, logits, index[index < n], index[index >= n])

    figures = zip(rates(np.arange(len(labels))), *patient_intervals(rates, patients, seed, resamples), strict=True)
    each = [(float(value), float(low), float(high)) for value, low, high in figures]
    return {point: dict(zip(RATES, each[2 * i : 2 * i + 2], strict=True)) for i, point in enumerate(POINTS)}


def _rates(labels: np.ndarray, logits: np.ndarray, chosen: np.ndarray, tested: np.ndarray) -> np.ndarray:
    """float (6,): sensitivity and specificity at each of POINTS."""
    undefined = np.full(2 * len(POINTS), np.nan)
    if any(len(set(labels[part])) < 2 for part in (chosen, tested)):
        return undefined
    columns = np.column_stack([np.ones(len(chosen)), logits[chosen]])
    bias, slope = logistic(labels[chosen], columns, weights=even_weights(labels[chosen]))
    if not np.isfinite(slope):  # the classes are separable
        return undefined
    cuts = choose_operating_points(labels[chosen], bias + slope * logits[chosen])
    ratios, sick = bias + slope * logits[tested], labels[tested] == 1
    return np.ravel([(np.mean(ratios[sick] >= cuts[point]), np.mean(ratios[~sick] < cuts[point])) for point in POINTS])
