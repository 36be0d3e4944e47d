"""Log likelihood ratio and prevalence -> posterior probability."""

import os

import numpy as np
from scipy.special import expit, logit

from pneumo.errors import ConfigError

PREVALENCE = 0.3  # default prevalence of pneumonia among X-rayed children: an assumption


def posterior(log_ratio: np.ndarray | float, prevalence: float) -> np.ndarray:
    """Probability of pneumonia, float64 of the same shape: posterior odds = likelihood ratio x prevalence / (1 - prevalence)."""
    return np.asarray(expit(np.asarray(log_ratio, float) + logit(prevalence)))


def log_ratio_of(probability: float, prevalence: float) -> float:
    """The log likelihood ratio that `posterior` turned into this probability at `prevalence`; infinite for 0 and 1."""
    return float(logit(probability) - logit(prevalence))


def at_prevalence(probability: np.ndarray | float, of: float, to: float) -> np.ndarray:
    """A probability at the prevalence `of` -> at the prevalence `to`, float64 of the same shape; 0 and 1 stay.

    The likelihood ratio stays the same. Observed shares of sick children move in the same way.
    """
    return np.asarray(expit(logit(np.asarray(probability, float)) + logit(to) - logit(of)))


def stated_prevalence() -> float:
    """PNEUMO_PREVALENCE, 0.3 where it is not set. Raises ConfigError unless it lies between 0 and 1."""
    text = os.environ.get("PNEUMO_PREVALENCE", "")
    try:
        prevalence = float(text) if text else PREVALENCE
    except ValueError:
        prevalence = float("nan")
    if not 0 < prevalence < 1:
        raise ConfigError(f"PNEUMO_PREVALENCE is {text!r}; expected a share between 0 and 1, such as 0.3.")
    return prevalence
