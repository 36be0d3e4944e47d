"""Packs arrays and a header as bytes for the browser; viewer_assets/parcel.js unpacks them. No streamlit here.

Streamlit itself would serve a picture at a URL (the media store) or make it a third longer (JSON). These bytes go over the
session's own web socket and are stored nowhere else.

Layout: the header's length in 4 bytes, little-endian; the header as JSON with each array's name, kind, shape and packed length;
then the arrays. Each row is stored as differences from the left neighbour, 16 bits as a plane of low and one of high bytes,
then deflated: a half to a third of its size, in a tenth of a second.
"""

import json
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np

_KINDS = (np.dtype(np.uint8), np.dtype(np.uint16))


def pack(header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> bytes:
    """`arrays` of uint8 or uint16, of any shape; the header must not have a key "arrays". Raises ValueError for another kind."""
    packed, descriptions = [], []
    for name, array in arrays.items():
        if array.dtype not in _KINDS:
            raise ValueError(f"expected uint8 or uint16 for {name}; received {array.dtype}")
        packed.append(_deflated(_planes(array)))
        descriptions.append({"name": name, "kind": str(array.dtype), "shape": list(array.shape), "length": len(packed[-1])})
    header_bytes = json.dumps({**header, "arrays": descriptions}, allow_nan=False).encode()
    return b"".join((len(header_bytes).to_bytes(4, "little"), header_bytes, *packed))


def _planes(array: np.ndarray) -> bytes:
    differences = array.copy()
    differences[..., 1:] -= array[..., :-1]  # wraps around; parcel.js wraps back
    if array.dtype == np.uint8:
        return differences.tobytes()
    signed = differences.view(np.int16)
    folded = ((signed << 1) ^ (signed >> 15)).view(np.uint16)  # 0, -1, 1, -2 ... become 0, 1, 2, 3: the high byte is mostly 0
    return (folded & 0xFF).astype(np.uint8).tobytes() + (folded >> 8).astype(np.uint8).tobytes()


def _deflated(data: bytes) -> bytes:
    compressor = zlib.compressobj(1, strategy=zlib.Z_RLE)  # as small as the default for such rows, in a third of the time
    return compressor.compress(data) + compressor.flush()
