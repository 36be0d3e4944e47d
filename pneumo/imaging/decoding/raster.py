"""JPEG and PNG bytes -> Radiograph."""

import io
import struct
import zlib

import numpy as np
from PIL import Image, ImageOps
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile

from pneumo.errors import ImageError, ImageRejected
from pneumo.imaging.radiograph import SYNTHETIC, ImageFacts, Radiograph

MAX_PIXELS = 50_000_000  # a 43 x 43 cm plate at 0.1 mm has 18 million

# Errors that Pillow raises for a damaged header, damaged pixels or damaged EXIF data.
DAMAGE = (OSError, SyntaxError, ValueError, TypeError, LookupError, EOFError, OverflowError, MemoryError, struct.error, zlib.error)

_COLOURS = {"P": "palette colours", "CMYK": "CMYK print colours", "RGB": "colours"}  # by mode


def decode_raster(data: bytes) -> Radiograph:
    """Read one JPEG or PNG: EXIF orientation applied, alpha blended onto black, colours converted to grey (ITU-R 601).

    Grey levels are divided by the full range of their bit depth. A 16-bit file that uses only 10, 12 or 14 bits (common
    detector depths) is divided by that range; otherwise it would be nearly black.
    """
    # Not Image.open: above 89.5 megapixels it logs a warning before our stricter check, and it treats a phone's JPEG with an
    # appended preview as a file of two images.
    reader = PngImageFile if data.startswith(b"\x89PNG") else JpegImageFile
    try:
        image = reader(io.BytesIO(data))
        _check(image)
        image.load()
        mode = image.mode
        upright = ImageOps.exif_transpose(image)
        orientation = image.getexif().get(0x0112, 1)
    except DAMAGE as error:
        raise ImageError("The image is damaged or incomplete and cannot be read. Export or copy the X-ray again.") from error

    colour = _colourfulness(upright) if mode in ("RGB", "RGBA", "P", "CMYK") else 0.0
    notes = [SYNTHETIC] if image.info.get("Comment") == SYNTHETIC else []
    if orientation in range(2, 9):
        notes.append("turned upright as its EXIF orientation says")
    if mode.startswith("I"):
        values = np.asarray(upright).astype(np.float32)
        bits = next((b for b in (8, 10, 12, 14) if values.max() < 2**b), 16)
    else:
        bits = 8
        values = np.asarray(_to_grey(upright, notes), dtype=np.float32)
    pixels = np.clip(values / (2**bits - 1), 0.0, 1.0, dtype=np.float32)
    height, width = pixels.shape
    return Radiograph(pixels, ImageFacts(str(image.format), width, height, bits, len(data), tuple(notes), colour=colour))


def _check(image: Image.Image) -> None:
    """Check size and frame count from the header, before any pixel is decoded. Raises ImageRejected."""
    if image.width * image.height > MAX_PIXELS:
        raise ImageRejected(
            f"The image has {image.width} x {image.height} pixels; at most {MAX_PIXELS // 10**6} million are read. "
            "Export it at the detector's own resolution."
        )
    if (frames := getattr(image, "n_frames", 1)) > 1:
        raise ImageRejected(f"The file holds {frames} images; expected one X-ray. Export the single frontal image.")


def _to_grey(image: Image.Image, notes: list[str]) -> Image.Image:
    if image.has_transparency_data:
        notes.append("transparent parts laid on black")
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "black"), image).convert("RGB")
    elif image.mode in ("P", "CMYK"):
        notes.append(f"{_COLOURS[image.mode]} converted to grey")
        image = image.convert("RGB")
    elif image.mode == "RGB" and _is_coloured(image):
        notes.append(f"{_COLOURS[image.mode]} converted to grey")
    return image.convert("L")


def _colourfulness(image: Image.Image) -> float:
    """Mean of (highest - lowest channel) over 64 x 64 samples, as a share of the full range; 0 is grey."""
    points = np.asarray(image.convert("RGB").resize((64, 64), Image.Resampling.NEAREST), dtype=np.int16)
    return float(np.ptp(points, axis=-1).mean() / 255)


def _is_coloured(image: Image.Image) -> bool:
    red, green, blue = (np.asarray(band, dtype=np.int16) for band in image.resize((64, 64), Image.Resampling.NEAREST).split())
    return bool(max(np.abs(red - green).max(), np.abs(green - blue).max()) > 16)
