"""Samples for the lung segmenter: pictures and masks are varied together."""

import cv2
import numpy as np
import pytest

from pneumo.data.lung_masks import LungMasks
from pneumo.data.records import scan
from pneumo.synthetic.non_chest import KINDS
from pneumo.synthetic.phantom import write_set
from pneumo.training.lung_samples import _moved, _whitened, augment_sample, lungless_samples, outlined_samples, phantom_samples


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    root = tmp_path_factory.mktemp("lungs") / "set"
    write_set(root, patients=3)
    return root


@pytest.fixture(scope="module")
def phantoms():
    return phantom_samples(4, 0)


def test_phantoms_are_seeded_canonical_and_dark_in_their_lungs(phantoms):
    again = phantom_samples(4, 0)
    np.testing.assert_array_equal(phantoms.images, again.images)
    np.testing.assert_array_equal(phantoms.masks, again.masks)
    assert (phantoms.images.shape, phantoms.images.dtype, phantoms.masks.dtype) == ((4, 224, 224), np.uint8, bool)
    assert not np.array_equal(phantoms.images, phantom_samples(4, 1).images)
    for image, mask in zip(phantoms.images, phantoms.masks, strict=True):
        around = cv2.dilate(mask.astype(np.uint8), np.ones((15, 15))).astype(bool) & ~mask
        assert image[mask].mean() < image[around].mean()


def test_outlined_images_come_with_their_outlines(data):
    path, mask = scan(data)[0].path, np.zeros((224, 224), bool)
    mask[40:150, 30:90] = mask[40:150, 130:190] = True
    samples = outlined_samples(data, LungMasks((path,), np.packbits(mask)[np.newaxis]))
    assert samples.images.shape == (1, 224, 224)
    np.testing.assert_array_equal(samples.masks[0], mask)


def test_picture_and_mask_are_moved_together(phantoms):
    mask = phantoms.masks[0].astype(np.float32)
    moved = []
    for seed in range(6):
        pixels, lungs = _moved(1 - mask, mask, np.random.default_rng(seed))
        np.testing.assert_allclose(pixels[lungs > 0], 1 - lungs[lungs > 0], atol=1e-5)  # whatever is filled in beyond the frame
        moved.append(lungs)
    assert all(np.abs(lungs - mask).mean() > 0.02 for lungs in moved)
    assert np.std([lungs.sum() for lungs in moved]) > 0


def test_whitening_brightens_the_lungs_and_nothing_else(phantoms):
    pixels, mask = phantoms.images[0] / np.float32(255), phantoms.masks[0].astype(np.float32)
    white = _whitened(pixels, mask, np.random.default_rng(0))
    inside = phantoms.masks[0]
    assert white[inside].mean() > pixels[inside].mean() + 0.05
    far = cv2.dilate(mask, np.ones((41, 41))) == 0
    np.testing.assert_allclose(white[far], pixels[far], atol=1e-4)
    np.testing.assert_array_equal(_whitened(pixels, np.zeros_like(mask), np.random.default_rng(0)), pixels)


def test_a_sample_is_seeded_and_in_the_form_of_the_network(phantoms):
    first, second = (augment_sample(phantoms.images[1], phantoms.masks[1], 56, np.random.default_rng(3)) for _ in range(2))
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)
        assert (a.shape, a.dtype) == ((56, 56), np.float32)
    assert abs(first[0].mean()) < 1e-3
    assert 0 <= first[1].min() <= first[1].max() <= 1
    assert 0.05 < first[1].mean() < 0.5
    assert not np.array_equal(first[0], augment_sample(phantoms.images[1], phantoms.masks[1], 56, np.random.default_rng(4))[0])


def test_pictures_of_other_things_have_no_lungs():
    samples = lungless_samples(1, 0)
    assert len(samples) == sum(not kind.held_out for kind in KINDS)
    assert not samples.masks.any()
