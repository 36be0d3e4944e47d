"""Smooth calibration curve with a 95 % band: observed share of sick children against predicted probability.

A kernel smoother in NumPy, as serving has no scikit-learn, Matplotlib or pandas.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit

from pneumo.evaluation.calibration import fit_recalibration
from pneumo.evaluation.intervals import patient_intervals

POINTS = 41
_ALMOST = 1e-9  # keeps log odds of 0 and 1 finite


@dataclass(frozen=True)
class CalibrationCurve:
    """All float (41,) in [0, 1]; `predicted` rises from the 1st to the 99th percentile of the probabilities."""

    predicted: np.ndarray
    observed: np.ndarray
    low: np.ndarray
    high: np.ndarray


def log_odds_of(probabilities: np.ndarray) -> np.ndarray:
    """float64 of the same shape, finite."""
    return np.asarray(logit(np.clip(probabilities, _ALMOST, 1 - _ALMOST)))


def fit_calibration_curve(
    labels: np.ndarray, probabilities: np.ndarray, patients: Sequence[str], seed: int = 0, resamples: int = 1000
) -> CalibrationCurve | None:
    """None where a class is missing or all probabilities are equal; the band is NaN below two patients.

    On the log odds scale: shift by the calibration intercept, then add the residuals (outcome minus probability) smoothed by a
    Gaussian kernel (Nadaraya 1964, Silverman's width). The band is pointwise, by bootstrap over patients.
    """
    labels, log_odds = np.asarray(labels, float), log_odds_of(probabilities)
    intercept = fit_recalibration(labels, log_odds)[0]
    width = 1.06 * float(log_odds.std()) * len(labels) ** -0.2
    if not np.isfinite(intercept) or not width:
        return None
    first, last = map(float, np.percentile(log_odds, (1, 99)))
    places = np.linspace(first, last, POINTS)
    distance = ((places[:, np.newaxis] - log_odds) / width) ** 2 / 2
    kernel = np.exp(distance.min(axis=1, keepdims=True) - distance)  # the nearest case has weight 1, so no sum is 0
    moved, residuals = expit(places + intercept), labels - expit(log_odds + intercept)

    def curve(index: np.ndarray) -> np.ndarray:
        return np.asarray(np.clip(moved + kernel[:, index] @ residuals[index] / kernel[:, index].sum(axis=1), 0.0, 1.0))

    low, high = patient_intervals(curve, patients, seed, resamples)
    return CalibrationCurve(expit(places), curve(np.arange(len(labels))), low, high)
