import numpy as np
import pytest

from pneumo.errors import ConfigError
from pneumo.evaluation.likelihood import posterior, stated_prevalence


@pytest.mark.parametrize("prevalence", [0.01, 0.3, 0.5, 0.9])
def test_posterior_odds_are_the_ratio_times_the_prior_odds(prevalence):
    ratios = np.array([0.01, 0.5, 1.0, 10.0, 97.0])
    odds = ratios * prevalence / (1 - prevalence)
    np.testing.assert_allclose(posterior(np.log(ratios), prevalence), odds / (1 + odds))


def test_the_stated_prevalence(monkeypatch):
    monkeypatch.delenv("PNEUMO_PREVALENCE")
    assert stated_prevalence() == 0.3
    monkeypatch.setenv("PNEUMO_PREVALENCE", "0.12")
    assert stated_prevalence() == 0.12


@pytest.mark.parametrize("text", ["0", "1", "30", "30 %", "nan", "many"])
def test_an_invalid_prevalence_is_refused(monkeypatch, text):
    monkeypatch.setenv("PNEUMO_PREVALENCE", text)
    with pytest.raises(ConfigError, match="between 0 and 1"):
        stated_prevalence()
