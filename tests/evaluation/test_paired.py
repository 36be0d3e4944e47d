import math

import numpy as np
import pytest

from pneumo.evaluation.paired import paired_difference


def hits(both, only_first, only_second, neither):
    first = [True] * both + [True] * only_first + [False] * only_second + [False] * neither
    second = [True] * both + [False] * only_first + [True] * only_second + [False] * neither
    return np.array(first), np.array(second)


def test_agresti_and_mins_interval_by_hand():
    """b = 12, c = 5 of 100: (12.5 - 5.5) / 102 = .0686, error sqrt(18 - 49 / 102) / 102 = .0410."""
    difference = paired_difference(*hits(70, 12, 5, 13), [str(i) for i in range(100)])
    assert difference.value == pytest.approx(0.07)
    error = math.sqrt(18 - 7**2 / 102) / 102
    assert (difference.low, difference.high) == pytest.approx((7 / 102 - 1.959964 * error, 7 / 102 + 1.959964 * error))
    assert difference.p == pytest.approx(0.1435, abs=1e-3)


def test_models_that_never_differ_still_have_a_width():
    difference = paired_difference(*hits(30, 0, 0, 0), range(30))
    assert (difference.value, difference.p) == (0, 1)
    assert difference.low < 0 < difference.high


def test_pictures_of_the_same_child_are_not_independent():
    first, second = hits(0, 40, 20, 40)
    alone = paired_difference(first, second, range(100))
    fours = paired_difference(first, second, np.arange(100) // 4)
    assert fours.high - fours.low > 1.8 * (alone.high - alone.low)
    assert fours.value == alone.value


def test_the_interval_has_its_stated_coverage():
    rng, covered, runs = np.random.default_rng(0), 0, 400
    for _ in range(runs):
        both = rng.random(60) < 0.7
        first, second = both | (rng.random(60) < 0.3), both | (rng.random(60) < 0.2)
        difference = paired_difference(first, second, range(60))
        covered += difference.low <= 0.3 * 0.3 - 0.3 * 0.2 <= difference.high
    assert 0.92 <= covered / runs <= 0.985


def test_nothing_to_compare():
    difference = paired_difference(np.array([]), np.array([]), [])
    assert math.isnan(difference.value)
    assert math.isnan(difference.low)
