import numpy as np
import pytest
from opened_parcel import opened

from pneumo.ui.diagnose.parcel import pack

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    "array",
    [
        RNG.integers(0, 256, (7, 5), np.uint8),
        RNG.integers(0, 2**16, (7, 5), np.uint16),  # differences of both signs, some of which wrap around
        np.array([[0, 65535, 0], [4095, 0, 4095]], np.uint16),
        RNG.integers(0, 256, (3, 256, 4), np.uint8),
        np.arange(5, dtype=np.uint8),
        np.zeros((1, 1), np.uint16),
    ],
)
def test_packing_round_trip(array):
    header, arrays = opened(pack({"key": "ab", "words": ["ä"]}, {"first": array, "second": array[..., ::-1]}))
    assert header == {"key": "ab", "words": ["ä"]}
    np.testing.assert_array_equal(arrays["first"], array)
    np.testing.assert_array_equal(arrays["second"], array[..., ::-1])


def test_a_12_bit_radiograph_shrinks_to_half_or_less():
    slope = np.hypot(*np.mgrid[-1:1:500j, -1:1:400j])
    picture = np.rint(slope * 2800 + RNG.normal(0, 4, slope.shape)).clip(0, 4095).astype(np.uint16)
    assert len(pack({}, {"picture": picture})) < picture.nbytes / 2


def test_other_types_of_number_are_refused_by_name():
    with pytest.raises(ValueError, match="expected uint8 or uint16 for heat; received float32"):
        pack({}, {"heat": np.zeros((2, 2), np.float32)})
    with pytest.raises(ValueError, match="Out of range float"):
        pack({"slope": float("nan")}, {})
