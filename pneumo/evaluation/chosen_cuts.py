"""Intervals of sensitivity and specificity that include the uncertainty of choosing the cuts."""

import numpy as np

from pneumo.evaluation.calibration import even_weights, logistic
from pneumo.evaluation.intervals import RESAMPLES, patient_intervals
from pneumo.evaluation.operating_point import BALANCED, RULE_IN, RULE_OUT, choose_operating_points
from pneumo.evaluation.predictions import Predictions

_POINTS = (BALANCED, RULE_OUT, RULE_IN)
RATES = ("sensitivity", "specificity")


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
    return {point: dict(zip(RATES, each[2 * i : 2 * i + 2], strict=True)) for i, point in enumerate(_POINTS)}


def _rates(labels: np.ndarray, logits: np.ndarray, chosen: np.ndarray, tested: np.ndarray) -> np.ndarray:
    """float (6,): sensitivity and specificity at each of _POINTS."""
    undefined = np.full(2 * len(_POINTS), np.nan)
    if any(len(set(labels[part])) < 2 for part in (chosen, tested)):
        return undefined
    columns = np.column_stack([np.ones(len(chosen)), logits[chosen]])
    bias, slope = logistic(labels[chosen], columns, weights=even_weights(labels[chosen]))
    if not np.isfinite(slope):  # the classes are separable
        return undefined
    cuts = choose_operating_points(labels[chosen], bias + slope * logits[chosen])
    ratios, sick = bias + slope * logits[tested], labels[tested] == 1
    return np.ravel([(np.mean(ratios[sick] >= cuts[point]), np.mean(ratios[~sick] < cuts[point])) for point in _POINTS])
