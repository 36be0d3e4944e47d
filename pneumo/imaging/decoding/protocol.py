"""Pipe protocol between the app and a decoding process: a JSON header, then raw arrays.

No pickle: a file that takes over the decoding process could use a pickle to run code in the app. Everything received is
checked for type and size.
"""

import dataclasses
import json
import math
from typing import Any, BinaryIO

import numpy as np

from pneumo.errors import ImageError, ImageRejected
from pneumo.imaging.decoding.decode import Decoded, Refusal
from pneumo.imaging.decoding.raster import MAX_PIXELS
from pneumo.imaging.preprocess import CANONICAL_SIDE
from pneumo.imaging.radiograph import ImageFacts, Radiograph, Spacing
from pneumo.imaging.windowing import DISPLAY_SIDE, GreyValues, Window

MAX_HEADER = 1 << 20  # bytes; notes and windows take a few hundred
_MAX_TABLE = 1 << 16  # entries, one for each 16-bit value
_REFUSALS = {kind.__name__: kind for kind in (ImageError, ImageRejected)}


class ProtocolError(Exception):
    """The other side ended, or sent data that does not fit the protocol."""


def send_bytes(stream: BinaryIO, data: bytes) -> None:
    """Send a file: its length (8 bytes, little endian), then its bytes."""
    stream.write(len(data).to_bytes(8, "little"))
    stream.write(data)
    stream.flush()


def receive_bytes(stream: BinaryIO) -> bytes | None:
    """The bytes sent by `send_bytes`; None if the other side has closed the pipe."""
    try:
        length = int.from_bytes(_exactly(stream, np.empty(8, np.uint8)).tobytes(), "little")
        return _exactly(stream, np.empty(length, np.uint8)).tobytes()
    except ProtocolError:
        return None


def send(stream: BinaryIO, result: Decoded | Refusal) -> None:
    """Send the result for one file."""
    arrays: list[np.ndarray] = []
    if isinstance(result, Decoded):
        radiograph, values = result.radiograph, result.radiograph.values
        arrays = [radiograph.pixels, result.canonical, *([values.stored] if values else [])]
        arrays += [values.table] if values and values.table is not None else []
        header: dict[str, Any] = {
            "facts": dataclasses.asdict(radiograph.facts),
            "shapes": [array.shape for array in arrays],
            "values": _without_pixels(values),
        }
    else:
        header = {"refusal": type(result).__name__, "message": str(result)}
    line = json.dumps(header).encode()
    stream.write(len(line).to_bytes(4, "little") + line)
    for array in arrays:
        stream.write(np.ascontiguousarray(array).data)
    stream.flush()


def receive(stream: BinaryIO) -> Decoded | Refusal:
    """The result sent by `send`. Raises ProtocolError for any other data."""
    length = int.from_bytes(_exactly(stream, np.empty(4, np.uint8)).tobytes(), "little")
    if not 0 < length <= MAX_HEADER:
        raise ProtocolError(f"expected a header of 1 to {MAX_HEADER} bytes, received a length of {length}")
    try:
        header = json.loads(_exactly(stream, np.empty(length, np.uint8)).tobytes())
        if "refusal" in header:
            return _REFUSALS[header["refusal"]](str(header["message"]))
        return _decoded(stream, header)
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise ProtocolError("the header lacks a field, or has one of the wrong type") from error


def _decoded(stream: BinaryIO, header: dict[str, Any]) -> Decoded:
    fields = header["facts"]
    spacing = fields["spacing"] and Spacing(_finite(fields["spacing"]["mm"]), bool(fields["spacing"]["at_detector"]))
    facts = ImageFacts(**{**fields, "notes": tuple(fields["notes"]), "spacing": spacing})
    values, shapes = header["values"], [tuple(map(int, shape)) for shape in header["shapes"]]
    (height, width), rest = shapes[0], shapes[1:]
    if min(height, width) < 1 or height * width > MAX_PIXELS or (height, width) != (facts.height, facts.width):
        raise ProtocolError(f"an image of {width} x {height} pixels: too large, or not as its facts say")
    if rest[:1] != [(CANONICAL_SIDE, CANONICAL_SIDE)] or len(rest) not in ((2, 3) if values else (1,)):
        raise ProtocolError("unexpected number or shape of arrays")
    pixels = _exactly(stream, np.empty((height, width), np.float32))
    canonical = _exactly(stream, np.empty(rest[0], np.uint8))
    grey = None
    if values:
        if len(rest[1]) != 2 or not 0 < min(rest[1]) <= max(rest[1]) <= DISPLAY_SIDE:
            raise ProtocolError(f"expected grey values of at most {DISPLAY_SIDE} pixels a side")
        windows = tuple(
            Window(window["name"], _finite(window["centre"]), _finite(window["width"])) for window in values.pop("windows")
        )
        values |= {name: _finite(values[name]) for name in ("slope", "intercept")}
        stored, table = _exactly(stream, np.empty(rest[1], np.uint16)), None
        if len(rest) == 3:
            if len(rest[2]) != 1 or not int(stored.max()) < rest[2][0] <= _MAX_TABLE:
                raise ProtocolError("expected a table with an entry for each stored value")
            table = _exactly(stream, np.empty(rest[2], np.uint8))
        grey = GreyValues(stored, windows=windows, table=table, **values)
    return Decoded(Radiograph(pixels, facts, grey), canonical)


def _without_pixels(values: GreyValues | None) -> dict[str, Any] | None:
    if values is None:
        return None
    fields = {name: value for name, value in vars(values).items() if name not in ("stored", "table")}
    return {**fields, "windows": [dataclasses.asdict(window) for window in values.windows]}


def _finite(number: Any) -> float:
    if not math.isfinite(number):
        raise ProtocolError(f"expected a finite number, received {number}")
    return float(number)


def _exactly(stream: BinaryIO, array: np.ndarray) -> np.ndarray:
    """Fill `array` from the stream. Raises ProtocolError if the stream ends before."""
    unfilled = array.data.cast("B")
    while unfilled:
        count = stream.readinto(unfilled)  # type: ignore[attr-defined]  # raw and buffered binary streams have it
        if not count:
            raise ProtocolError("the other side ended")
        unfilled = unfilled[count:]
    return array
