"""None"""

import zlib

import numpy as np
import pytest
from makers import (
    NAME,
    dataset_bytes,
    dicom_around,
    dicom_bytes,
    dicom_dataset,
    jpeg_bytes,
    lut_item,
    packed_lut_item,
    picture_bytes,
    ramp,
)
from PIL import Image
from pydicom.pixels import convert_color_space
from pydicom.uid import (
    JPEG2000,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    RLELossless,
)
from ramps import R8, R12

from pneumo.errors import ImageError, ImageRejected
from pneumo.imaging.decoding.decode import decode_image

pytestmark = pytest.mark.filterwarnings("ignore:::pydicom")  # as in pneumo.imaging.decoding.dicom; pytest resets it


X12 = R12.astype(float)


SIGNED = (X12 - 2048).astype(np.int16)


COLOUR = np.random.default_rng(0).integers(0, 256, (64, 256, 3), np.uint8)


GREY_OF_COLOUR = COLOUR @ [0.299, 0.587, 0.114] / 255


def linear(values, centre, width):
    """The window function of PS3.3 C.11.2.1.2.1, darkest 0 to brightest 1."""
    return np.clip((values - (centre - 0.5)) / (width - 1) + 0.5, 0, 1)


FALLING = [255 - i for i in range(256)]


def high_aligned(bits: int, high: int, syntax: str | None = None) -> bytes:
    """`bits` bits up to bit `high`, with ones in all other bits."""
    top, below = 2**bits - 1, high + 1 - bits
    stored = (ramp(width=256, top=top, dtype=np.uint16) << below) | np.uint16(0xFFFF ^ (top << below))
    dataset = dicom_dataset(stored, BitsStored=16)
    if syntax:
        dataset.compress(syntax)
    dataset.BitsStored, dataset.HighBit = bits, high
    return dataset_bytes(dataset)


def packed_in_big_endian() -> bytes:
    """Big-endian words whose lower byte, which comes second, holds the first entry."""
    item = packed_lut_item(FALLING)
    item.LUTData = np.frombuffer(bytes(FALLING), "<u2").astype(">u2").tobytes()
    dataset = dicom_dataset(R8, VOILUTSequence=[item])
    dataset.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    dataset["PixelData"].VR = "OB"
    return dataset_bytes(dataset)


SQUARE = [i * i // 1024 for i in range(1024)]  # 10 bits in, 10 bits out


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(dicom_bytes(R8), R8 / 255, id="8 bits"),
        pytest.param(dicom_bytes(R12, BitsStored=12), X12 / 4095, id="12 bits"),
        pytest.param(dicom_bytes(R12 // 2 + 100, BitsStored=12), (R12 // 2) / 2047, id="no VOI: the image's own range"),
        pytest.param(dicom_bytes(R12, BitsStored=12, PhotometricInterpretation="MONOCHROME1"), 1 - X12 / 4095, id="MONOCHROME1"),
        pytest.param(
            dicom_bytes(R12, BitsStored=12, WindowCenter=1000, WindowWidth=800), linear(X12, 1000, 800), id="window of 12 bits"
        ),
        pytest.param(
            dicom_bytes(R12, BitsStored=12, WindowCenter=[1000, 9], WindowWidth=[800, 9]), linear(X12, 1000, 800), id="first of two"
        ),
        pytest.param(
            dicom_bytes(R12, BitsStored=12, WindowCenter=1000, WindowWidth=800, PhotometricInterpretation="MONOCHROME1"),
            1 - linear(X12, 1000, 800),
            id="window, then MONOCHROME1",
        ),
        pytest.param(
            dicom_bytes(R12, BitsStored=12, WindowCenter=1000, WindowWidth=800, VOILUTFunction="SIGMOID"),
            1 / (1 + np.exp(-4 * (X12 - 1000) / 800)),
            id="sigmoid",
        ),
        pytest.param(dicom_bytes(R12, BitsStored=12, WindowCenter=0, WindowWidth=0), X12 / 4095, id="window of no width"),
        pytest.param(dicom_bytes(R12, BitsStored=12, WindowCenter="", WindowWidth=""), X12 / 4095, id="empty window"),
        pytest.param(
            dicom_bytes(R12, BitsStored=12, RescaleSlope=2, RescaleIntercept=-1000, WindowCenter=3000, WindowWidth=2000),
            linear(2 * X12 - 1000, 3000, 2000),
            id="rescale, then window",
        ),
        pytest.param(dicom_bytes(R12, BitsStored=12, RescaleSlope=-1, RescaleIntercept=4095), 1 - X12 / 4095, id="negative slope"),
        pytest.param(
            dicom_bytes(R12, BitsStored=12, RescaleSlope=-1, RescaleIntercept=4095, WindowCenter=1000, WindowWidth=800),
            linear(4095 - X12, 1000, 800),
            id="negative slope, then window",
        ),
        pytest.param(dicom_bytes(SIGNED, BitsStored=16), X12 / 4095, id="signed"),
        pytest.param(
            dicom_bytes(SIGNED, BitsStored=16, WindowCenter=-500, WindowWidth=300),
            linear(X12 - 2048, -500, 300),
            id="signed, window",
        ),
        pytest.param(
            dicom_bytes(R12 // 4, BitsStored=12, VOILUTSequence=[lut_item(SQUARE, 0, 10)]),
            np.asarray(SQUARE)[R12 // 4] / 1023,
            id="VOI LUT",
        ),
        pytest.param(
            dicom_bytes(R12, BitsStored=12, VOILUTSequence=[lut_item([i // 16 for i in range(4096)], 0, 8)]),
            (R12 // 16) / 255,
            id="VOI LUT, 12 bits in, 8 out",
        ),
        pytest.param(
            dicom_bytes(R12, BitsStored=12, VOILUTSequence=[lut_item(SQUARE, 1500, 10)], WindowCenter=9, WindowWidth=9),
            np.asarray(SQUARE)[np.clip(R12.astype(int) - 1500, 0, 1023)] / 1023,
            id="VOI LUT before window; clipped at its ends",
        ),
        pytest.param(
            dicom_bytes(R12, BitsStored=12, RescaleSlope="0.25", RescaleIntercept=0, VOILUTSequence=[lut_item(SQUARE, 0, 10)]),
            np.asarray(SQUARE)[np.rint(X12 / 4).astype(int).clip(max=1023)] / 1023,
            id="rescale, then VOI LUT",
        ),
        pytest.param(
            dicom_bytes(SIGNED, BitsStored=16, VOILUTSequence=[lut_item(SQUARE, -512, 10)]),
            np.asarray(SQUARE)[np.clip(SIGNED.astype(int) + 512, 0, 1023)] / 1023,
            id="signed, VOI LUT",
        ),
        pytest.param(dicom_bytes(R12, BitsStored=12, VOILUTSequence=[]), X12 / 4095, id="empty VOI LUT sequence"),
        pytest.param(
            dicom_bytes(R12 // 4, BitsStored=12, ModalityLUTSequence=[lut_item([1023 - i for i in range(1024)], 0, 16)]),
            1 - (R12 // 4) / 1023,
            id="modality LUT",
        ),
        *(
            pytest.param(
                dicom_bytes(R8, **{kind: [packed_lut_item(FALLING, vr)]}), 1 - R8 / 255, id=f"{kind} of packed bytes, {vr}"
            )
            for kind in ("VOILUTSequence", "ModalityLUTSequence")
            for vr in ("OW", "OB", "UN")
        ),
        pytest.param(
            dicom_bytes(R8, VOILUTSequence=[packed_lut_item(FALLING[:255])]),
            (255 - np.minimum(R8, 254)) / 255,
            id="odd number of bytes",
        ),
        pytest.param(packed_in_big_endian(), 1 - R8 / 255, id="packed in words of big endian"),
        *(
            pytest.param(
                high_aligned(bits, high, syntax),
                ramp(width=256, top=2**bits - 1, dtype=np.uint16) / (2**bits - 1),
                id=f"{bits} bits up to bit {high}, {'RLE' if syntax else 'uncompressed'}",
            )
            for bits, high in ((12, 15), (10, 12), (8, 15), (12, 11))
            for syntax in (None, RLELossless)
        ),
        pytest.param(dicom_bytes(COLOUR, Modality="OT"), GREY_OF_COLOUR, id="RGB secondary capture"),
        pytest.param(
            dicom_bytes(convert_color_space(COLOUR, "RGB", "YBR_FULL"), PhotometricInterpretation="YBR_FULL"),
            GREY_OF_COLOUR,
            id="YBR",
        ),
        pytest.param(dicom_bytes(R12, RLELossless, BitsStored=12), X12 / 4095, id="RLE"),
        pytest.param(dicom_bytes(R12, JPEG2000Lossless, BitsStored=12), X12 / 4095, id="JPEG 2000"),
        pytest.param(dicom_around(jpeg_bytes(R8), JPEGBaseline8Bit, R8), R8 / 255, id="JPEG"),
        pytest.param(dicom_bytes(R8, PixelData=R8.tobytes() + bytes(500)), R8 / 255, id="bytes to spare"),
        pytest.param(dicom_bytes(R8, Modality=None), R8 / 255, id="no modality"),
    ],
)
def test_pixels(data, expected):
    pixels = decode_image(data).pixels
    assert pixels.dtype == np.float32
    np.testing.assert_allclose(pixels, expected, atol=0.005)


def deflated() -> bytes:
    """The same file, deflated, with a hundred megabytes of zeros after it."""
    whole = dicom_dataset(R8)
    plain = dataset_bytes(whole)
    whole.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    header = dataset_bytes(whole)
    header = header[: header.index(DeflatedExplicitVRLittleEndian.encode()) + 22]
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return header + packer.compress(plain[len(header) :] + bytes(100 * 2**20)) + packer.flush()


HUGE = dicom_bytes(R8, Rows=65535, Columns=65535)


COMPRESSED_LIE = dicom_around(picture_bytes(Image.new("L", (3000, 3000)), "JPEG2000", no_jp2=True), JPEG2000, R8)


@pytest.mark.parametrize(
    ("data", "error", "match"),
    [
        pytest.param(dicom_bytes(R8, PixelData=None), ImageError, "no image", id="no pixels"),
        pytest.param(dicom_bytes(R8, Modality="CT"), ImageRejected, "a CT image; expected a radiograph", id="CT"),
        pytest.param(dicom_bytes(R8, Modality=NAME), ImageRejected, "another kind of image", id="junk modality"),
        pytest.param(
            dicom_bytes(R8, NumberOfFrames=3, PixelData=R8.tobytes() * 3), ImageRejected, "3 frames; expected one", id="frames"
        ),
        pytest.param(
            dicom_bytes(R8, NumberOfFrames="7777").replace(b"7777", b"some"), ImageError, "cannot be decoded", id="frames no number"
        ),
        pytest.param(deflated(), ImageError, "deflated", id="deflated"),
        pytest.param(HUGE, ImageRejected, "65535 x 65535 pixels; at most 50", id="huge"),
        pytest.param(dicom_bytes(R8, Rows=0), ImageError, "declares 256 x 0 pixels", id="no rows"),
        pytest.param(dicom_bytes(R8)[:-200], ImageError, "take 16384 bytes, it has 16184", id="cut short"),
        pytest.param(dicom_bytes(R8)[:300], ImageError, "no image|damaged", id="header cut short"),
        pytest.param(dicom_bytes(R8, Rows=128), ImageError, "cut short or damaged: 256 x 128", id="fewer bytes than declared"),
        pytest.param(dicom_bytes(R8)[:132], ImageError, "no image|damaged", id="preamble only"),
        pytest.param(dicom_bytes(COLOUR, JPEG2000Lossless)[:-3000], ImageError, "no image.*cut short", id="JPEG 2000 cut short"),
        pytest.param(COMPRESSED_LIE, ImageError, "differ in size", id="codestream larger than declared"),
        pytest.param(dicom_around(b"\x01" * 64, JPEGBaseline8Bit, R8), ImageError, "cannot be decoded", id="no codestream"),
        pytest.param(dicom_bytes(R8, Columns=None), ImageError, "lacks Columns", id="no Columns"),
        pytest.param(dicom_bytes(R8, Rows=None, BitsStored=None), ImageError, "lacks Rows, BitsStored", id="no Rows, BitsStored"),
        pytest.param(
            dicom_bytes(R8, PhotometricInterpretation=None), ImageError, "lacks PhotometricInterpretation", id="no photometric"
        ),
        pytest.param(dicom_bytes(R8, PhotometricInterpretation="PALETTE COLOR"), ImageError, "palette", id="palette"),
        pytest.param(dicom_bytes(R8 * 0 + 7), ImageRejected, "no contrast", id="constant"),
        pytest.param(dicom_bytes(R8, RescaleSlope="NaN", RescaleIntercept=0), ImageError, "rescale or window", id="NaN slope"),
        pytest.param(dicom_bytes(R8, VOILUTFunction="BENT", WindowCenter=1, WindowWidth=9), ImageError, "decoded", id="function"),
    ],
)
def test_refused(data, error, match):
    with pytest.raises(error, match=match) as caught:
        decode_image(data)
    assert type(caught.value) is error


@pytest.mark.parametrize("data", [HUGE, COMPRESSED_LIE, deflated()])
def test_bombs_are_refused_before_a_pixel_is_decoded(data, monkeypatch):
    def decoded(*_):
        raise AssertionError("decoded or inflated")

    monkeypatch.setattr("pydicom.Dataset.pixel_array", property(decoded))
    monkeypatch.setattr("zlib.decompress", decoded)
    with pytest.raises((ImageError, ImageRejected), match=r"65535|differ in size|deflated"):
        decode_image(data)


def test_deflated_is_detected_after_a_long_header():
    dataset = dicom_dataset(R8)
    dataset.file_meta.FileMetaInformationVersion = bytes(9000)
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    data = dataset_bytes(dataset)
    assert data.index(DeflatedExplicitVRLittleEndian.encode()) > 9000
    with pytest.raises(ImageError, match="deflated"):
        decode_image(data)


def test_monochrome1_is_the_inverse_of_monochrome2():
    for window in ({}, {"WindowCenter": 700, "WindowWidth": 600}):
        photometric = ("MONOCHROME1", "MONOCHROME2")
        files = (dicom_bytes(R12, BitsStored=12, PhotometricInterpretation=kind, **window) for kind in photometric)
        first, second = map(decode_image, files)
        np.testing.assert_allclose(first.pixels, 1 - second.pixels, atol=1e-6)
        assert first.facts.notes == ("MONOCHROME1 turned so that bone is white",)
        assert second.facts.notes == ()
