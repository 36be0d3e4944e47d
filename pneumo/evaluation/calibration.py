"""Logit -> calibrated probability."""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit


@dataclass(frozen=True)
class Calibration:
    """probability = sigmoid(logit / temperature + bias).

    Temperature (Guo et al. 2017) mends over-confidence. The bias (Platt 1999) gives back the prevalence that balanced
    sampling took away in training. Neither changes a ranking.
    """

    temperature: float = 1.0
    bias: float = 0.0

    def probability(self, logits: np.ndarray | float) -> np.ndarray:
        """Calibrated probability of pneumonia in [0, 1], float64, same shape as `logits`."""
        probability: np.ndarray = expit(np.asarray(logits, float) / self.temperature + self.bias)
        return probability


def log_loss(labels: np.ndarray, logits: np.ndarray) -> float:
    """Mean binary cross-entropy of logits, in nats, stable for large ones."""
    logits = np.asarray(logits, float)
    return float(np.mean(np.logaddexp(0.0, logits) - np.asarray(labels, float) * logits))


def fit_calibration(labels: np.ndarray, logits: np.ndarray) -> Calibration:
    """The temperature in [0.05, 20] and bias in [-10, 10] of greatest likelihood. For the calibration part, never for test."""
    from scipy.optimize import minimize  # half a second, which an answer need not wait for

    logits = np.asarray(logits, float)
    best = minimize(
        lambda p: log_loss(labels, logits * np.exp(-p[0]) + p[1]), x0=[0.0, 0.0],
        bounds=[(np.log(0.05), np.log(20.0)), (-10.0, 10.0)], method="L-BFGS-B",
    )  # fmt: skip
    return Calibration(float(np.exp(best.x[0])), float(best.x[1]))
