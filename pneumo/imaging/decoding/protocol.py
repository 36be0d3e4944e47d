"""How a decoded image travels from the process that read the file to the one that answers: a line of JSON, then raw numbers.

No pickle: bytes that took over the reading process could make a pickle do anything in the answering one. Whatever comes is
checked for kind and size before it is believed.
"""

import dataclasses
import json
import math
from typing import Any, BinaryIO

import numpy as np

from pneumo.errors import ImageError, ImageRejected
from pneumo.imaging.decoding.decoded_file import Decoded, Refusal
from pneumo.imaging.decoding.raster import MAX_PIXELS
from pneumo.imaging.preprocess import CANONICAL_SIDE
from pneumo.imaging.radiograph import ImageFacts, Radiograph, Spacing
from pneumo.imaging.windowing import DISPLAY_SIDE, GreyValues, Window

MAX_HEADER = 1 << 20  # bytes; notes and windows take some hundred
_TABLE = 1 << 16  # entries: one a value of 16 bits
_REFUSALS = {kind.__name__: kind for kind in (ImageError, ImageRejected)}


class WireError(Exception):
    """The other side ended, or sent what this protocol does not know."""


def send_bytes(stream: BinaryIO, data: bytes) -> None:
    """A file's bytes, their number first."""
    stream.write(len(data).to_bytes(8, "little"))
    stream.write(data)
    stream.flush()


def receive_bytes(stream: BinaryIO) -> bytes | None:
    """What `send_bytes` sent; None where the other side has closed the pipe."""
    try:
        length = int.from_bytes(_exactly(stream, np.empty(8, np.uint8)).tobytes(), "little")
        return _exactly(stream, np.empty(length, np.uint8)).tobytes()
    except WireError:
        return None


def send(stream: BinaryIO, found: Decoded | Refusal) -> None:
    """One answer."""
    arrays: list[np.ndarray] = []
    if isinstance(found, Decoded):
        radiograph, values = found.radiograph, found.radiograph.values
        arrays = [radiograph.pixels, found.canonical, *([values.stored] if values else [])]
        arrays += [values.table] if values and values.table is not None else []
        header: dict[str, Any] = {
            "facts": dataclasses.asdict(radiograph.facts),
            "shapes": [array.shape for array in arrays],
            "values": _without_pixels(values),
        }
    else:
        header = {"refusal": type(found).__name__, "message": str(found)}
    line = json.dumps(header).encode()
    stream.write(len(line).to_bytes(4, "little") + line)
    for array in arrays:
        stream.write(np.ascontiguousarray(array).data)
    stream.flush()


def receive(stream: BinaryIO) -> Decoded | Refusal:
    """One answer. Raises WireError for anything but what `send` sends."""
    length = int.from_bytes(_exactly(stream, np.empty(4, np.uint8)).tobytes(), "little")
    if not 0 < length <= MAX_HEADER:
        raise WireError("a header of an impossible length")
    try:
        header = json.loads(_exactly(stream, np.empty(length, np.uint8)).tobytes())
        if "refusal" in header:
            return _REFUSALS[header["refusal"]](str(header["message"]))
        return _decoded(stream, header)
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise WireError("a header that does not fit") from error


def _decoded(stream: BinaryIO, header: dict[str, Any]) -> Decoded:
    told = header["facts"]
    spacing = told["spacing"] and Spacing(_finite(told["spacing"]["mm"]), bool(told["spacing"]["at_detector"]))
    facts = ImageFacts(**{**told, "notes": tuple(told["notes"]), "spacing": spacing})
    values, shapes = header["values"], [tuple(map(int, shape)) for shape in header["shapes"]]
    (height, width), rest = shapes[0], shapes[1:]
    if min(height, width) < 1 or height * width > MAX_PIXELS or (height, width) != (facts.height, facts.width):
        raise WireError(f"an image of {width} x {height}")
    if rest[:1] != [(CANONICAL_SIDE, CANONICAL_SIDE)] or len(rest) not in ((2, 3) if values else (1,)):
        raise WireError("other pictures than expected")
    pixels = _exactly(stream, np.empty((height, width), np.float32))
    small = _exactly(stream, np.empty(rest[0], np.uint8))
    grey = None
    if values:
        if len(rest[1]) != 2 or not 0 < min(rest[1]) <= max(rest[1]) <= DISPLAY_SIDE:
            raise WireError("a display copy of another size")
        windows = tuple(Window(each["name"], _finite(each["centre"]), _finite(each["width"])) for each in values.pop("windows"))
        values |= {name: _finite(values[name]) for name in ("slope", "intercept")}
        stored, table = _exactly(stream, np.empty(rest[1], np.uint16)), None
        if len(rest) == 3:
            if len(rest[2]) != 1 or not int(stored.max()) < rest[2][0] <= _TABLE:
                raise WireError("a table that does not fit")
            table = _exactly(stream, np.empty(rest[2], np.uint8))
        grey = GreyValues(stored, windows=windows, table=table, **values)
    return Decoded(Radiograph(pixels, facts, grey), small)


def _without_pixels(values: GreyValues | None) -> dict[str, Any] | None:
    if values is None:
        return None
    fields = {
        field.name: getattr(values, field.name) for field in dataclasses.fields(values) if field.name not in ("stored", "table")
    }
    return {**fields, "windows": [dataclasses.asdict(window) for window in values.windows]}


def _finite(number: Any) -> float:
    if not math.isfinite(number):
        raise WireError("a number without end")
    return float(number)


def _exactly(stream: BinaryIO, array: np.ndarray) -> np.ndarray:
    """`array`, filled from the stream."""
    rest = array.data.cast("B")
    while rest:
        count = stream.readinto(rest)  # type: ignore[attr-defined]  # raw and buffered binary streams have it
        if not count:
            raise WireError("the other side ended")
        rest = rest[count:]
    return array
