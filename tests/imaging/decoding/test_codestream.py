import struct

import numpy as np
import pytest
from makers import jpeg_bytes, picture_bytes, ramp
from PIL import Image

from pneumo.imaging.decoding.codestream import check_rle, codestream_size, is_whole

JPEG = jpeg_bytes(ramp())
SOF = JPEG.index(b"\xff\xc0")
SEGMENT = JPEG[SOF : SOF + 2 + int.from_bytes(JPEG[SOF + 2 : SOF + 4], "big")]


@pytest.mark.parametrize(
    ("stream", "size"),
    [
        (JPEG, (80, 64, 1)),
        (jpeg_bytes(ramp(), "RGB"), (80, 64, 3)),
        (jpeg_bytes(ramp(), progressive=True), (80, 64, 1)),
        (JPEG[:2] + b"\xff\xff\xff" + JPEG[2:], (80, 64, 1)),  # fill bytes before a marker
        (JPEG[:2] + b"\xff\xe5" + (2 + len(SEGMENT)).to_bytes(2, "big") + SEGMENT.replace(b"\0@", b"\0A") + JPEG[2:], (80, 64, 1)),
        (picture_bytes(Image.fromarray(ramp()), "JPEG2000", no_jp2=True), (80, 64, 1)),
        (picture_bytes(Image.new("RGB", (70, 90)), "JPEG2000", no_jp2=True), (70, 90, 3)),
    ],
)
def test_size_is_read_from_the_header(stream, size):
    assert codestream_size(stream) == size


@pytest.mark.parametrize(
    "stream",
    [
        b"",
        b"\xff\xd8",
        b"not a codestream",
        JPEG[:SOF],
        JPEG[:SOF] + SEGMENT + JPEG[SOF:],  # two frame headers
        JPEG[:SOF] + b"\xff\xde" + JPEG[SOF + 2 :],  # hierarchical
        b"\xff\x4f\xff\x51\x00",
        np.zeros(99, np.uint8).tobytes(),
    ],
)
def test_anything_else_is_no_size(stream):
    with pytest.raises(ValueError, match="expected"):
        codestream_size(stream)


@pytest.mark.parametrize("stream", [JPEG, picture_bytes(Image.fromarray(ramp()), "JPEG2000", no_jp2=True)])
def test_a_stream_is_whole_with_its_end_marker_and_padding(stream):
    assert is_whole(stream)
    assert is_whole(stream + b"\x00")
    assert is_whole(stream + b"\xff\xff")
    assert not is_whole(stream[:-1])
    assert not is_whole(stream[: len(stream) // 2])


def rle_header(*offsets, count=None) -> bytes:
    return struct.pack("<16L", len(offsets) if count is None else count, *offsets, *[0] * (15 - len(offsets)))


def test_rle_header_as_expected():
    check_rle(rle_header(64, 70) + bytes(20), 2)


@pytest.mark.parametrize(
    ("stream", "segments"),
    [
        (b"", 1),
        (rle_header(64)[:63], 1),
        (rle_header(64) + bytes(20), 2),  # a plane is missing
        (rle_header(64, count=99) + bytes(20), 99),  # more than the header holds
        (rle_header(60) + bytes(20), 1),  # begins within the header
        (rle_header(64, 64) + bytes(20), 2),  # the same bytes twice
        (rle_header(64, 1000) + bytes(20), 2),  # beyond the end
        (rle_header(64), 1),  # nothing after the header
    ],
)
def test_rle_header_that_cannot_be(stream, segments):
    with pytest.raises(ValueError, match="RLE"):
        check_rle(stream, segments)
