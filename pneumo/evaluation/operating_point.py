"""Thresholds chosen on the calibration part, and the zones between them."""

import math
from collections.abc import Mapping

import numpy as np

from pneumo.errors import DataError

BALANCED, RULE_OUT, RULE_IN = "balanced", "rule-out", "rule-in"
INDETERMINATE = "indeterminate"  # a zone, not an operating point
MIN_SENSITIVITY, MIN_SPECIFICITY = 0.98, 0.95

MEANING = {
    BALANCED: "set where misses and false alarms were equally rare on held-out train images and disturbed copies of them",
    RULE_OUT: f"set to miss few, for a sensitivity of at least {MIN_SENSITIVITY:.2f} there",
    RULE_IN: f"set for few false alarms, a specificity of at least {MIN_SPECIFICITY:.2f} there",
}


def choose_operating_points(labels: np.ndarray, probabilities: np.ndarray) -> dict[str, float]:
    """Thresholds (PNEUMONIA at or above) from calibration cases of both classes.

    balanced: sensitivity and specificity as near to each other as possible, in the middle of all such cuts;
    rule-out: the highest cut, not above balanced, that keeps sensitivity >= 0.98;
    rule-in: the lowest cut, not below balanced, with specificity >= 0.95.
    Raises DataError when a class is missing.
    """
    labels, probabilities = np.asarray(labels).astype(bool), np.asarray(probabilities, float)
    if labels.all() or not labels.any():
        raise DataError(f"Operating points need both classes; received {labels.sum()} PNEUMONIA of {len(labels)} cases.")
    values = np.unique(probabilities)
    # Between two neighbouring probabilities every cut acts alike; stand in the middle.
    above = max((values[-1] + 1) / 2, np.nextafter(values[-1], 2.0))  # a sigmoid can reach 1; some cut must call no one
    cuts = np.concatenate([[values[0] / 2], (values[1:] + values[:-1]) / 2, [above]])
    sensitivity = np.array([np.mean(probabilities[labels] >= cut) for cut in cuts])
    specificity = np.array([np.mean(probabilities[~labels] < cut) for cut in cuts])
    gap = np.abs(sensitivity - specificity)
    nearest = cuts[gap == gap.min()]
    balanced = float(nearest[len(nearest) // 2])
    return {
        BALANCED: balanced,
        RULE_OUT: min(balanced, float(cuts[sensitivity >= MIN_SENSITIVITY].max())),
        RULE_IN: max(balanced, float(cuts[specificity >= MIN_SPECIFICITY].min())),
    }


def zone(probability: float, points: Mapping[str, float]) -> str:
    """rule-out below its cut, rule-in at or above its own, indeterminate between the two. Raises ValueError for NaN."""
    if math.isnan(probability):
        raise ValueError("expected a probability in [0, 1], received NaN")
    if probability < points[RULE_OUT]:
        return RULE_OUT
    return RULE_IN if probability >= points[RULE_IN] else INDETERMINATE
