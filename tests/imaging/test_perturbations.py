"""Values of each change on images whose answer is known; pure, repeatable, same kind of image."""

import numpy as np
import pytest

from pneumo.imaging.perturbations import CHANGES, blur, brightness, contrast, crop, gamma, jpeg, marker, noise, rotation, shift
from pneumo.imaging.preprocess import InputSpec
from pneumo.synthetic.phantom import make_phantom

FLAT = np.full((224, 224), 100, np.uint8)


@pytest.fixture(scope="module")
def chest():
    return np.rint(make_phantom("none", 1, 224, 224).pixels * 255).astype(np.uint8)


def dot(row, column):
    image = np.zeros((224, 224), np.uint8)
    image[row - 2 : row + 3, column - 2 : column + 3] = 255
    return image


def centre(image):
    """(row, column) of the bright mass."""
    rows, columns = np.indices(image.shape)
    return (rows * image.astype(float)).sum() / image.sum(), (columns * image.astype(float)).sum() / image.sum()


@pytest.mark.parametrize("change", CHANGES, ids=lambda c: f"{c.kind} {c.amount}")
def test_every_change_gives_a_new_image_and_leaves_its_input(change, chest):
    before = chest.copy()
    first, second = change.apply(chest), change.apply(chest)
    np.testing.assert_array_equal(chest, before)
    np.testing.assert_array_equal(first, second)
    assert first.shape == (224, 224)
    assert first.dtype == np.uint8
    assert not np.shares_memory(first, chest)
    assert (np.abs(first.astype(int) - chest).mean() > 0.1) == (change.kind != "none")


def test_every_kind_has_a_mild_and_a_strong_row():
    assert CHANGES[0].kind == "none"
    assert len({(change.kind, change.amount) for change in CHANGES}) == len(CHANGES)
    kinds = [change.kind for change in CHANGES[1:] if change.kind != "frame padded"]
    assert min(kinds.count(kind) for kind in kinds) >= 2


def test_exposure():
    assert np.unique(brightness(FLAT, 0.2)) == 151
    assert np.unique(brightness(FLAT, -0.5)) == 0  # clipped
    assert np.unique(gamma(FLAT, 2.0)) == 39  # 255 (100 / 255)^2
    assert np.unique(contrast(FLAT, 1.5)) == 100
    steps = np.repeat(np.array([[80, 120]], np.uint8), 112, axis=1).repeat(224, axis=0)
    np.testing.assert_array_equal(np.unique(contrast(steps, 1.5)), [70, 130])


def test_blur_spreads_and_keeps_the_sum():
    soft = blur(dot(100, 100), 2.0)
    assert soft.max() < 255
    assert soft.sum() == pytest.approx(dot(100, 100).sum(), rel=0.02)
    assert centre(soft) == pytest.approx((100, 100), abs=0.1)


def test_noise_is_seeded_and_as_strong_as_said():
    grain = noise(FLAT, 0.06).astype(float) - 100
    assert grain.std() == pytest.approx(0.06 * 255, rel=0.03)
    assert abs(grain.mean()) < 0.3
    assert (noise(FLAT, 0.06, seed=1) != noise(FLAT, 0.06)).any()


def test_a_lower_jpeg_quality_loses_more(chest):
    lost = [np.abs(jpeg(chest, quality).astype(int) - chest).mean() for quality in (90, 40, 15)]
    assert lost[0] < lost[1] < lost[2]


def test_directions():
    assert centre(shift(dot(100, 60), 0.05, 0.0)) == pytest.approx((100, 71.2), abs=0.2)
    assert centre(shift(dot(100, 60), 0.0, 0.10)) == pytest.approx((122.4, 60), abs=0.2)
    # From the middle's left, a quarter turn clockwise leads to its top.
    assert centre(rotation(dot(111, 51), 90)) == pytest.approx((51, 112), abs=1.1)
    assert centre(rotation(dot(111, 51), 5))[0] < 111
    # What lies 60 pixels off the middle lies 60 / 0.8 off when a tenth is cut off each side.
    assert centre(crop(dot(111, 51), 0.10)) == pytest.approx((111, 111.5 - 60.5 / 0.804), abs=1.0)


def test_moving_repeats_the_edge():
    assert np.unique(rotation(FLAT, -10)) == 100
    assert np.unique(shift(FLAT, 0.1, -0.1)) == 100


def test_marks_are_white_and_stand_where_models_look():
    margin = InputSpec().margin
    for change in (change for change in CHANGES if change.kind == "marker"):
        rows, columns = np.nonzero(change.apply(FLAT) != 100)
        assert len(rows) > 60
        assert margin <= min(rows.min(), columns.min())
        assert max(rows.max(), columns.max()) < 224 - margin
        assert change.apply(FLAT).max() == 255
    rows, columns = np.nonzero(marker(FLAT, "R", 22, 20, 28) != 100)
    assert rows.min() >= 20
    assert columns.min() >= 22
    assert 15 <= np.ptp(rows) <= 28


def test_white_and_black_stay_and_nothing_wraps_around():
    white = np.full((224, 224), 255, np.uint8)
    assert (gamma(white, 2.0) == 255).all()
    assert (gamma(FLAT, 2.0) == 39).all()  # 255 (100 / 255)^2
    assert (gamma(white - 1, 1.0) == 254).all()
    assert (brightness(white, 0.2) == 255).all()
    assert (brightness(FLAT, -0.5) == 0).all()
