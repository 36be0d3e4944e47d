import numpy as np
import pytest
from makers import jpeg_bytes, picture_bytes, png_bytes, ramp
from PIL import Image, PngImagePlugin

from pneumo.imaging.decoding.raster import decode_raster
from pneumo.imaging.radiograph import SYNTHETIC

RAMP = ramp()
HALF = RAMP // 2 + 60
RED = np.stack([HALF, HALF // 2, HALF // 2], axis=2)


def levels(pixels: np.ndarray) -> np.ndarray:
    return pixels * 255


def full(top: int) -> np.ndarray:
    """What a ramp to `top` looks like when `top` is white, in levels of 8 bits."""
    return ramp(top=top, dtype=float) / top * 255


def palette_png() -> bytes:
    """Index i stands for grey 255 - i."""
    image = Image.fromarray(RAMP).convert("P")
    image.frombytes(RAMP.tobytes())
    image.putpalette([255 - i for i in range(256) for _ in range(3)])
    return picture_bytes(image, "PNG")


def alpha_png(mode: str) -> bytes:
    """Grey 200 everywhere; alpha rises from left to right."""
    image = Image.new(mode, (80, 64), 200 if mode == "LA" else (200, 200, 200))
    image.putalpha(Image.fromarray(RAMP))
    return picture_bytes(image, "PNG")


def turned(orientation: int, turns: int, pixels: np.ndarray = HALF) -> bytes:
    """Saved lying so that its EXIF orientation turns it back to `pixels`."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    return jpeg_bytes(np.rot90(pixels, turns), exif=exif)


@pytest.mark.parametrize(
    ("data", "expected", "tolerance", "bits"),
    [
        pytest.param(png_bytes(RAMP), RAMP, 0, 8, id="PNG"),
        pytest.param(jpeg_bytes(RAMP), RAMP, 2, 8, id="JPEG"),
        pytest.param(png_bytes(ramp(top=65535, dtype=np.uint16)), full(65535), 0.01, 16, id="16 bit"),
        pytest.param(png_bytes(ramp(top=16383, dtype=np.uint16)), full(16383), 0.01, 14, id="14 in 16"),
        pytest.param(png_bytes(ramp(top=4095, dtype=np.uint16)), full(4095), 0.01, 12, id="12 in 16"),
        pytest.param(png_bytes(ramp(top=1023, dtype=np.uint16)), full(1023), 0.01, 10, id="10 in 16"),
        pytest.param(png_bytes(ramp(top=255, dtype=np.uint16)), RAMP, 0, 8, id="8 in 16"),
        pytest.param(palette_png(), 255 - RAMP.astype(int), 0, 8, id="palette"),
        pytest.param(jpeg_bytes(RAMP, "CMYK"), RAMP, 2, 8, id="CMYK"),
        pytest.param(jpeg_bytes(RAMP, "RGB"), RAMP, 2, 8, id="grey in RGB"),
        pytest.param(alpha_png("LA"), 200 / 255 * RAMP, 1, 8, id="LA on black"),
        pytest.param(alpha_png("RGBA"), 200 / 255 * RAMP, 1, 8, id="RGBA on black"),
        pytest.param(png_bytes(RAMP > 100), 255 * (RAMP > 100), 0, 8, id="1 bit"),
        pytest.param(turned(3, 2), HALF, 4, 8, id="EXIF 3"),
        pytest.param(turned(6, 1), HALF, 4, 8, id="EXIF 6"),
        pytest.param(turned(8, -1), HALF, 4, 8, id="EXIF 8"),
    ],
)
def test_pixels(data, expected, tolerance, bits):
    radiograph = decode_raster(data)
    assert radiograph.pixels.dtype == np.float32
    np.testing.assert_allclose(levels(radiograph.pixels), expected, atol=tolerance + 1e-4)
    facts = radiograph.facts
    assert (facts.width, facts.height) == (80, 64)
    assert (facts.bits, facts.size_bytes) == (bits, len(data))


def test_full_sixteen_bit_ramp_is_not_clipped_to_white():
    pixels = decode_raster(png_bytes(ramp(width=256, top=65535, dtype=np.uint16))).pixels
    assert len(np.unique(pixels)) == 256
    assert abs(float(pixels.mean()) - 0.5) < 0.001


def test_colour_becomes_itu_601_grey():
    colours = np.zeros((64, 80, 3), np.uint8)
    colours[:] = 200, 100, 50
    radiograph = decode_raster(png_bytes(colours))
    np.testing.assert_allclose(levels(radiograph.pixels), 0.299 * 200 + 0.587 * 100 + 0.114 * 50, atol=1)
    assert radiograph.facts.notes == ("colours converted to grey",)


@pytest.mark.parametrize(
    ("data", "notes"),
    [
        (png_bytes(RAMP), ()),
        (jpeg_bytes(RAMP, "RGB"), ()),
        (palette_png(), ("palette colours converted to grey",)),
        (jpeg_bytes(RAMP, "CMYK"), ("CMYK print colours converted to grey",)),
        (alpha_png("LA"), ("transparent parts laid on black",)),
        (turned(6, 1), ("turned upright as its EXIF orientation says",)),
        (turned(6, 1, RED), ("turned upright as its EXIF orientation says", "colours converted to grey")),
        (turned(1, 0), ()),
        (turned(9, 0), ()),  # 9 is no orientation: nothing was turned
    ],
)
def test_notes_tell_what_was_done(data, notes):
    assert decode_raster(data).facts.notes == notes


@pytest.mark.parametrize(("data", "kind"), [(png_bytes(RAMP), "PNG"), (jpeg_bytes(RAMP), "JPEG")])
def test_format(data, kind):
    assert decode_raster(data).facts.format == kind


def test_first_of_a_telephones_two_pictures_is_read():
    main, preview = Image.fromarray(HALF), Image.fromarray(HALF[::4, ::4])
    data = picture_bytes(main, "MPO", save_all=True, append_images=[preview], quality=100)
    assert data.startswith(b"\xff\xd8\xff")
    radiograph = decode_raster(data)
    np.testing.assert_allclose(levels(radiograph.pixels), HALF, atol=4)
    assert radiograph.facts.format == "JPEG"


def test_text_in_the_file_is_not_kept():
    info = PngImagePlugin.PngInfo()
    info.add_text("Author", "Zwetschgenbaum")
    assert "Zwetschgenbaum" not in repr(decode_raster(png_bytes(RAMP, pnginfo=info)))


def test_a_phantom_says_what_it_is():
    def noted(comment: str) -> tuple[str, ...]:
        info = PngImagePlugin.PngInfo()
        info.add_text("Comment", comment)
        return decode_raster(picture_bytes(Image.fromarray(RAMP), "PNG", pnginfo=info)).facts.notes

    assert SYNTHETIC in noted(SYNTHETIC)
    assert SYNTHETIC not in noted("holiday")
