import io
import os
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from makers import NAME, dicom_bytes, jpeg_bytes, picture_bytes, png_bytes, png_of_zeros, ramp, resealed
from PIL import Image, ImageFile

from pneumo.errors import ImageError, ImageRejected
from pneumo.imaging.decoding import decode
from pneumo.imaging.decoding.decode import MAX_BYTES, decode_image, image_bytes

GREY = np.full((70, 70), 90, np.uint8)


def frames(kind: str) -> bytes:
    images = [Image.fromarray(np.full((70, 70), level, np.uint8)) for level in (0, 80, 160)]
    return picture_bytes(images[0], kind, save_all=True, append_images=images[1:], duration=50)


@pytest.mark.parametrize(
    ("data", "error", "match"),
    [
        pytest.param(b"", ImageError, r"empty \(0 bytes\)", id="empty"),
        pytest.param(b"Findings: none.\n" * 40, ImageError, "text file, whatever its name", id="text"),
        pytest.param("Röntgen".encode()[:3] * 1 + "ö".encode() * 600, ImageError, "text file", id="text cut inside a character"),
        pytest.param(bytes(400), ImageError, "an unknown file format", id="zeros"),
        pytest.param(b"\xfe\x81 noise" * 9, ImageError, "an unknown file format", id="noise"),
        pytest.param(b"\xff\xd8\xff", ImageError, "damaged or incomplete", id="three bytes of JPEG"),
        pytest.param(b"\x89PNG\r\n\x1a\n", ImageError, "damaged or incomplete", id="eight bytes of PNG"),
        pytest.param(frames("GIF"), ImageError, "This is a GIF", id="animated GIF"),
        pytest.param(picture_bytes(Image.fromarray(GREY), "BMP"), ImageError, "BMP", id="BMP"),
        pytest.param(picture_bytes(Image.fromarray(GREY), "TIFF"), ImageError, "TIFF", id="TIFF"),
        pytest.param(picture_bytes(Image.fromarray(GREY), "WEBP"), ImageError, "WebP", id="WebP"),
        pytest.param(b"%PDF-1.7 ...", ImageError, "PDF", id="PDF"),
        pytest.param(b"PK\x03\x04....", ImageError, "zip", id="zip"),
        pytest.param(bytes(MAX_BYTES + 1), ImageError, "at most 50 MB", id="too many bytes"),
        pytest.param(jpeg_bytes(ramp())[:-300], ImageError, "damaged or incomplete", id="JPEG cut short"),
        pytest.param(png_bytes(ramp())[:-30], ImageError, "damaged or incomplete", id="PNG cut short"),
        pytest.param(png_bytes(np.zeros((1, 1), np.uint8)), ImageRejected, "1 x 1 pixels; at least 64", id="1 x 1"),
        pytest.param(png_bytes(ramp(63, 500)), ImageRejected, "500 x 63 pixels", id="too low"),
        pytest.param(frames("PNG"), ImageRejected, "3 images; expected one", id="animated PNG"),
    ],
)
def test_refused(data, error, match):
    with pytest.raises(error, match=match) as caught:
        decode_image(data)
    assert type(caught.value) is error


@pytest.mark.parametrize(("width", "height"), [(10_000, 10_000), (15_000, 12_000)])
def test_too_many_pixels_are_refused_by_the_header_alone(width, height, recwarn, monkeypatch):
    def load(*_):
        raise AssertionError("a pixel was decoded")

    monkeypatch.setattr(ImageFile.ImageFile, "load", load)
    data = png_of_zeros(width, height)
    start = time.perf_counter()
    with pytest.raises(ImageRejected, match=f"{width} x {height} pixels; at most 50 million"):
        decode_image(data)
    assert time.perf_counter() - start < 1
    assert not recwarn.list


def test_a_constant_image_is_read_unchanged():
    assert np.all(decode_image(png_bytes(GREY)).pixels == np.float32(90 / 255))


def test_smallest_side_is_accepted():
    assert decode_image(png_bytes(ramp(64, 64))).pixels.shape == (64, 64)


def test_pixels_are_read_only():
    with pytest.raises(ValueError, match="read-only"):
        decode_image(png_bytes(ramp())).pixels[0, 0] = 1


def mutations(data: bytes, count: int, rng: np.random.Generator):
    """`data` with bytes changed, removed, repeated or cut off, more often near the header."""
    for _ in range(count):
        mutant = bytearray(data)
        for _ in range(rng.integers(1, 6)):
            at = int(len(mutant) * rng.random() ** 3)
            match rng.integers(5):
                case 0 | 1:
                    mutant[at : at + 1] = bytes([rng.integers(256)])
                case 2:
                    mutant[at : at + 4] = rng.integers(0, 256, 4, np.uint8).tobytes()
                case 3:
                    del mutant[at : at + int(rng.integers(1, 20))]
                case 4:
                    mutant = mutant[: max(1, at)] if rng.random() < 0.3 else mutant[:at] + mutant[at : at + 9] + mutant[at:]
        yield bytes(mutant)


EXIF = Image.Exif()
EXIF[0x0112] = 6
GROUND = np.random.default_rng(1).integers(0, 256, (64, 66), np.uint8)


@pytest.mark.parametrize(
    ("data", "repair"),
    [
        pytest.param(jpeg_bytes(GROUND, exif=EXIF), bytes, id="JPEG"),
        pytest.param(png_bytes(GROUND, "P"), resealed, id="PNG"),
        pytest.param(
            dicom_bytes(GROUND, WindowCenter=100, WindowWidth=120, RescaleSlope="1.5", RescaleIntercept="-3", PatientAge="003Y"),
            bytes,
            id="DICOM",
        ),
        pytest.param(dicom_bytes(GROUND, "1.2.840.10008.1.2.5"), bytes, id="DICOM, RLE"),
        pytest.param(dicom_bytes(GROUND, "1.2.840.10008.1.2.4.90"), bytes, id="DICOM, JPEG 2000"),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_damaged_bytes_give_an_image_or_our_own_error(data, repair, caplog):
    decoded, messages = 0, []
    for mutant in mutations(data, 300, np.random.default_rng(7)):
        try:
            radiograph = decode_image(repair(mutant))
        except (ImageError, ImageRejected) as error:
            messages.append(str(error))
        else:
            decoded += 1
            pixels = radiograph.pixels
            assert pixels.dtype == np.float32
            assert np.isfinite(pixels).all()
            assert pixels.min() >= 0
            assert pixels.max() <= 1
    assert NAME not in " ".join(messages)
    assert 0 < decoded < 300  # the damage is neither too mild nor too strong for this test
    assert not caplog.records


def test_decoding_is_repeatable():
    data = dicom_bytes(ramp(top=4095, dtype=np.uint16), BitsStored=12, WindowCenter=2000, WindowWidth=500)
    first, second = decode_image(data).pixels, decode_image(io.BytesIO(data).getvalue()).pixels
    assert np.array_equal(first, second)


class Counted:
    """A file that records how many bytes are requested."""

    def __init__(self, file, asked):
        self.file, self.asked = file, asked

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()

    def fileno(self):
        return self.file.fileno()

    def read(self, size=-1):
        self.asked.append(size)
        return self.file.read(size)


@pytest.fixture
def asked(monkeypatch):
    sizes = []
    monkeypatch.setattr(decode, "open", lambda path, mode: Counted(Path(path).open(mode), sizes), raising=False)  # noqa: SIM115
    return sizes


def test_the_bytes_of_a_file(tmp_path, asked):
    (tmp_path / "x").write_bytes(b"abc")
    assert image_bytes(tmp_path / "x") == image_bytes(str(tmp_path / "x")) == b"abc"
    assert asked == [4, 4]  # one byte more than its size, in case it grows


def test_nothing_is_read_of_a_file_of_six_gigabytes(tmp_path, asked):
    with open(tmp_path / "scan.dcm", "wb") as file:
        file.truncate(6 << 30)  # sparse: takes no room
    with pytest.raises(ImageError, match=r"has 6,144 MB; at most 50 MB are read"):
        image_bytes(tmp_path / "scan.dcm")
    assert asked == []


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="a device of POSIX")
def test_at_most_the_limit_and_one_byte_are_read_of_a_device(asked):
    with pytest.raises(ImageError, match="does not end; at most 50 MB"):
        image_bytes("/dev/zero")
    assert sum(asked) == MAX_BYTES + 1


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("gone", "The file cannot be opened: No such file"),
        ("x" * 300, "name too long"),
        ("a\0b", "null"),
        (".", "The folder cannot be opened"),
    ],
)
def test_files_that_cannot_be_opened(path, message, tmp_path):
    with pytest.raises(ImageError, match=message):
        image_bytes(tmp_path / path)


def test_a_small_file_takes_little_memory(tmp_path):
    """When 50 MB were allocated for each file, the 5,856 files of the public data set took minutes."""
    path = tmp_path / "small.png"
    path.write_bytes(b"x" * 1000)
    tracemalloc.start()
    try:
        assert image_bytes(path) == b"x" * 1000
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()
