"""DICOM without preamble: read as the same file with it, and nothing else taken for one."""

import io

import numpy as np
import pytest
from makers import NAME, dicom_around, dicom_bytes, dicom_dataset, jpeg_bytes, png_bytes, ramp
from pydicom.config import disable_value_validation
from pydicom.filewriter import dcmwrite
from pydicom.uid import RLELossless

from pneumo.errors import ImageError
from pneumo.imaging.decoding.archive import is_image
from pneumo.imaging.decoding.decode import decode
from pneumo.imaging.decoding.dicom_sniff import is_bare_dicom

PIXELS = ramp(80, 96, top=4095, dtype=np.uint16)


def bare(implicit: bool, **elements) -> bytes:
    """The data set alone."""
    dataset = dicom_dataset(PIXELS, BitsStored=12, **elements)
    del dataset.file_meta
    buffer = io.BytesIO()
    with disable_value_validation():
        dcmwrite(buffer, dataset, implicit_vr=implicit, little_endian=True, enforce_file_format=False)
    return buffer.getvalue()


WHOLE = dicom_bytes(PIXELS, BitsStored=12)


@pytest.mark.parametrize(
    "data",
    [bare(True), bare(False), WHOLE[132:], bare(True, SOPClassUID=None)],
    ids=["implicit", "explicit", "with its meta header", "begins with the instance"],
)
def test_read_as_the_same_file_with_a_preamble(data):
    assert is_bare_dicom(data)
    assert is_image("IM0001", data[:1024])
    found, expected = decode(data), decode(WHOLE)
    np.testing.assert_array_equal(found.pixels, expected.pixels)
    assert found.facts.modality == "DX"
    assert NAME not in repr(found.facts)


def test_a_compressed_one_with_its_meta_header():
    stream = dicom_bytes(ramp(80, 96), RLELossless)[132:]
    np.testing.assert_allclose(decode(stream).pixels, ramp(80, 96) / 255, atol=0.001)


def test_compressed_without_a_word_how_is_refused():
    data = dicom_around(bytes(2 * 80 * 96), RLELossless, ramp(80, 96))
    data = data[data.index(b"\x08\x00\x16\x00UI") :]
    with pytest.raises(ImageError, match="does not say how"):
        decode(data)


@pytest.mark.parametrize("cut", [0, 3, 11, 40, 90])
def test_cut_short(cut):
    with pytest.raises(ImageError):
        decode(bare(False)[:cut])


@pytest.mark.parametrize(
    "data",
    [
        b"Dear colleague, the chest is clear." * 9,
        b"\x08\x00\x05\x00" * 90,  # the element of a first one, again and again
        b"\x08\x00\x05\x00CS\x0b\x00" + bytes(90),  # of odd length
        b"\x02\x00\x00\x00" + b"\x04\x00\x00\x00" + bytes(90),  # group 0002 is never implicit
        b"\x00\x08\x00\x05CS\x00\x0a" + bytes(90),  # big endian
        png_bytes(ramp()),
        jpeg_bytes(ramp()),
        bytes(300),
        WHOLE,
    ],
)
def test_nothing_else_is_taken_for_one(data):
    assert not is_bare_dicom(data)


def test_noise_is_hardly_ever_taken_for_one():
    rng = np.random.default_rng(0)
    assert not any(is_bare_dicom(b"\x08\x00\x05\x00" + rng.bytes(300)) for _ in range(2000))
