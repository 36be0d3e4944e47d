"""On phantoms, whose lungs are known: what is hidden is gone, and the rest is as it was."""

import cv2
import numpy as np

from pneumo.imaging.lung_cover import lungs_hidden, lungs_only
from pneumo.synthetic.phantom import make_phantom


def phantom(subtype, seed):
    """(canonical image, true lungs) of a phantom, both (224, 224)."""
    made = make_phantom(subtype, seed, 336, 420)
    small = [cv2.resize(plane.astype(np.float32), (224, 224), interpolation=cv2.INTER_AREA) for plane in (made.pixels, made.lungs)]
    return np.rint(small[0] * 255).astype(np.uint8), small[1] > 0.5


def test_hidden_lungs_have_no_say_and_leave_no_hole():
    image, mask = phantom("none", 3)
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
    image, mask = phantom("viral", 3)
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
