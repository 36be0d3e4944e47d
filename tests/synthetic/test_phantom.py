"""Phantoms: seeded, the same child for every subtype, with a ground truth that matches the grey levels."""

import io
from collections import Counter

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from pneumo.data.records import scan
from pneumo.errors import DataError
from pneumo.imaging.decoding.decode import decode_image
from pneumo.imaging.radiograph import SYNTHETIC
from pneumo.synthetic.phantom import make_phantom, phantom_png, write_set

SIZE = {"height": 160, "width": 200}
SEEDS = range(6)


@pytest.mark.parametrize("subtype", ["none", "bacterial", "viral"])
def test_same_seed_same_phantom(subtype):
    first, second = make_phantom(subtype, 7, **SIZE), make_phantom(subtype, 7, **SIZE)
    for field in ("pixels", "lungs", "opacity"):
        np.testing.assert_array_equal(getattr(first, field), getattr(second, field))
    assert (first.pixels.dtype, first.lungs.dtype, first.opacity.dtype) == (np.float32, bool, bool)
    assert first.pixels.shape == first.lungs.shape == first.opacity.shape == (160, 200)
    assert first.pixels.min() >= 0
    assert first.pixels.max() <= 1


def test_different_seeds_are_different_children():
    pictures = [make_phantom("none", seed, **SIZE).pixels for seed in SEEDS]
    for number, picture in enumerate(pictures[1:]):
        assert np.abs(picture - pictures[number]).mean() > 0.03


def test_a_retake_moves_the_same_child():
    first, again = make_phantom("viral", 3, **SIZE), make_phantom("viral", 3, **SIZE, retake=1)
    assert np.abs(first.pixels - again.pixels).mean() > 0.01
    # The disease moves with the body, so its share of the lungs stays the same.
    shares = [phantom.opacity.sum() / phantom.lungs.sum() for phantom in (first, again)]
    assert shares[0] == pytest.approx(shares[1], rel=0.1)


@pytest.mark.parametrize("seed", SEEDS)
def test_air_is_dark_and_heart_and_spine_are_bright(seed):
    phantom = make_phantom("none", seed, **SIZE)
    labels, parts = ndimage.label(phantom.lungs)
    largest = sorted(ndimage.find_objects(labels), key=lambda box: -(labels[box] > 0).sum())[:2]
    left, right = sorted(largest, key=lambda box: box[1].start)
    assert parts >= 2
    assert left[1].stop <= right[1].start + 5  # heart and mediastinum lie between the two
    # Between the inner edges of the lungs in their lower half: heart over spine.
    rows = slice((left[0].start + left[0].stop) // 2, left[0].stop - 15)
    middle = slice((left[1].stop + right[1].start) // 2 - 8, (left[1].stop + right[1].start) // 2 + 8)
    lung = phantom.pixels[phantom.lungs].mean()
    assert phantom.pixels[rows, middle].mean() > lung + 0.2
    assert phantom.pixels[:30, :20].mean() < lung  # outside the body
    assert 0.1 < phantom.lungs.mean() < 0.35


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("subtype", ["bacterial", "viral"])
def test_the_opacity_lies_in_the_lungs_and_is_brighter_than_normal_lung(subtype, seed):
    well, sick = make_phantom("none", seed, **SIZE), make_phantom(subtype, seed, **SIZE)
    np.testing.assert_array_equal(well.lungs, sick.lungs)
    assert not (sick.opacity & ~sick.lungs).any()
    assert sick.opacity.sum() > 0.04 * sick.lungs.sum()
    change = (sick.pixels - well.pixels)[sick.opacity]
    assert change.mean() > 0.1
    assert (change > 0).mean() > 0.98
    # The exposure does not depend on the disease: the abdomen is unchanged.
    np.testing.assert_allclose(sick.pixels[-20:], well.pixels[-20:], atol=0.01)


@pytest.mark.parametrize("seed", SEEDS)
def test_bacterial_is_one_sided_and_viral_two_sided(seed):
    for subtype, sides in (("bacterial", 1), ("viral", 2)):
        phantom = make_phantom(subtype, seed, **SIZE)
        labels, _ = ndimage.label(phantom.lungs)
        areas = np.bincount(labels.ravel())[1:]
        lungs = np.argsort(areas)[-2:] + 1
        assert sum(bool((phantom.opacity & (labels == lung)).any()) for lung in lungs) == sides


def test_labels_and_the_empty_mask_of_the_normal():
    normal = make_phantom("none", 0, **SIZE)
    assert (normal.label, normal.subtype) == ("NORMAL", "none")
    assert not normal.opacity.any()
    for subtype in ("bacterial", "viral"):
        phantom = make_phantom(subtype, 0, **SIZE)
        assert (phantom.label, phantom.subtype) == ("PNEUMONIA", subtype)


def test_anatomy_is_the_same_at_every_size():
    small, large = make_phantom("bacterial", 4, 128, 160), make_phantom("bacterial", 4, 512, 640)
    for field in ("lungs", "opacity"):
        coarse, fine = getattr(small, field), getattr(large, field)[2::4, 2::4]
        assert (coarse & fine).sum() > 0.85 * (coarse | fine).sum()
    assert make_phantom("viral", 4, 64, 64).opacity.any()


@pytest.mark.parametrize(("arguments", "word"), [(("fungal",), "fungal"), (("none", 0, 63, 200), "200 x 63")])
def test_invalid_arguments_are_refused(arguments, word):
    with pytest.raises(DataError, match=word):
        make_phantom(*arguments)


def test_png_is_decoded_and_noted_as_synthetic():
    phantom = make_phantom("viral", 2, **SIZE)
    data = phantom_png(phantom)
    image = Image.open(io.BytesIO(data))
    assert image.mode == "L"
    assert image.text == {"Comment": SYNTHETIC}
    radiograph = decode_image(data)
    assert radiograph.pixels.shape == (160, 200)
    # The mark is only in the bottom margin; the rest equals the phantom within half a grey level.
    np.testing.assert_allclose(radiograph.pixels[:-14], phantom.pixels[:-14], atol=0.5 / 255 + 1e-6)
    assert (np.abs(radiograph.pixels - phantom.pixels)[-14:] > 0.3).sum() > 50


def test_write_set_is_read_back_by_scan(tmp_path):
    root = tmp_path / "demo"
    written = write_set(root, 3, seed=1)
    records = scan(root)
    assert written == len(records) == 24
    # Patients 1 to 3 train, 4 val, 5 and 6 test; patients 3 and 6 were imaged twice.
    counts = Counter((record.split, record.subtype) for record in records)
    for subtype in ("none", "bacterial", "viral"):
        assert [counts[split, subtype] for split in ("train", "val", "test")] == [4, 1, 3]
    assert all((record.label == "NORMAL") == (record.subtype == "none") for record in records)
    patients = {split: {record.patient for record in records if record.split == split} for split in ("train", "val", "test")}
    assert [len(patients[split]) for split in ("train", "val", "test")] == [9, 3, 6]
    assert not patients["train"] & patients["val"]
    assert not patients["train"] & patients["test"]
    assert not patients["val"] & patients["test"]
    shapes = {decode_image((root / record.path).read_bytes()).pixels.shape for record in records}
    assert len(shapes) > 10
    assert "no patient" in (root / "SYNTHETIC.txt").read_text(encoding="utf-8")


@pytest.mark.slow
def test_write_set_is_repeatable_by_seed(tmp_path):
    for name, seed in (("a", 5), ("b", 5), ("c", 6)):
        write_set(tmp_path / name, 1, seed)
    path = "train/NORMAL/IM-0001-0001.png"
    first, same, other = ((tmp_path / name / path).read_bytes() for name in "abc")
    assert first == same
    assert first != other


def test_write_set_refuses_existing_files(tmp_path):
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(DataError, match="not an empty folder"):
        write_set(tmp_path, 1)
    with pytest.raises(DataError, match="not an empty folder"):
        write_set(tmp_path / "mine.txt", 1)
    with pytest.raises(DataError, match="at least 1"):
        write_set(tmp_path / "new", 0)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
