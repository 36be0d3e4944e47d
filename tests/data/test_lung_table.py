"""The table of lung masks in the package."""

from pathlib import Path

from pneumo.data.lung_table import OutlinedImage, original_sizes, read_table
from pneumo.labels import identify

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
