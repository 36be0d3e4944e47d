import numpy as np
import pytest
from makers import dicom_bytes, jpeg_bytes, png_bytes, ramp

from pneumo.data.arrays import load_canonical
from pneumo.errors import DataError
from pneumo.imaging.decode import decode
from pneumo.imaging.preprocess import canonical


def test_images_in_order_through_the_serving_decoder(tmp_path):
    rng = np.random.default_rng(0)
    files = {
        "a.png": png_bytes(rng.integers(0, 256, (224, 224), np.uint8)),
        "b.jpeg": jpeg_bytes(ramp(90, 300)),
        "sub/c é.dcm": dicom_bytes(ramp(100, 80, 4095, np.uint16), BitsStored=12, PhotometricInterpretation="MONOCHROME1"),
        "d.png": png_bytes(ramp(64, 64, 65535, np.uint16)),
    }
    (tmp_path / "sub").mkdir()
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    images = load_canonical(tmp_path, list(files))
    assert (images.shape, images.dtype) == ((4, 224, 224), np.uint8)
    for image, data in zip(images, files.values(), strict=True):
        assert np.array_equal(image, canonical(decode(data)))
    assert images[2, 0, 0] > 250 > 5 > images[2, 0, -1]  # MONOCHROME1 is turned here too


def test_every_bad_file_is_named(tmp_path):
    (tmp_path / "good.png").write_bytes(png_bytes(ramp()))
    (tmp_path / "empty.jpeg").write_bytes(b"")
    (tmp_path / "text.png").write_text("no image")
    (tmp_path / "small.png").write_bytes(png_bytes(ramp(10, 10)))
    with pytest.raises(DataError, match="remove or replace") as caught:
        load_canonical(tmp_path, ["good.png", "empty.jpeg", "text.png", "missing.png", "small.png"])
    lines = str(caught.value).splitlines()[1:]
    assert [line.split(":")[0] for line in lines] == ["empty.jpeg", "text.png", "missing.png", "small.png"]
    assert "0 bytes" in lines[0]


def test_nothing_to_load(tmp_path):
    assert load_canonical(tmp_path, []).shape == (0, 224, 224)
