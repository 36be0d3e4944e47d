import math

import numpy as np
import pytest

from pneumo.site.charts import CLIP, LIMIT, WEIGHT, cusum, ewma


def test_a_step_is_found_with_its_place_and_size():
    rng = np.random.default_rng(1)
    values = np.concatenate([rng.normal(5, 1, 250), rng.normal(7, 1, 250)])
    signal = ewma(values, 100)
    assert 250 <= signal.at < 280
    assert abs(signal.since - 250) <= 5
    assert signal.before == pytest.approx(5, abs=0.2)
    assert signal.after == pytest.approx(7, abs=0.5)


def test_the_band_follows_the_formula():
    """First cases alternate between -1 and 1: mean 0, deviation 1.005. A constant x of two deviations crosses as calculated."""
    first = [-1.0, 1.0] * 50
    width = float(np.std(first, ddof=1))
    step = next(
        i
        for i in range(1, 200)
        if 2 * (1 - (1 - WEIGHT) ** i) > LIMIT * math.sqrt(WEIGHT / (2 - WEIGHT) * (1 - (1 - WEIGHT) ** (2 * i)) + 1 / 100)
    )
    assert ewma(first + [2 * width] * 200, 100).at == 100 + step - 1


def test_one_odd_case_raises_no_alarm():
    values = [-1.0, 1.0] * 100
    values[150] = 1e9
    assert ewma(values, 100) is None
    assert LIMIT * math.sqrt(1 / 100) > CLIP * WEIGHT


def test_a_fall_is_found_too_and_a_constant_that_moves():
    assert ewma([3.0] * 100 + [2.999] * 50, 100).after < 3
    assert ewma([3.0] * 150, 100) is None


def test_a_share_that_rises_is_found_and_when_it_began():
    rng = np.random.default_rng(2)
    hits = np.concatenate([rng.random(300) < 0.03, rng.random(200) < 0.5])
    signal = cusum(list(hits), 100)
    assert 300 <= signal.at < 340
    assert 295 <= signal.since <= 305
    assert (signal.before, signal.after > 0.3) == (np.mean(hits[:100]), True)


def test_two_refusals_in_a_row_are_no_change():
    hits = [False] * 500
    hits[200] = hits[201] = hits[330] = True
    assert cusum(hits, 100) is None
    assert cusum([True] * 200, 100) is None  # all were refused from the start: nothing changed


def test_no_case_after_the_first_is_no_signal():
    assert ewma([1.0, 2.0], 2) is None
    assert cusum([True, False], 2) is None
