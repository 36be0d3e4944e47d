import numpy as np
import pytest
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from pneumo.evaluation.recalibration import fit_recalibration


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
