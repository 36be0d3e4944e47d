import numpy as np
import pytest

from pneumo.synthetic.non_chest import KINDS, as_served, close_up, posed
from pneumo.synthetic.non_chest_stored import MORE_PHOTOS, MORE_SLICES, PHOTOS, SCANS, SLICES, stored


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_pictures_follow_from_the_seed_and_can_be_served(kind):
    first, second = kind.pictures(2)
    assert np.array_equal(first, kind.pictures(1)[0])
    assert first.shape != second.shape or not np.array_equal(first, second)
    assert first.dtype == np.uint8
    assert min(first.shape[:2]) >= 64  # not refused for its size
    assert as_served(first).shape == (224, 224)


def test_each_name_is_a_kind_and_both_roles_have_some():
    assert len({kind.name for kind in KINDS}) == len(KINDS)
    assert min(sum(kind.aside for kind in KINDS), sum(not kind.aside for kind in KINDS)) >= 10


def test_no_stored_picture_has_both_roles():
    assert not {*PHOTOS, *SLICES} & {*MORE_PHOTOS, *SCANS, *MORE_SLICES}


@pytest.mark.parametrize("name", [*PHOTOS, *SLICES, *MORE_PHOTOS, *SCANS, *MORE_SLICES])
def test_stored_pictures_are_where_their_library_puts_them(name):
    picture = stored(name)
    assert picture.dtype == np.uint8
    assert picture.max() > picture.min()


def test_poses_of_a_marked_corner():
    image = np.zeros((1, 224, 224), np.uint8)
    image[0, :20, :20] = 255
    left, half, right, inverted = posed(image)
    assert left[0, -1, 0] == half[0, -1, -1] == right[0, 0, -1] == 255
    assert inverted[0, 0, 0] == 0
    assert inverted[0, -1, -1] == 255


def test_a_close_up_is_a_part():
    image = np.tile(np.arange(224, dtype=np.uint8), (224, 1))
    part = close_up(image, np.random.default_rng(0))
    assert part.shape == (224, 224)
    assert 30 < int(part[0, -1]) - int(part[0, 0]) < 80  # 15 to 35 % of the side
