"""Logit -> calibrated log likelihood ratio; how well calibrated: intercept, slope and a smooth curve.

In NumPy, as serving has no scikit-learn, Matplotlib or pandas.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit

from pneumo.evaluation.intervals import patient_intervals

POINTS = 41  # of a curve
_ALMOST = 1e-9  # keeps log odds of 0 and 1 finite
_STEPS, _CONVERGED, _WILD = 50, 1e-9, 50.0  # of `logistic`


@dataclass(frozen=True)
class Calibration:
    """log ratio = logit / temperature + bias.

    Temperature (Guo et al. 2017) corrects over-confidence, bias (Platt 1999) the overall level; the ranking stays. Fitted with both
    classes weighted equally, the result is a log likelihood ratio, independent of the prevalence in the fitting data. Fitted with
    equal weight per case, it includes that prevalence's log odds.
    """

    temperature: float = 1.0
    bias: float = 0.0

    def log_ratio(self, logits: np.ndarray | float) -> np.ndarray:
        """float64, same shape as `logits`; above 0 favours the positive class."""
        return np.asarray(np.asarray(logits, float) / self.temperature + self.bias)

    def probability(self, logits: np.ndarray | float) -> np.ndarray:
        """float64 in [0, 1]: the posterior at prior odds of 1."""
        return np.asarray(expit(self.log_ratio(logits)))


def log_loss(labels: np.ndarray, logits: np.ndarray, weights: np.ndarray | None = None) -> float:
    """Mean binary cross-entropy of logits in nats, numerically stable; `weights` (n,), optional."""
    logits = np.asarray(logits, float)
    return float(np.average(np.logaddexp(0.0, logits) - np.asarray(labels, float) * logits, weights=weights))


def even_weights(labels: np.ndarray) -> np.ndarray:
    """float64 (n,): weights that give both classes the same total; labels 0 or 1, both present."""
    labels = np.asarray(labels)
    return np.asarray(np.where(labels == 1, 0.5 / np.mean(labels == 1), 0.5 / np.mean(labels == 0)))


def fit_calibration(labels: np.ndarray, logits: np.ndarray, weights: np.ndarray | None = None) -> Calibration:
    """Maximum-likelihood temperature in [0.05, 20] and bias in [-10, 10]. For the calibration part, never for test.

    With `even_weights` it gives log likelihood ratios.
    """
    from scipy.optimize import minimize  # takes half a second; serving does not need it

    logits = np.asarray(logits, float)
    best = minimize(
        lambda p: log_loss(labels, logits * np.exp(-p[0]) + p[1], weights),
        x0=[0.0, 0.0],
        bounds=[(np.log(0.05), np.log(20.0)), (-10.0, 10.0)],
        method="L-BFGS-B",
    )
    return Calibration(float(np.exp(best.x[0])), float(best.x[1]))


def fit_recalibration(labels: np.ndarray, log_odds: np.ndarray) -> tuple[float, float]:
    """(intercept, slope) of log odds, float (n,), against labels 0 or 1 (Cox 1958; Van Calster et al., BMC Medicine 2019).

    Slope: logistic regression of the labels on the log odds; ideal 1, below 1 the log odds are too extreme. Intercept: the same
    with the slope fixed at 1; ideal 0, below 0 the probabilities are too high. NaN with one class or separable ones.
    """
    labels, log_odds = np.asarray(labels, float), np.asarray(log_odds, float)
    ones = np.ones((len(labels), 1))
    return float(logistic(labels, ones, log_odds)[0]), float(logistic(labels, np.column_stack([ones, log_odds]))[1])


def logistic(
    labels: np.ndarray, columns: np.ndarray, offset: np.ndarray | float = 0.0, weights: np.ndarray | float = 1.0
) -> np.ndarray:
    """float (k,): coefficients of a logistic regression on `columns` (n, k) by Newton's method; NaN where they diverge."""
    beta = np.zeros(columns.shape[1])
    for _ in range(_STEPS):
        p = expit(columns @ beta + offset)
        curvature = (columns * (weights * p * (1 - p))[:, np.newaxis]).T @ columns
        if not np.linalg.det(curvature) > 1e-12:
            break
        step = np.linalg.solve(curvature, columns.T @ (weights * (labels - p)))
        beta += np.clip(step, -2.0, 2.0)
        if np.abs(beta).max() > _WILD:
            break
        if np.abs(step).max() < _CONVERGED:
            return beta
    return np.full(columns.shape[1], np.nan)


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
    """Observed share of sick children against predicted probability, with a 95 % band, which is NaN below two patients.

    None where a class is missing or all probabilities are equal. On the log odds scale: shift by the calibration intercept, then
    add the residuals (outcome minus probability) smoothed by a Gaussian kernel (Nadaraya 1964, Silverman's width). The band is
    pointwise, by bootstrap over patients.
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
