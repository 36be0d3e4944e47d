import numpy as np
import pytest

from pneumo.evaluation.overlap import dice


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [([1, 1, 0, 0], [1, 1, 0, 0], 1.0), ([1, 1, 0, 0], [0, 0, 1, 1], 0.0), ([1, 1, 1, 0], [1, 0, 0, 0], 0.5)],
)
def test_counted_by_hand(first, second, expected):
    assert dice(np.array(first, bool), np.array(second, bool)) == expected


def test_two_empty_masks_have_no_overlap_to_speak_of():
    assert np.isnan(dice(np.zeros(4, bool), np.zeros(4, bool)))
