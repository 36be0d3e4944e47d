"""Arrays and their header as one run of bytes, for the browser; viewer_assets/parcel.js opens it. No streamlit here.

Streamlit's own ways would put a picture at an address (the media store), or make it a third longer (JSON). This goes down the
session's own web socket and is kept nowhere else.

4 bytes, the header's length, little-endian; the header, JSON, with each array's name, kind, shape and packed length in order;
then the arrays. A picture's rows are told as differences from the left neighbour, 16 bits split into a plane of low and one of
high bytes, and all of it deflated: half to a third of its size, in a tenth of a second.
"""

import json
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np

_KINDS = (np.dtype(np.uint8), np.dtype(np.uint16))


def pack(header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> bytes:
    """`arrays` of uint8 or uint16, of any shape; the header must not have a key "arrays". Raises ValueError for another kind."""
    packed, listed = [], []
    for name, array in arrays.items():
        if array.dtype not in _KINDS:
            raise ValueError(f"expected uint8 or uint16 for {name}; received {array.dtype}")
        packed.append(_deflated(_planes(array)))
        listed.append({"name": name, "kind": str(array.dtype), "shape": list(array.shape), "length": len(packed[-1])})
    line = json.dumps({**header, "arrays": listed}, allow_nan=False).encode()
    return b"".join((len(line).to_bytes(4, "little"), line, *packed))


def _planes(array: np.ndarray) -> bytes:
    differences = array.copy()
    differences[..., 1:] -= array[..., :-1]  # wraps around, as it does on the way back
    if array.dtype == np.uint8:
        return differences.tobytes()
    signed = differences.view(np.int16)
    folded = ((signed << 1) ^ (signed >> 15)).view(np.uint16)  # 0, -1, 1, -2 ... become 0, 1, 2, 3: the high byte is mostly 0
    return (folded & 0xFF).astype(np.uint8).tobytes() + (folded >> 8).astype(np.uint8).tobytes()


def _deflated(data: bytes) -> bytes:
    squeeze = zlib.compressobj(1, strategy=zlib.Z_RLE)  # for filtered pictures as good as any search, in a third of the time
    return squeeze.compress(data) + squeeze.flush()
