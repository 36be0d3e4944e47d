"""Pictures and masks are varied together, and children that are measured on are never learned from."""

import cv2
import numpy as np
import pytest

from pneumo.data.outlines import Outline
from pneumo.data.phantom import write_set
from pneumo.data.records import scan
from pneumo.inference.lung_fields import LungFields
from pneumo.training.lung_samples import _moved, _whitened, found_samples, outlined_samples, phantom_samples, varied

SQUARE = ((30.0, 40.0), (90.0, 40.0), (90.0, 150.0), (30.0, 150.0))
OTHER = ((130.0, 40.0), (190.0, 40.0), (190.0, 150.0), (130.0, 150.0))


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    root = tmp_path_factory.mktemp("lungs") / "set"
    write_set(root, patients=3)
    return root


@pytest.fixture(scope="module")
def phantoms():
    return phantom_samples(4, 0)


class Finder:
    """Finds the same fields everywhere; what it says of them is told."""

    def __init__(self, quality=0.99, reason=""):
        self.quality, self.reason, self.seen = quality, reason, []

    def find(self, image):
        self.seen.append(image)
        mask = np.zeros((224, 224), bool)
        mask[40:150, 30:90] = True
        return LungFields(mask, self.quality, self.reason)


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
    path = scan(data)[0].path
    samples = outlined_samples(data, [Outline(path, False, (SQUARE, OTHER))])
    assert samples.images.shape == (1, 224, 224)
    assert samples.masks[0, 100, 60]
    assert samples.masks.sum() == 2 * 60 * 110


def test_picture_and_mask_move_as_one(phantoms):
    mask = phantoms.masks[0].astype(np.float32)
    moved = []
    for seed in range(6):
        pixels, lungs = _moved(mask, mask, np.random.default_rng(seed))
        np.testing.assert_array_equal(pixels, lungs)
        moved.append(lungs)
    assert all(np.abs(lungs - mask).mean() > 0.02 for lungs in moved)
    assert np.std([lungs.sum() for lungs in moved]) > 0


def test_whitening_stays_in_the_lungs_and_can_only_draw_them_to_the_tissue(phantoms):
    pixels, mask = phantoms.images[0] / np.float32(255), phantoms.masks[0].astype(np.float32)
    white = _whitened(pixels, mask, np.random.default_rng(0))
    inside = phantoms.masks[0]
    assert white[inside].mean() > pixels[inside].mean() + 0.05
    far = cv2.dilate(mask, np.ones((41, 41))) == 0
    np.testing.assert_allclose(white[far], pixels[far], atol=1e-4)
    np.testing.assert_array_equal(_whitened(pixels, np.zeros_like(mask), np.random.default_rng(0)), pixels)


def test_a_draw_is_seeded_and_in_the_networks_form(phantoms):
    first, second = (varied(phantoms.images[1], phantoms.masks[1], 56, np.random.default_rng(3)) for _ in range(2))
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)
        assert (a.shape, a.dtype) == ((56, 56), np.float32)
    assert abs(first[0].mean()) < 1e-3
    assert 0 <= first[1].min() <= first[1].max() <= 1
    assert 0.05 < first[1].mean() < 0.5
    assert not np.array_equal(first[0], varied(phantoms.images[1], phantoms.masks[1], 56, np.random.default_rng(4))[0])


def test_no_image_of_a_child_kept_aside_is_looked_at(data):
    records = [record for record in scan(data) if record.split == "train"]
    finder = Finder()
    everything = found_samples(finder, data, records, (), 1000, 0.9, seed=0)
    assert len(everything) == len(finder.seen) == len(records)
    child = records[-1]
    finder = Finder()
    rest = found_samples(finder, data, records, (Outline(child.path, True, (SQUARE, OTHER)),), 1000, 0.9, seed=0)
    assert len(rest) == len(records) - sum(record.patient == child.patient for record in records)


@pytest.mark.parametrize("finder", [Finder(quality=0.5), Finder(reason="Only one lung field was found; expected two.")])
def test_what_is_doubtful_is_not_learned_from(data, finder):
    samples = found_samples(finder, data, scan(data), (), 4, 0.9, seed=0)
    assert len(finder.seen) == 4
    assert len(samples) == 0
    assert samples.images.shape == samples.masks.shape == (0, 224, 224)
