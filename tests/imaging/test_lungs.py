"""The atlas against phantoms, whose lungs are known; and that what is hidden is gone."""

import cv2
import numpy as np
import pytest

from pneumo.data.phantom import make_phantom
from pneumo.imaging.changes import shift
from pneumo.imaging.lungs import lung_mask, lungs_hidden, lungs_only


def phantom(subtype, seed):
    """(canonical image, true lungs) of a phantom, both (224, 224)."""
    made = make_phantom(subtype, seed, 336, 420)
    small = [cv2.resize(plane.astype(np.float32), (224, 224), interpolation=cv2.INTER_AREA) for plane in (made.pixels, made.lungs)]
    return np.rint(small[0] * 255).astype(np.uint8), small[1] > 0.5


def dice(first, second):
    return 2 * (first & second).sum() / (first.sum() + second.sum())


@pytest.mark.parametrize("subtype", ["none", "bacterial", "viral"])
def test_overlap_with_the_phantoms_lungs(subtype):
    overlaps, covered = [], []
    for seed in range(8):
        image, lungs = phantom(subtype, seed)
        mask = lung_mask(image)
        assert (mask.shape, mask.dtype) == ((224, 224), bool)
        overlaps.append(dice(mask, lungs))
        covered.append((lung_mask(image, margin=12) & lungs).sum() / lungs.sum())
    assert np.mean(overlaps) > 0.77
    assert min(overlaps) > 0.6
    assert np.mean(covered) > 0.93


def test_two_fields_left_and_right_of_the_spine():
    mask = lung_mask(phantom("none", 2)[0])
    count, _, _, centres = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    assert count == 3  # and the background
    assert centres[1:, 0].min() < 90
    assert centres[1:, 0].max() > 134


@pytest.mark.parametrize(("right", "down"), [(0.07, 0.0), (-0.07, 0.0), (0.0, 0.09)])
def test_the_outlines_follow_the_chest(right, down):
    for seed in range(3):
        image, _ = phantom("none", seed)
        moved = shift(lung_mask(image).astype(np.uint8), right, down).astype(bool)
        assert dice(lung_mask(shift(image, right, down)), moved) > 0.84
        assert dice(lung_mask(image), moved) < 0.8  # outlines that stayed would not pass


@pytest.mark.parametrize("seed", range(6))
def test_white_lungs_are_not_sought_in_the_air_beside_the_body(seed):
    image, lungs = phantom("none", seed)
    white = np.rint(0.4 * image + 0.6 * lungs_hidden(image, lungs)).astype(np.uint8)
    assert dice(lung_mask(white), lungs) > 0.6


def test_exposure_does_not_move_the_outlines():
    image, _ = phantom("none", 4)
    assert dice(lung_mask((image * 0.6 + 50).astype(np.uint8)), lung_mask(image)) > 0.9


@pytest.mark.parametrize("grey", [0, 90, 255])
def test_an_empty_image_has_the_atlas_in_the_middle(grey):
    rows, columns = np.nonzero(lung_mask(np.full((224, 224), grey, np.uint8)))
    assert 90 < rows.mean() < 130
    assert 100 < columns.mean() < 124


def test_hidden_lungs_have_no_say_and_leave_no_hole():
    image, _ = phantom("none", 3)
    mask = lung_mask(image)
    hidden = lungs_hidden(image, mask)
    other = image.copy()
    other[mask] = np.random.default_rng(0).integers(0, 256, mask.sum())
    np.testing.assert_array_equal(lungs_hidden(other, mask), hidden)
    # Dark lung becomes the grey of the tissue around it, without ribs and vessels.
    assert hidden[mask].mean() > image[mask].mean() + 40
    detail = [np.abs(np.diff(picture.astype(float), axis=1))[mask[:, 1:]].mean() for picture in (image, hidden)]
    assert detail[1] < 0.3 * detail[0]
    far = cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, 5) > 22
    np.testing.assert_array_equal(hidden[far], image[far])


def test_only_the_lungs_are_left():
    image, _ = phantom("viral", 3)
    mask = lung_mask(image)
    only = lungs_only(image, mask)
    other = np.where(mask, image, 255 - image)
    np.testing.assert_array_equal(lungs_only(other, mask), only)
    deep = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 5) > 8
    assert deep.any()
    np.testing.assert_array_equal(only[deep], image[deep])


def test_an_empty_mask_hides_nothing_and_a_full_one_all():
    image, _ = phantom("none", 5)
    nothing, everything = np.zeros((224, 224), bool), np.ones((224, 224), bool)
    np.testing.assert_array_equal(lungs_hidden(image, nothing), image)
    assert len(np.unique(lungs_hidden(image, everything))) == 1
