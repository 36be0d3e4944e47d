"""A smooth calibration curve: of the children who were given a probability, the share that was sick, with a 95 % band.

A kernel smoother in NumPy: the libraries that draw such curves bring Matplotlib and pandas with them, and isotonic regression
would bring scikit-learn, which serving does without, and steps.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit

from pneumo.evaluation.intervals import patient_intervals
from pneumo.evaluation.recalibration import fit_recalibration

POINTS = 41
_ALMOST = 1e-9  # log odds of a rounded 0 or 1 stay finite


@dataclass(frozen=True)
class CalibrationCurve:
    """All float (41,) in [0, 1], rising in `given`, which spans the 1st to the 99th percentile of the probabilities."""

    given: np.ndarray
    observed: np.ndarray
    low: np.ndarray
    high: np.ndarray


def log_odds_of(probabilities: np.ndarray) -> np.ndarray:
    """float64 of the same shape, finite."""
    found: np.ndarray = logit(np.clip(probabilities, _ALMOST, 1 - _ALMOST))
    return found


def fit_calibration_curve(
    labels: np.ndarray, probabilities: np.ndarray, patients: Sequence[str], seed: int = 0, resamples: int = 1000
) -> CalibrationCurve | None:
    """None where a class is missing, or all probabilities are the same; the band is NaN below two patients.

    On the scale of log odds: first all are moved by the calibration intercept, then what is left, outcome less probability, is
    averaged with a Gaussian kernel (Nadaraya 1964, of Silverman's width) and added. So nothing is flattened where the intercept
    tells it all, and where there are no cases nearby the curve follows those that are nearest. The band is of each point by
    itself, by bootstrap over patients.
    """
    labels, log_odds = np.asarray(labels, float), log_odds_of(probabilities)
    intercept = fit_recalibration(labels, log_odds)[0]
    width = 1.06 * float(log_odds.std()) * len(labels) ** -0.2
    if not np.isfinite(intercept) or not width:
        return None
    first, last = map(float, np.percentile(log_odds, (1, 99)))
    places = np.linspace(first, last, POINTS)
    distance = ((places[:, np.newaxis] - log_odds) / width) ** 2 / 2
    kernel = np.exp(distance.min(axis=1, keepdims=True) - distance)  # no sum is 0, however far the nearest case is
    moved, left = expit(places + intercept), labels - expit(log_odds + intercept)

    def curve(index: np.ndarray) -> np.ndarray:
        found: np.ndarray = np.clip(moved + kernel[:, index] @ left[index] / kernel[:, index].sum(axis=1), 0.0, 1.0)
        return found

    low, high = patient_intervals(curve, patients, seed, resamples)
    return CalibrationCurve(expit(places), curve(np.arange(len(labels))), low, high)
