"""Bytes -> Radiograph. The only door through which an image enters, in training and in serving alike."""

import codecs

from pneumo.errors import ImageError, ImageRejected
from pneumo.imaging.decoding.dicom_sniff import is_bare_dicom
from pneumo.imaging.decoding.raster import decode_raster
from pneumo.imaging.radiograph import Radiograph

MAX_BYTES = 50 * 1024 * 1024
MIN_SIDE = 64  # pixels; below this no lung can be judged

# First bytes of what people drop by mistake, so that the message can name it.
_FOREIGN = (
    (b"GIF8", "a GIF"),
    (b"BM", "a BMP image"),
    (b"II*\x00", "a TIFF image"),
    (b"MM\x00*", "a TIFF image"),
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a zip archive or an office document"),
    (b"RIFF", "a WebP image or a video"),
)


def decode(data: bytes) -> Radiograph:
    """Read JPEG, PNG (8 or 16 bit) or DICOM bytes; the content decides, never the file's name.

    Raises ImageError when the bytes cannot be read, ImageRejected when they can but are no single radiograph.
    """
    if not data:
        raise ImageError("The file is empty (0 bytes). Export or copy the X-ray again.")
    if len(data) > MAX_BYTES:
        raise too_large(len(data))
    if data[128:132] == b"DICM" or is_bare_dicom(data):
        from pneumo.imaging.decoding.dicom import decode_dicom  # pydicom: a second, which a JPEG need not wait for

        radiograph = decode_dicom(data)
    elif data.startswith(b"\xff\xd8\xff") or data.startswith(b"\x89PNG\r\n\x1a\n"):
        radiograph = decode_raster(data)
    else:
        raise ImageError(f"This is {_name(data)}; expected a JPEG, PNG or DICOM file. Export the X-ray as one of these.")
    height, width = radiograph.pixels.shape
    if min(height, width) < MIN_SIDE:
        raise ImageRejected(
            f"The image has {width} x {height} pixels; at least {MIN_SIDE} x {MIN_SIDE} are needed "
            "to see a lung. Use the full-size image, not an icon."
        )
    return radiograph


def too_large(size: int) -> ImageError:
    """Of a file of `size` bytes; of what never ends, such as a device, no size is known."""
    has = f"has {size / 2**20:,.0f} MB" if size > MAX_BYTES else "does not end"
    return ImageError(f"The file {has}; at most {MAX_BYTES // 2**20} MB are read. Export a single image instead of a whole study.")


def _name(data: bytes) -> str:
    for magic, name in _FOREIGN:
        if data.startswith(magic):
            return name
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(data[:1024])  # the cut may split a letter
    except UnicodeDecodeError:
        text = "\0"
    return "no image format known here" if "\0" in text else "a text file, whatever its name says"
