import numpy as np
import pytest

from pneumo.imaging.windowing import FULL_RANGE, TABLE, GreyValues, Window, plain_values, windowed


@pytest.mark.parametrize(
    ("function", "centre", "width", "values", "expected"),
    [
        # PS3.3 C.11.2.1.2.1: black up to c - 0.5 - (w - 1) / 2, white above c - 0.5 + (w - 1) / 2
        ("LINEAR", 2048, 4096, [-1, 0, 4095, 5000], [0, 0, 1, 1]),
        ("LINEAR", 100.5, 101, [50, 75, 100, 150, 160], [0, 0.25, 0.5, 1, 1]),
        ("LINEAR", 100, 1, [99, 100], [0, 1]),  # a threshold
        ("LINEAR", 1, 0.5, [0.75, 1.0, 1.25], [0, 0.5, 1]),  # below 1: taken as exact
        ("LINEAR_EXACT", 100, 100, [50, 75, 100, 150], [0, 0.25, 0.5, 1]),
        # PS3.3 C.11.2.1.3.1: 1 / (1 + exp(-4 (x - c) / w))
        ("SIGMOID", 100, 100, [50, 100, 150, -1e9, 1e9], [1 / (1 + np.e**2), 0.5, 1 / (1 + np.e**-2), 0, 1]),
    ],
)
def test_window_functions(function, centre, width, values, expected):
    np.testing.assert_allclose(windowed(np.array(values, float), centre, width, function), expected, atol=1e-6)


def test_another_function_is_refused():
    with pytest.raises(ValueError, match="LINEAR, LINEAR_EXACT or SIGMOID"):
        windowed(np.zeros(2), 1, 2, "BENT")


STORED = np.array([[0, 1000], [3000, 4095]], np.uint16)


def test_the_eyes_window_works_in_the_files_units():
    # values = 2 x - 1000: -1000, 1000, 5000, 7190
    values = GreyValues(STORED, 2.0, -1000.0, False, "LINEAR_EXACT")
    assert values.range == (-1000.0, 7190.0)
    shown = values.through(3000, 8000)
    assert shown.dtype == np.float32
    np.testing.assert_allclose(shown, [[0, 0.25], [0.75, 1]], atol=1e-6)
    np.testing.assert_allclose(GreyValues(STORED, 2.0, -1000.0, True, "LINEAR_EXACT").through(3000, 8000), 1 - shown, atol=1e-6)


def test_a_negative_slope_turns_the_range_round():
    values = GreyValues(STORED, -1.0, 4095.0, False, windows=(Window("w", 1.0, 2.0),))
    assert values.range == (0.0, 4095.0)
    np.testing.assert_allclose(values.through(2048, 4096)[0], [1, 3095 / 4095], atol=1e-6)


def test_the_copy_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        GreyValues(STORED.copy(), 1.0, 0.0, False).stored[0, 0] = 1


def test_the_default_presentation_comes_first():
    stored = np.array([[0, 100]], np.uint16)
    soft = (Window("soft", 50, 20),)
    assert list(GreyValues(stored, 1.0, 0.0, False).presets) == [FULL_RANGE]
    assert list(GreyValues(stored, 1.0, 0.0, False, windows=soft).presets) == ["soft", FULL_RANGE]
    tabled = GreyValues(stored, 1.0, 0.0, False, windows=soft, table=np.arange(101, dtype=np.uint8))
    assert list(tabled.presets) == [TABLE, "soft", FULL_RANGE]
    np.testing.assert_allclose(tabled.presented(), [[0, 100 / 255]])
    np.testing.assert_allclose(GreyValues(stored, 1.0, 0.0, False, windows=soft).presented(), [[0, 1]])
    assert GreyValues(stored, 2.0, 10.0, False).presets[FULL_RANGE] == (110.5, 201.0)
    assert GreyValues(stored, 0.001, 0.0, False).presets[FULL_RANGE] == pytest.approx((0.05, 0.1))


def test_a_picture_without_units_is_kept_to_the_grey_level():
    eight, sixteen = np.arange(256.0).reshape(16, 16) / 255, np.arange(65536.0).reshape(256, 256) / 65535
    for pixels, bits, kind in ((eight, 8, np.uint8), (eight, 1, np.uint8), (sixteen, 16, np.uint16)):
        values = plain_values(pixels, bits)
        assert values.stored.dtype == kind
        np.testing.assert_allclose(values.presented(), pixels, atol=1e-6)
    assert list(plain_values(eight, 8).presets.values()) == [(127.5, 255.0), (127.5, 255.0)]


def test_a_picture_of_one_value_has_a_window_too():
    assert np.isfinite(
        plain_values(np.full((2, 2), 0.5), 8).through(*plain_values(np.full((2, 2), 0.5), 8).presets[FULL_RANGE])
    ).all()
