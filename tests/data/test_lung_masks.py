import numpy as np
import pytest

from pneumo.data.lung_masks import FILE, LungMasks, read_masks, write_masks
from pneumo.data.records import Record
from pneumo.errors import DataError

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
