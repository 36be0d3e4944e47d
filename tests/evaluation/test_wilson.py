import math

import pytest
from scipy.stats import binomtest

from pneumo.evaluation.wilson import wilson


@pytest.mark.parametrize(("count", "of"), [(0, 1), (0, 20), (3, 7), (190, 234), (385, 390), (10, 10)])
def test_equals_scipy(count, of):
    found, expected = wilson(count, of), binomtest(count, of).proportion_ci(method="wilson")
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-12)
    assert found.figure == {"value": count / of, "low": found.low, "high": found.high}


def test_of_no_case_is_undefined():
    assert math.isnan(wilson(0, 0).value)
    assert wilson(0, 0).figure == {"value": None, "low": None, "high": None}
    assert (wilson(0, 0).count, wilson(0, 0).of) == (0, 0)
    assert math.isnan(wilson(0, 0).low)
    assert math.isnan(wilson(0, 0).high)


def test_no_end_leaves_the_shares():
    """Rounding alone would carry some of them a last digit too far."""
    assert max(wilson(n, n).high for n in range(1, 500)) <= 1.0
    assert min(wilson(0, n).low for n in range(1, 500)) >= 0.0


@pytest.mark.parametrize(("count", "of"), [(3, 2), (-1, 4)])
def test_impossible_counts(count, of):
    with pytest.raises(ValueError, match="expected a count"):
        wilson(count, of)
