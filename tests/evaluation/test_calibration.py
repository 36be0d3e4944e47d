import numpy as np
import pytest
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss as sklearn_log_loss

from pneumo.evaluation.calibration import (
    Calibration,
    even_weights,
    fit_calibration,
    fit_calibration_curve,
    fit_recalibration,
    log_loss,
)


def test_probability_by_hand():
    assert Calibration().probability(0.0) == 0.5
    np.testing.assert_allclose(Calibration(2.0, 1.0).probability([-2.0, 4.0]), 1 / (1 + np.exp([0.0, -3.0])))


def test_probability_keeps_the_ranking_and_survives_large_logits():
    p = Calibration(0.5, -3).probability(np.array([-1e4, -5, 0, 5, 1e4]))
    assert np.all(np.diff(p) > 0)
    assert (p[0], p[-1]) == (0, 1)


def test_log_loss():
    rng = np.random.default_rng(0)
    labels, logits = rng.integers(0, 2, 50), rng.normal(size=50)
    assert log_loss(labels, logits) == pytest.approx(sklearn_log_loss(labels, expit(logits)))
    assert log_loss([0, 1], [2000.0, 2000.0]) == 1000.0


@pytest.mark.parametrize(("temperature", "bias"), [(1.0, 0.0), (3.0, 0.0), (0.5, 1.0), (2.0, -1.5)])
def test_fit_recovers_what_was_done(temperature, bias):
    rng = np.random.default_rng(4)
    logits = rng.normal(0, 2 * temperature, 20_000)
    labels = (rng.random(20_000) < expit(logits / temperature + bias)).astype(int)
    fitted = fit_calibration(labels, logits)
    assert fitted.temperature == pytest.approx(temperature, rel=0.05)
    assert fitted.bias == pytest.approx(bias, abs=0.07)


def test_fit_never_makes_the_likelihood_worse():
    rng = np.random.default_rng(5)
    labels, logits = rng.integers(0, 2, 100), rng.normal(3, 9, 100)
    c = fit_calibration(labels, logits)
    assert log_loss(labels, logits / c.temperature + c.bias) <= log_loss(labels, logits)


def test_fit_of_separable_cases_stays_in_bounds():
    c = fit_calibration([0, 0, 1, 1], [-2.0, -1.0, 1.0, 2.0])
    assert 0.05 <= c.temperature <= 20
    assert abs(c.bias) <= 10


@pytest.mark.parametrize(("scale", "temperature"), [(1e-3, 0.05), (-1.0, 20.0)])  # all are right, all are wrong
def test_the_temperature_stays_within_its_bounds(scale, temperature):
    labels, logits = np.array([0, 0, 1, 1]), scale * np.array([-2.0, -1.0, 1.0, 2.0])
    assert fit_calibration(labels, logits).temperature == pytest.approx(temperature)


def test_with_even_weights_the_share_of_sick_children_has_no_effect():
    rng = np.random.default_rng(6)
    sick, healthy = rng.normal(1.0, 1.0, 30_000), rng.normal(-1.0, 1.0, 10_000)  # the log likelihood ratio is 2 x the score
    labels, scores = np.repeat([1, 0], [30_000, 10_000]), np.concatenate([sick, healthy])
    even = fit_calibration(labels, scores, even_weights(labels))
    assert even.bias == pytest.approx(0, abs=0.05)
    assert even.temperature == pytest.approx(0.5, rel=0.03)
    assert fit_calibration(labels, scores).bias == pytest.approx(np.log(3), abs=0.05)


def test_even_weights_by_hand():
    np.testing.assert_allclose(even_weights([1, 1, 1, 0]), [2 / 3, 2 / 3, 2 / 3, 2])


@pytest.mark.parametrize(("intercept", "slope"), [(0.0, 1.0), (-1.0, 1.0), (0.0, 0.5)])
def test_the_fit_recovers_how_correct_probabilities_were_changed(intercept, slope):
    rng = np.random.default_rng(0)
    said = rng.normal(0, 2, 40_000)
    labels = rng.random(40_000) < expit(intercept + slope * said)
    fitted = fit_recalibration(labels, said)
    assert fitted[1] == pytest.approx(slope, abs=0.04)
    if slope == 1.0:
        assert fitted[0] == pytest.approx(intercept, abs=0.04)


def test_the_slope_is_that_of_logistic_regression():
    rng = np.random.default_rng(1)
    said = rng.normal(1, 3, 200)
    labels = rng.random(200) < expit(0.3 * said)
    expected = LogisticRegression(C=1e9, max_iter=500).fit(said[:, np.newaxis], labels).coef_[0, 0]
    assert fit_recalibration(labels, said)[1] == pytest.approx(expected, abs=1e-4)


def test_undefined_where_a_line_separates_the_classes_or_one_is_missing():
    assert np.isnan(fit_recalibration([0, 0, 1, 1], [-2.0, -1.0, 1.0, 2.0])[1])
    assert np.isnan(fit_recalibration([1, 1, 1], [0.0, 1.0, 2.0])).all()


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
