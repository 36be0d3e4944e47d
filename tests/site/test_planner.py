import numpy as np
import pytest

from pneumo.evaluation.wilson import wilson_interval
from pneumo.site.plan import AUC, SENSITIVITY, SPECIFICITY, Requirement
from pneumo.site.planner import hanley_mcneil, outlook


def test_a_share_has_wilsons_interval_and_the_binomial_chance_to_pass():
    told = outlook(Requirement(SENSITIVITY, 0.8), 0.9, sick=100, healthy=7)
    assert (told.low, told.high) == pytest.approx((wilson_interval(90, 100).low, wilson_interval(90, 100).high))
    drawn = np.random.default_rng(0).binomial(100, 0.9, 20_000)
    assert told.chance == pytest.approx(np.mean([wilson_interval(int(count), 100).low >= 0.8 for count in drawn]), abs=0.01)


def test_specificity_counts_the_healthy():
    assert outlook(Requirement(SPECIFICITY, 0.8), 0.9, 7, 100).low == pytest.approx(wilson_interval(90, 100).low)


def test_auc_has_the_error_of_hanley_and_mcneil():
    """Their table II: AUC .9 of 50 and 50 has an error of about .0317."""
    assert hanley_mcneil(0.9, 50, 50) == pytest.approx(0.0317, abs=5e-4)
    told = outlook(Requirement(AUC, 0.85), 0.95, 100, 100)
    assert told.low < 0.95 < told.high
    assert 0.9 < told.chance <= 1


def test_the_needed_number_is_enough_and_half_of_it_is_not():
    told = outlook(Requirement(SENSITIVITY, 0.85), 0.95, 10, 10)
    assert told.chance < 0.8 < outlook(Requirement(SENSITIVITY, 0.85), 0.95, told.needed, 10).chance
    assert outlook(Requirement(SENSITIVITY, 0.85), 0.95, told.needed // 2, 10).chance < 0.8


def test_a_value_not_expected_above_the_least_cannot_be_shown():
    assert outlook(Requirement(AUC, 0.95), 0.95, 100, 100).needed is None
    with pytest.raises(ValueError, match="between 0 and 1"):
        outlook(Requirement(AUC, 0.9), 1.0, 10, 10)
