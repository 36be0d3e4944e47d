from pathlib import Path

import numpy as np
import pytest

from pneumo.data.lung_masks import (
    FILE,
    LungMasks,
    LungPlace,
    OutlinedImage,
    original_sizes,
    outlined_lungs,
    place_of,
    read_masks,
    read_table,
    write_masks,
)
from pneumo.data.records import Record
from pneumo.errors import DataError
from pneumo.labels import identify

MASKS = np.random.default_rng(0).random((3, 224, 224)) < 0.3
FILES = ("train/NORMAL/IM-0001-0001.jpeg", "train/PNEUMONIA/person1_virus_2.jpeg", "test/NORMAL/IM-0009-0001.jpeg")
STORED = LungMasks(FILES, np.packbits(MASKS.reshape(3, -1), axis=1))


def test_written_and_read_again(tmp_path):
    write_masks(STORED, tmp_path)
    masks = read_masks(tmp_path)
    assert masks.files == FILES
    np.testing.assert_array_equal(masks[1], MASKS[1])
    np.testing.assert_array_equal(masks[np.array([2, 0])], MASKS[[2, 0]])
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


def test_the_masks_of_some_records_in_their_order():
    records = [
        Record(FILES[2], "NORMAL", "none", "IM-0009", "test"),
        Record("train/x.jpeg", "NORMAL", "none", "x", "train"),
        Record(FILES[0], "NORMAL", "none", "IM-0001", "train"),
    ]
    chosen = STORED.of(records)
    assert chosen.files == (FILES[2], FILES[0])
    np.testing.assert_array_equal(chosen[1], MASKS[0])


def test_files_without_masks_are_refused(tmp_path):
    with pytest.raises(DataError, match="data masks"):
        read_masks(tmp_path)
    (tmp_path / FILE).write_bytes(b"nothing")
    with pytest.raises(DataError, match="no file of lung masks"):
        read_masks(tmp_path)
    np.savez(tmp_path / FILE, files=np.array(FILES), masks=MASKS)
    with pytest.raises(DataError, match="received bool"):
        read_masks(tmp_path)


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


TABLE = read_table()


def test_every_image_has_a_mask_of_its_own():
    assert len(TABLE) == len({image.file for image in TABLE}) == len({image.annotation for image in TABLE}) == 5513
    assert TABLE[0] == OutlinedImage("test/NORMAL/IM-0001-0001.jpeg", 1857, 1317, 965322, 0.991)
    assert {image.file.split("/")[0] for image in TABLE} == {"train", "test"}
    for image in TABLE:
        subtype, _ = identify(Path(image.file).stem)
        assert (subtype == "none") == (image.file.split("/")[1] == "NORMAL")


def test_no_mask_of_the_publishers_other_pictures():
    # 167xxxx are adults with COVID-19: 15 of them fitted a child's lungs by shape, at sizes that no image of this set has.
    assert max(image.annotation for image in TABLE) < 1_000_000
    assert max(image.width for image in TABLE) == 2916
    assert min(image.width for image in TABLE) == 384


def test_original_sizes():
    assert original_sizes()["test/NORMAL/IM-0001-0001.jpeg"] == (1857, 1317)
    assert "train/PNEUMONIA/person1472_virus_2550.jpeg" not in original_sizes()
