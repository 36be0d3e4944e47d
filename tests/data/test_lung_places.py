"""Where the lungs of a mask lie."""

import numpy as np

from pneumo.data.lung_masks import LungMasks
from pneumo.data.lung_places import LungPlace, outlined_lungs, place_of
from pneumo.data.records import Record


def lungs(top=56, bottom=168):
    mask = np.zeros((224, 224), bool)
    mask[top:bottom, 28:84] = True
    mask[top + 28 : bottom, 140:196] = True
    return mask


def test_shares_of_the_picture():
    assert place_of(lungs()) == LungPlace(height=0.5, width=0.5, above=0.25, below=0.25)  # the gap is not counted as width
    assert place_of(lungs(0, 224)) == LungPlace(1.0, 0.5, 0.0, 0.0)
    assert place_of(np.zeros((224, 224), bool)) is None


def test_only_outlined_images_have_lungs():
    masks = LungMasks(("train/NORMAL/a.png", "train/NORMAL/b.png"), np.stack([np.packbits(lungs()), np.packbits(lungs(0, 112))]))
    find = outlined_lungs(masks).find
    np.testing.assert_array_equal(find(Record("train/NORMAL/b.png", "NORMAL", "none", "b", "train"), None), lungs(0, 112))
    assert find(Record("train/NORMAL/c.png", "NORMAL", "none", "c", "train"), None) is None
