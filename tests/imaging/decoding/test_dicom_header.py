"""Files refused before decoding, every compression, and limits of memory."""

import struct

import numpy as np
import pydicom.uid
import pytest
from dicom_streams import BARS, STREAMS
from makers import NAME, dataset_bytes, dicom_around, dicom_bytes, dicom_dataset, jpeg_bytes, lut_item, packed_lut_item, ramp
from pydicom.encaps import encapsulate
from pydicom.uid import (
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    RLELossless,
)

from pneumo.errors import ImageError, ImageRejected
from pneumo.imaging.decoding.decode import decode_image
from pneumo.imaging.radiograph import Spacing

pytestmark = pytest.mark.filterwarnings("ignore:::pydicom")

R8 = ramp(width=256)


def compressed(name: str, stream: bytes) -> bytes:
    bars = BARS if name != "JPEGBaseline8Bit" else (BARS // 16).astype(np.uint8)
    dataset = dicom_dataset(bars, BitsStored=12 if bars.itemsize == 2 else 8)
    dataset.file_meta.TransferSyntaxUID = getattr(pydicom.uid, name)
    dataset.PixelData = encapsulate([stream])
    dataset["PixelData"].VR = "OB"
    return dataset_bytes(dataset)


@pytest.mark.parametrize("name", STREAMS)
def test_every_compression_is_read(name):
    atol = 1e-6 if name.endswith(("Lossless", "LosslessSV1")) and "Near" not in name else 0.03
    np.testing.assert_allclose(decode_image(compressed(name, STREAMS[name])).pixels, BARS / 4000, atol=atol)


@pytest.mark.parametrize("name", STREAMS)
@pytest.mark.parametrize("left", [0.4, 0.9])
def test_a_compressed_image_cut_short_is_never_answered(name, left):
    """JPEG and JPEG-LS decoders silently fill the rest with grey."""
    stream = STREAMS[name][: int(left * len(STREAMS[name]))]
    with pytest.raises(ImageError, match=r"cut short|cannot be decoded"):
        decode_image(compressed(name, stream))


def test_colour_jpeg_of_a_secondary_capture():
    grey = np.stack([R8] * 3, axis=-1)
    dataset = dicom_dataset(grey, Modality="OT", PhotometricInterpretation="YBR_FULL_422")
    dataset.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    dataset.PixelData = encapsulate([jpeg_bytes(grey, "RGB")])
    dataset["PixelData"].VR = "OB"
    radiograph = decode_image(dataset_bytes(dataset))
    np.testing.assert_allclose(radiograph.pixels, R8 / 255, atol=0.01)
    assert radiograph.facts.notes == ("colours converted to grey",)


def rle(segments: list[bytes], **elements) -> bytes:
    starts = np.cumsum([64, *map(len, segments)])[:-1]
    frame = struct.pack("<16L", len(segments), *starts, *[0] * (15 - len(segments))) + b"".join(segments)
    dataset = dicom_dataset(np.zeros((64, 256), np.uint16), BitsStored=12, **elements)
    dataset.file_meta.TransferSyntaxUID = RLELossless
    dataset.PixelData = encapsulate([frame])
    dataset["PixelData"].VR = "OB"
    return dataset_bytes(dataset)


PLANE = bytes([129, 3]) * 64 + bytes([129, 9]) * 64  # 64 x 256 bytes: each pair is 128 times the second


def test_rle_planes_by_value():
    pixels = decode_image(rle([PLANE, PLANE], WindowCenter=2048, WindowWidth=4096)).pixels
    assert pixels[0, 0] == pytest.approx(0x303 / 4095)
    assert pixels[-1, -1] == pytest.approx(0x909 / 4095)


def test_an_rle_bomb_never_reaches_the_unlimited_decoder(monkeypatch):
    """pydicom's own decoder unpacks a whole segment. By default it is used if the limited decoder fails."""

    asked = []
    monkeypatch.setattr("pydicom.pixels.decoders.rle._rle_decode_segment", asked.append)
    with pytest.raises(ImageError, match="cannot be decoded"):
        decode_image(rle([bytes([129, 3]) * 2**16, PLANE[:-2]]))
    assert not asked


def test_a_panic_of_the_rle_decoder_is_an_image_error():
    """Found by bench/fuzz_files.py: the Rust decoder panics if the first segment is too long, and a panic is not an Exception."""
    with pytest.raises(ImageError, match="cannot be decoded"):
        decode_image(rle([PLANE + bytes([129, 3]), PLANE]))


@pytest.mark.parametrize("segments", [[PLANE], [PLANE] * 3, []])
def test_rle_with_a_wrong_number_of_segments(segments):
    with pytest.raises(ImageError, match="cannot be decoded"):
        decode_image(rle(segments))


def with_items(tag: bytes, count: int) -> bytes:
    """A file with a sequence of undefined length before the pixels; each of its empty items takes 8 bytes."""
    plain = dicom_bytes(R8)
    at = plain.index(b"\xe0\x7f\x10\x00")
    sequence = tag + b"SQ\0\0\xff\xff\xff\xff" + b"\xfe\xff\x00\xe0\0\0\0\0" * count + b"\xfe\xff\xdd\xe0\0\0\0\0"
    return plain[:at] + sequence + plain[at:]


@pytest.mark.parametrize("tag", [b"\x28\x00\x10\x30", b"\x29\x00\x10\x10"])  # VOI LUT Sequence; a private one
def test_too_many_header_items_are_refused(tag):
    assert decode_image(with_items(b"\x29\x00\x10\x10", 1000)).pixels.shape == R8.shape
    with pytest.raises(ImageError, match="more elements than any X-ray"):
        decode_image(with_items(tag, 60_000))


def test_oversized_look_up_tables_are_refused():
    item = lut_item([0, 255], 0, 8)
    item.LUTExplanation = "x" * 1_100_000
    item["LUTExplanation"].VR = "LT"
    with pytest.raises(ImageError, match="look-up tables are too large"):
        decode_image(dicom_bytes(R8, VOILUTSequence=[item]))


def without_syntax() -> bytes:
    data = dicom_bytes(R8)
    return data.replace(ExplicitVRLittleEndian.encode(), b"1.2.840.10008.1.2.7")


def private_only() -> bytes:
    dataset = dicom_dataset(R8)
    for element in list(dataset):
        if not element.keyword.startswith("SOP"):
            del dataset[element.tag]
    dataset.private_block(0x29, NAME, create=True).add_new(1, "LO", NAME)
    return dataset_bytes(dataset)


def wrong_length() -> bytes:
    """The element before the pixels claims to be four gigabytes long."""
    data = bytearray(dicom_bytes(R8, ImageComments="note"))
    at = data.index(b"\xe0\x7f\x10\x00")
    data[at:at] = b"\x29\x00\x10\x10OB\0\0\xf0\xff\xff\xff"
    return bytes(data)


def high_in_a_codestream() -> bytes:
    dataset = dicom_dataset(R8.astype(np.uint16) * 16, BitsStored=12)
    dataset.compress(JPEG2000Lossless)
    dataset.HighBit = 15
    return dataset_bytes(dataset)


def short_table() -> bytes:
    item = packed_lut_item(list(range(256)))
    item.LUTData = item.LUTData[:100]
    return dicom_bytes(R8, VOILUTSequence=[item])


@pytest.mark.parametrize(
    ("data", "error", "match"),
    [
        pytest.param(short_table(), ImageError, "256 entries of 8 bits are declared, it has 100 bytes", id="short table"),
        pytest.param(high_in_a_codestream(), ImageError, "12 bits of a pixel end at bit 15, not 11", id="high bit, compressed"),
        pytest.param(private_only(), ImageError, "no image", id="private tags only"),
        pytest.param(wrong_length(), ImageError, "no image", id="an element of 4 GB"),
        pytest.param(without_syntax(), ImageError, "compressed in a way that is not read", id="unknown transfer syntax"),
        pytest.param(dicom_around(b"\0\0\1\xb3" * 9, "1.2.840.10008.1.2.4.100", R8), ImageError, "a video, perhaps", id="MPEG-2"),
        pytest.param(dicom_bytes(R8, BitsAllocated=32), ImageError, "32 bits a pixel; expected 8 or 16", id="32 bits"),
        pytest.param(dicom_bytes(R8, BitsAllocated=1, BitsStored=1), ImageError, "1 bits a pixel", id="1 bit"),
        pytest.param(dicom_bytes(R8, BitsStored=12), ImageError, "contradicts itself", id="more bits stored than allocated"),
        pytest.param(dicom_bytes(R8, BitsStored=8, HighBit=6), ImageError, "contradicts itself", id="bits below the lowest"),
        pytest.param(dicom_bytes(R8, BitsStored=0, HighBit=0), ImageError, "contradicts itself", id="no bits"),
        pytest.param(dicom_bytes(R8, PixelData=R8.tobytes() * 3), ImageError, "several images", id="three frames, one declared"),
        pytest.param(dicom_bytes(R8, PixelData=b""), ImageError, "no image", id="empty pixels"),
        pytest.param(dicom_bytes(R8, SamplesPerPixel=2), ImageError, "palette", id="two samples"),
        pytest.param(dicom_bytes(R8, PhotometricInterpretation="RGB"), ImageError, "palette", id="RGB of one sample"),
        pytest.param(dicom_bytes(R8, PhotometricInterpretation="YBR_PARTIAL_420"), ImageError, "palette", id="odd photometric"),
        pytest.param(
            dicom_around(STREAMS["JPEG2000Lossless"], JPEG2000Lossless, R8), ImageError, "differ in size", id="another size within"
        ),
        pytest.param(dicom_bytes(R8, Modality="SEG"), ImageRejected, "a SEG image", id="segmentation"),
    ],
)
def test_refused(data, error, match):
    with pytest.raises(error, match=match) as caught:
        decode_image(data)
    assert type(caught.value) is error
    assert caught.value.__context__ is None


def test_implicit_vr_and_empty_elements_are_read():
    dataset = dicom_dataset(R8, RescaleSlope="", RescaleIntercept="", NumberOfFrames="", VOILUTFunction="", BodyPartExamined="")
    dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    radiograph = decode_image(dataset_bytes(dataset))
    np.testing.assert_allclose(radiograph.pixels, R8 / 255, atol=1e-6)
    assert radiograph.facts.body_part is None


@pytest.mark.parametrize(
    ("elements", "notes"),
    [
        ({"ImagerPixelSpacing": [0.2, 0.1]}, ["pixels are not square (2.00 times as high as wide)"]),
        ({"PixelAspectRatio": [1, 2]}, ["pixels are not square (0.50 times"]),
        ({"PixelSpacing": [0.139, 0.139], "PixelAspectRatio": [1, 1]}, []),
        ({"PixelSpacing": [0.0, 0.139]}, []),
        ({"PixelSpacing": [0.139]}, []),
        ({"PresentationIntentType": "FOR PROCESSING"}, ["raw detector data"]),
        ({"PresentationIntentType": "FOR PRESENTATION"}, []),
    ],
)
def test_notes(elements, notes):
    received = decode_image(dicom_bytes(R8, **elements)).facts.notes
    assert len(received) == len(notes)
    for note, beginning in zip(received, notes, strict=True):
        assert note.startswith(beginning)


@pytest.mark.parametrize(
    ("elements", "spacing"),
    [
        ({}, None),
        ({"ImagerPixelSpacing": [0.14, 0.14]}, Spacing(0.14, at_detector=True)),
        ({"PixelSpacing": [0.2, 0.2]}, Spacing(0.2, at_detector=True)),  # alone, it may be that at the detector
        ({"PixelSpacing": [0.14, 0.14], "ImagerPixelSpacing": [0.14, 0.14]}, Spacing(0.14, at_detector=True)),
        ({"PixelSpacing": [0.12, 0.12], "ImagerPixelSpacing": [0.14, 0.14]}, Spacing(0.12, at_detector=False)),
        ({"NominalScannedPixelSpacing": [0.1, 0.1]}, Spacing(0.1, at_detector=True)),
        ({"ImagerPixelSpacing": [0.2, 0.1]}, None),  # pixels are not square
        ({"ImagerPixelSpacing": [0.1, 0.1], "PixelAspectRatio": [1, 2]}, None),
        ({"PixelAspectRatio": [1, 1]}, None),
        ({"PixelSpacing": [0.0, 0.0]}, None),
        ({"PixelSpacing": [0.139]}, None),
    ],
)
def test_spacing(elements, spacing):
    assert decode_image(dicom_bytes(R8, **elements)).facts.spacing == spacing


@pytest.mark.parametrize(
    ("part", "expected"), [("CHEST", "CHEST"), ("chest", "CHEST"), ("HAND", "HAND"), (NAME, "OTHER"), ("", None)]
)
def test_body_part_is_kept_only_as_a_code(part, expected):
    assert decode_image(dicom_bytes(R8, BodyPartExamined=part)).facts.body_part == expected
