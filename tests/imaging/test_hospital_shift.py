import numpy as np

from pneumo.imaging.hospital_shift import _marked, _posed, _sharpened_or_blurred, hard_copies, with_hard_copies
from pneumo.imaging.preprocess import CANONICAL_SIDE as SIDE
from pneumo.synthetic.phantom import make_phantom

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


def test_a_mark_is_one_box_of_2_to_14_percent_of_the_side():
    empty = np.full((SIDE, SIDE), 128, np.uint8)
    sides = []
    for seed in range(40):
        rows, columns = np.nonzero(_marked(empty, np.random.default_rng(seed)) != 128)
        if rows.size:
            found = np.ptp(rows) + 1, np.ptp(columns) + 1
            assert rows.size == found[0] * found[1]
            sides += found
    assert len(sides) > 60
    assert max(sides) <= round(0.14 * SIDE) + 1
    assert np.mean(sides) > 0.05 * SIDE


def test_no_picture_is_turned_by_more_than_10_degrees():
    bar = np.zeros((SIDE, SIDE), np.uint8)
    bar[108:116, 52:172] = 255
    for seed in range(20):
        rows, columns = np.nonzero(_posed(bar, np.random.default_rng(seed)) > 127)
        slope = np.polyfit(columns, rows, 1)[0]
        assert abs(slope) < np.tan(0.175) * np.exp(2 * 0.075) + 0.02  # width and height are scaled apart


def test_sharpening_does_not_wrap_around():
    step = np.zeros((SIDE, SIDE), np.uint8)
    step[:, 112:] = 255
    np.testing.assert_array_equal(_sharpened_or_blurred(step, -0.5), step)
