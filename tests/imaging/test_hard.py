import numpy as np

from pneumo.data.phantom import make_phantom
from pneumo.imaging.hard import hard_copies, with_hard_copies
from pneumo.imaging.preprocess import CANONICAL_SIDE as SIDE

IMAGES = np.stack([np.rint(make_phantom("none", seed, SIDE, SIDE).pixels * 255).astype(np.uint8) for seed in range(4)])


def sharpness(images):
    return np.abs(np.diff(images.astype(float), axis=1)).mean()


def test_copies_are_other_pictures_of_the_same_children():
    copies = hard_copies(IMAGES, seed=0)
    assert (copies.shape, copies.dtype) == (IMAGES.shape, np.uint8)
    difference = np.abs(copies.astype(float) - IMAGES).mean(axis=(1, 2))
    assert (difference > 5).all()
    assert (copies != hard_copies(IMAGES, seed=1)).any()


def test_a_copy_depends_on_its_seed_and_place_alone():
    np.testing.assert_array_equal(hard_copies(IMAGES, seed=3)[:2], hard_copies(IMAGES[:2], seed=3))


def test_fine_detail_is_lost_on_the_way():
    noise = np.random.default_rng(0).integers(0, 256, (4, SIDE, SIDE), dtype=np.uint8)
    assert sharpness(hard_copies(noise, seed=0)) < 0.6 * sharpness(noise)


def test_the_chest_stays_in_the_picture():
    """Mirrored and moved as it may be, a bright square in the middle stays near the middle."""
    squares = np.zeros((30, SIDE, SIDE), np.uint8)
    squares[:, 72:152, 72:152] = 200
    copies = hard_copies(squares, seed=0).astype(float)
    copies -= np.median(copies, axis=(1, 2), keepdims=True)
    weight = np.maximum(copies, 0).sum(axis=(1, 2))
    rows = (np.maximum(copies, 0) * np.arange(SIDE)[:, None]).sum(axis=(1, 2)) / weight
    assert np.abs(np.median(rows) - 111.5) < 12
    assert np.abs(rows - 111.5).max() < 60


def test_the_originals_come_first():
    both = with_hard_copies(IMAGES, seed=0)
    assert len(both) == 8
    np.testing.assert_array_equal(both[:4], IMAGES)
