import math

import numpy as np
import pytest
from scipy.stats import binomtest

from pneumo.evaluation.wilson import clustered_wilson, wilson_interval


@pytest.mark.parametrize(("count", "of"), [(0, 1), (0, 20), (3, 7), (190, 234), (385, 390), (10, 10)])
def test_equals_scipy(count, of):
    interval, expected = wilson_interval(count, of), binomtest(count, of).proportion_ci(method="wilson")
    assert (interval.low, interval.high) == pytest.approx((expected.low, expected.high), abs=1e-12)
    assert interval.figure == {"value": count / of, "low": interval.low, "high": interval.high}


def test_without_cases_it_is_undefined():
    assert math.isnan(wilson_interval(0, 0).value)
    assert wilson_interval(0, 0).figure == {"value": None, "low": None, "high": None}
    assert (wilson_interval(0, 0).count, wilson_interval(0, 0).of) == (0, 0)
    assert math.isnan(wilson_interval(0, 0).low)
    assert math.isnan(wilson_interval(0, 0).high)


def test_both_ends_stay_between_0_and_1():
    """Without care, rounding would put some of them just outside."""
    assert max(wilson_interval(n, n).high for n in range(1, 500)) <= 1.0
    assert min(wilson_interval(0, n).low for n in range(1, 500)) >= 0.0


@pytest.mark.parametrize(("count", "of"), [(3, 2), (-1, 4)])
def test_impossible_counts(count, of):
    with pytest.raises(ValueError, match="expected a count"):
        wilson_interval(count, of)


def test_clusters_of_one_are_independent_images():
    hits = np.arange(50) < 45
    interval, expected = clustered_wilson(hits, np.arange(50)), wilson_interval(45, 50)
    assert interval.low == pytest.approx(expected.low, abs=0.003)
    assert (interval.count, interval.of) == (45, 50)


def test_copies_do_not_narrow_the_interval():
    hits = np.tile(np.arange(50) < 45, 4)
    interval, once = clustered_wilson(hits, np.tile(np.arange(50), 4)), clustered_wilson(hits[:50], np.arange(50))
    assert (interval.low, interval.high) == pytest.approx((once.low, once.high))


def test_where_all_are_hits_a_cluster_counts_once():
    expected = wilson_interval(2, 2)
    interval = clustered_wilson(np.ones(40, bool), ["a", "b"] * 20)
    assert (interval.low, interval.high) == pytest.approx((expected.low, expected.high))
    assert math.isnan(clustered_wilson(np.zeros(0, bool), []).low)


def test_an_interval_as_wide_as_for_fewer_cases():
    interval, expected = wilson_interval(30, 40, independent=20), wilson_interval(15, 20)
    assert (interval.value, interval.count, interval.of) == (0.75, 30, 40)
    assert (interval.low, interval.high) == pytest.approx((expected.low, expected.high))
