import numpy as np
import pytest
from scipy.special import expit

from pneumo.evaluation.calibration_curve import fit_calibration_curve


def drawn(shift: float, n: int = 1200):
    """Labels drawn with probability expit(log odds + shift), and the stated probabilities."""
    rng = np.random.default_rng(2)
    log_odds = rng.normal(0.5, 2.0, n)
    return (rng.random(n) < expit(log_odds + shift)).astype(int), expit(log_odds), [f"p{i}" for i in range(n)]


@pytest.mark.parametrize("shift", [0.0, -1.5])
def test_the_curve_follows_the_observed_shares(shift):
    curve = fit_calibration_curve(*drawn(shift), resamples=1)
    truth = expit(np.log(curve.predicted / (1 - curve.predicted)) + shift)
    np.testing.assert_allclose(curve.observed, truth, atol=0.09)
    assert np.all(np.diff(curve.predicted) > 0)


def test_the_band_holds_the_truth_and_is_no_wider_than_chance():
    labels, probabilities, patients = (each[:500] for each in drawn(0.0, 4000))
    curve = fit_calibration_curve(labels, probabilities, patients, resamples=300)
    assert np.mean((curve.low <= curve.predicted) & (curve.predicted <= curve.high)) > 0.85
    assert 0.05 < np.max(curve.high - curve.low) < 0.3
    assert curve.low.min() >= 0
    assert curve.high.max() <= 1


def test_none_without_both_classes_or_with_one_probability():
    assert fit_calibration_curve(np.ones(5), np.linspace(0.1, 0.9, 5), list("abcde")) is None
    assert fit_calibration_curve(np.array([0, 1]), np.full(2, 0.3), list("ab")) is None
