"""The bytes of one image file, never more than are decoded."""

import os
from pathlib import Path

from pneumo.errors import ImageError
from pneumo.imaging.decoding.decode import MAX_BYTES, too_large


def image_bytes(path: str | Path) -> bytes:
    """At most MAX_BYTES and one more are ever read. Raises ImageError for a larger file, and for one that cannot be read."""
    try:
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            data = file.read(size + 1) if size <= MAX_BYTES else b""  # Python makes a buffer as large as asked for
            if size < len(data):  # it grew meanwhile, or is a pipe, which tells no size
                data += file.read(MAX_BYTES - size)
    except (OSError, ValueError) as error:  # ValueError: a name with a zero byte
        what = "folder" if os.path.isdir(path) else "file"
        raise ImageError(f"The {what} cannot be opened: {getattr(error, 'strerror', None) or error}.") from error
    if max(size, len(data)) > MAX_BYTES:
        raise too_large(size)
    return data
