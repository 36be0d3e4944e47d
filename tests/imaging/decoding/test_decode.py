import io
import time

import numpy as np
import pytest
from makers import NAME, dicom_bytes, jpeg_bytes, picture_bytes, png_bytes, png_of_zeros, ramp, resealed
from PIL import Image, ImageFile

from pneumo.errors import ImageError, ImageRejected
from pneumo.imaging.decoding.decode import MAX_BYTES, decode

GREY = np.full((70, 70), 90, np.uint8)


def frames(kind: str) -> bytes:
    images = [Image.fromarray(np.full((70, 70), level, np.uint8)) for level in (0, 80, 160)]
    return picture_bytes(images[0], kind, save_all=True, append_images=images[1:], duration=50)


@pytest.mark.parametrize(
    ("data", "error", "match"),
    [
        pytest.param(b"", ImageError, r"empty \(0 bytes\)", id="empty"),
        pytest.param(b"Findings: none.\n" * 40, ImageError, "text file, whatever its name", id="text"),
        pytest.param("Röntgen".encode()[:3] * 1 + "ö".encode() * 600, ImageError, "text file", id="text cut inside a letter"),
        pytest.param(bytes(400), ImageError, "no image format known", id="zeros"),
        pytest.param(b"\xfe\x81 noise" * 9, ImageError, "no image format known", id="noise"),
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
        decode(data)
    assert type(caught.value) is error


@pytest.mark.parametrize(("width", "height"), [(10_000, 10_000), (15_000, 12_000)])
def test_too_many_pixels_are_refused_by_the_header_alone(width, height, recwarn, monkeypatch):
    def load(*_):
        raise AssertionError("a pixel was decoded")

    monkeypatch.setattr(ImageFile.ImageFile, "load", load)
    data = png_of_zeros(width, height)
    start = time.perf_counter()
    with pytest.raises(ImageRejected, match=f"{width} x {height} pixels; at most 50 million"):
        decode(data)
    assert time.perf_counter() - start < 1
    assert not recwarn.list


def test_constant_picture_is_read_as_it_is():
    assert np.all(decode(png_bytes(GREY)).pixels == np.float32(90 / 255))


def test_smallest_side_is_accepted():
    assert decode(png_bytes(ramp(64, 64))).pixels.shape == (64, 64)


def test_pixels_are_read_only():
    with pytest.raises(ValueError, match="read-only"):
        decode(png_bytes(ramp())).pixels[0, 0] = 1


def mutations(data: bytes, count: int, rng: np.random.Generator):
    """Bytes changed, cut out, repeated or cut short, more often near the header than behind."""
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
    ("data", "seal"),
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
def test_damaged_bytes_give_a_picture_or_our_own_error(data, seal, caplog):
    read, told = 0, []
    for mutant in mutations(data, 300, np.random.default_rng(7)):
        try:
            radiograph = decode(seal(mutant))
        except (ImageError, ImageRejected) as error:
            told.append(str(error))
        else:
            read += 1
            pixels = radiograph.pixels
            assert pixels.dtype == np.float32
            assert np.isfinite(pixels).all()
            assert pixels.min() >= 0
            assert pixels.max() <= 1
    assert NAME not in " ".join(told)
    assert 0 < read < 300  # the damage is neither too mild nor too strong to tell anything
    assert not caplog.records


def test_decode_leaves_its_input_alone():
    data = dicom_bytes(ramp(top=4095, dtype=np.uint16), BitsStored=12, WindowCenter=2000, WindowWidth=500)
    first, second = decode(data).pixels, decode(io.BytesIO(data).getvalue()).pixels
    assert np.array_equal(first, second)
