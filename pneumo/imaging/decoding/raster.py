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

# What Pillow raises on damaged bytes, in the header, the pixels or the EXIF part.
DAMAGE = (OSError, SyntaxError, ValueError, TypeError, LookupError, EOFError, OverflowError, MemoryError, struct.error, zlib.error)

_NOTES = {
    "P": "palette colours converted to grey",
    "CMYK": "CMYK print colours converted to grey",
    "RGB": "colours converted to grey",
}


def decode_raster(data: bytes) -> Radiograph:
    """Read one JPEG or PNG: EXIF orientation applied, alpha laid on black, colours turned to grey (ITU-R 601).

    Grey levels are divided by the full range of their depth; a 16-bit file that fills only 10, 12 or 14 bits
    (detectors' usual depths) is divided by that range, else it would be nearly black.
    """
    # Not Image.open: above 89.5 megapixels it warns into the log before our own, stricter check is asked; and it takes
    # a telephone's JPEG with an appended preview for a file of two images.
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
    """Refuse by the header alone, before any pixel is decoded."""
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
        notes.append(_NOTES[image.mode])
        image = image.convert("RGB")
    elif image.mode == "RGB" and _is_coloured(image):
        notes.append(_NOTES["RGB"])
    return image.convert("L")


def _colourfulness(image: Image.Image) -> float:
    """Mean of highest less lowest channel as a share of the full range, at 64 x 64 points: 0 is grey."""
    points = np.asarray(image.convert("RGB").resize((64, 64), Image.Resampling.NEAREST), dtype=np.int16)
    return float(np.ptp(points, axis=-1).mean() / 255)


def _is_coloured(image: Image.Image) -> bool:
    red, green, blue = (np.asarray(band, dtype=np.int16) for band in image.resize((64, 64), Image.Resampling.NEAREST).split())
    return bool(max(np.abs(red - green).max(), np.abs(green - blue).max()) > 16)
