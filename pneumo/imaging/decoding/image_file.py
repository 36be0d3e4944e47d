"""Read one image file, up to the size limit of decoding."""

import os
from pathlib import Path

from pneumo.errors import ImageError
from pneumo.imaging.decoding.decode import MAX_BYTES, too_large


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
