"""Calibration intercept and slope (Cox 1958; Van Calster et al., BMC Medicine 2019)."""

import numpy as np
from scipy.special import expit

_STEPS, _CONVERGED, _WILD = 50, 1e-9, 50.0


def fit_recalibration(labels: np.ndarray, log_odds: np.ndarray) -> tuple[float, float]:
    """(intercept, slope) of log odds, float (n,), against labels 0 or 1.

    Slope: logistic regression of the labels on the log odds; ideal 1, below 1 the log odds are too extreme. Intercept: the same
    with the slope fixed at 1; ideal 0, below 0 the probabilities are too high. NaN where a class is missing or the classes are
    separable.
    """
    labels, log_odds = np.asarray(labels, float), np.asarray(log_odds, float)
    ones = np.ones((len(labels), 1))
    intercept = logistic(labels, ones, log_odds)[0]
    return float(intercept), float(logistic(labels, np.column_stack([ones, log_odds]))[1])


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
