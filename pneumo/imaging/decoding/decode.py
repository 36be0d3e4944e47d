"""Bytes -> Radiograph. Training and serving both read images through this module only."""

import codecs
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pneumo.errors import ImageError, ImageRejected
from pneumo.imaging.decoding.dicom_sniff import is_bare_dicom
from pneumo.imaging.decoding.raster import decode_raster
from pneumo.imaging.preprocess import canonical
from pneumo.imaging.radiograph import Radiograph

MAX_BYTES = 50 * 1024 * 1024
MIN_SIDE = 64  # pixels; a smaller image shows too little of the lungs

# First bytes of files often uploaded by mistake, so that the message can name the format.
_FOREIGN = {
    b"GIF8": "a GIF", b"BM": "a BMP image", b"II*\x00": "a TIFF image", b"MM\x00*": "a TIFF image", b"%PDF": "a PDF document",
    b"PK\x03\x04": "a zip archive or an office document", b"RIFF": "a WebP image or a video",
}  # fmt: skip


def decode_image(data: bytes) -> Radiograph:
    """Read JPEG, PNG (8 or 16 bit) or DICOM bytes. The format is taken from the content, not from a file name.

    Raises ImageError if the bytes cannot be read, ImageRejected if they are readable but not a single radiograph.
    """
    if not data:
        raise ImageError("The file is empty (0 bytes). Export or copy the X-ray again.")
    if len(data) > MAX_BYTES:
        raise too_large(len(data))
    if data[128:132] == b"DICM" or is_bare_dicom(data):
        from pneumo.imaging.decoding.dicom import decode_dicom  # importing pydicom takes a second; a JPEG does not need it

        radiograph = decode_dicom(data)
    elif data.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")):
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
    """The error for a file of `size` bytes, or of unknown size (a device or pipe; `size` is then within the limit)."""
    has = f"has {size / 2**20:,.0f} MB" if size > MAX_BYTES else "does not end"
    return ImageError(f"The file {has}; at most {MAX_BYTES // 2**20} MB are read. Export a single image instead of a whole study.")


def _name(data: bytes) -> str:
    for magic, name in _FOREIGN.items():
        if data.startswith(magic):
            return name
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(data[:1024])  # incremental: the cut may split a character
    except UnicodeDecodeError:
        text = "\0"
    return "an unknown file format" if "\0" in text else "a text file, whatever its name says"


@dataclass(frozen=True)
class Decoded:
    """A decoded file. `canonical` is uint8 (224, 224)."""

    radiograph: Radiograph
    canonical: np.ndarray


Refusal = ImageError | ImageRejected
_TOO_MUCH = "Reading the image takes more memory than one image may have. Export it at the detector's own resolution."


def decode_or_refuse(data: bytes) -> Decoded | Refusal:
    """Radiograph and canonical image of one file, or the reason for refusing it. Never raises because of the file's content."""
    try:
        radiograph = decode_image(data)
        return Decoded(radiograph, canonical(radiograph))
    except (ImageError, ImageRejected) as refusal:
        return refusal
    except MemoryError:
        return ImageError(_TOO_MUCH)


def image_bytes(path: str | Path) -> bytes:
    """Reads at most MAX_BYTES + 1 bytes. Raises ImageError if the file is larger or cannot be read."""
    try:
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            data = file.read(size + 1) if size <= MAX_BYTES else b""  # not MAX_BYTES: Python allocates as much as is asked for
            if size < len(data):  # the file grew, or is a pipe, whose size is 0
                data += file.read(MAX_BYTES - size)
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        kind = "folder" if os.path.isdir(path) else "file"
        raise ImageError(f"The {kind} cannot be opened: {getattr(error, 'strerror', None) or error}.") from error
    if max(size, len(data)) > MAX_BYTES:
        raise too_large(size)
    return data
