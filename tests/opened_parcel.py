"""Opens in Python what the browser's viewer gets: a second implementation beside viewer_assets/parcel.js."""

import json
import zlib

import numpy as np


def opened(parcel: bytes) -> tuple[dict, dict[str, np.ndarray]]:
    """(header, arrays by name)."""
    length = int.from_bytes(parcel[:4], "little")
    header, at, arrays = json.loads(parcel[4 : 4 + length]), 4 + length, {}
    for each in header.pop("arrays"):
        raw = np.frombuffer(zlib.decompress(parcel[at : at + each["length"]]), np.uint8)
        at += each["length"]
        if each["kind"] == "uint16":
            low, high = raw.reshape(2, -1).astype(np.int64)
            folded = low | high << 8
            steps = (folded >> 1) ^ -(folded & 1)
        else:
            steps = raw.astype(np.int64)
        values = np.cumsum(steps.reshape(-1, each["shape"][-1]), axis=1) % 2 ** (8 if each["kind"] == "uint8" else 16)
        arrays[each["name"]] = values.reshape(each["shape"]).astype(each["kind"])
    assert at == len(parcel)
    return header, arrays
