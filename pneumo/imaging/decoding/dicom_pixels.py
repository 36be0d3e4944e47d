"""Decoded DICOM pixels -> grey as a viewer shows it: modality LUT, VOI LUT or window, MONOCHROME1 inverted.

Computed in bands of rows to save memory: the standard's arithmetic needs float64, eight bytes a pixel and step.
"""

import math
from collections.abc import Callable, Iterator
from typing import Any

import cv2
import numpy as np
import pydicom
from pydicom.pixels.processing import apply_modality_lut

from pneumo.errors import ImageError, ImageRejected
from pneumo.imaging.windowing import DISPLAY_SIDE, LINEAR, LINEAR_EXACT, SIGMOID, GreyValues, Window, windowed

_BAND = 2**20  # pixels
_DAMAGED_SCALE = "The DICOM's rescale or window values are damaged. Export the X-ray again."
# A window's explanation is free text and may hold a name: only words common in viewers are repeated.
_WINDOW_WORDS = {
    "NORMAL", "HARDER", "SOFTER", "STANDARD", "DEFAULT", "CHEST", "LUNG", "BONE", "SOFT", "TISSUE", "MEDIASTINUM", "SPINE", "RIBS",
    "WIDE", "NARROW", "HIGH", "LOW", "CONTRAST", "WINDOW", "USER", "AUTO", "1", "2", "3", "4",
}  # fmt: skip


def display_pixels(decoded: np.ndarray, dataset: pydicom.Dataset) -> tuple[np.ndarray, GreyValues | None]:
    """Decoded pixels, (h, w) or (h, w, 3) -> float32 (h, w) in [0, 1], and the grey values before windowing if over 8 bits.

    Order by PS3.4 C.11 and PS3.3 C.7.6.3: modality LUT or rescale, VOI LUT or window, MONOCHROME1 inversion.
    Without a VOI, the image's own range becomes [0, 1].
    """
    stored = significant_bits(decoded, int(dataset.BitsStored), int(dataset.get("HighBit", dataset.BitsStored - 1)))
    if stored.ndim == 3:  # colour secondary capture: converted to ITU-R 601 grey; no grey-scale LUT applies
        top = 2 ** int(dataset.BitsStored) - 1
        return _by_bands(stored, lambda band: band @ np.array([0.299, 0.587, 0.114]) / top), None
    voi = _voi(stored, dataset)
    inverted = dataset.PhotometricInterpretation == "MONOCHROME1"
    pixels = _by_bands(stored, lambda band: 1.0 - voi(band) if inverted else voi(band))
    values = grey_values(stored, dataset) if int(dataset.BitsStored) > 8 else None
    if values and not np.isfinite(values.range).all():
        raise ImageError(_DAMAGED_SCALE)
    return pixels, values


def significant_bits(decoded: np.ndarray, bits: int, high: int) -> np.ndarray:
    """The `bits` bits up to and including bit `high` of each integer, sign kept. Older devices store overlays in the others."""
    size = 8 * decoded.itemsize
    if bits == size:
        return decoded
    up, down = decoded.dtype.type(size - 1 - high), decoded.dtype.type(size - bits)
    return np.asarray((decoded << up) >> down)


def grey_values(stored: np.ndarray, dataset: pydicom.Dataset) -> GreyValues:
    """For the window controls of the viewer: the integers, reduced to DISPLAY_SIDE, with their scale and windows."""
    height, width = stored.shape
    factor = min(1.0, DISPLAY_SIDE / max(height, width))
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    small = stored if factor == 1.0 else cv2.resize(np.ascontiguousarray(stored), size, interpolation=cv2.INTER_AREA)
    small = small.astype(np.int32)
    slope, intercept = 1.0, 0.0
    if dataset.get("ModalityLUTSequence"):
        small = _modality(dataset)(small).astype(np.int32)
    elif "RescaleSlope" in dataset and "RescaleIntercept" in dataset:
        slope, intercept = float(dataset.RescaleSlope), float(dataset.RescaleIntercept)
    lowest, highest, function = int(small.min()), int(small.max()), _function(dataset)
    function = function if function in (LINEAR, LINEAR_EXACT, SIGMOID) else LINEAR  # other text is not kept: it may be a name
    table = None
    if dataset.get("VOILUTSequence"):
        greys, first = _voi_table(dataset)
        values = np.rint(np.arange(lowest, highest + 1) * slope + intercept)
        table = np.rint(255.0 * _looked_up(greys, first, values)).astype(np.uint8)
    from_zero, inverted = (small - lowest).astype(np.uint16), dataset.PhotometricInterpretation == "MONOCHROME1"
    return GreyValues(from_zero, slope, slope * lowest + intercept, inverted, function, file_windows(dataset), table)


def file_windows(dataset: pydicom.Dataset) -> tuple[Window, ...]:
    """The usable windows of the file in its order, at most eight. Some archives write windows that are empty, zero or infinite."""
    names = _several(dataset.get("WindowCenterWidthExplanation"))
    pairs = zip(_several(dataset.get("WindowCenter")), _several(dataset.get("WindowWidth")), strict=False)
    return tuple(
        Window(_window_name(names, index), float(centre), float(width))
        for index, (centre, width) in enumerate(pairs)
        if centre is not None and width is not None and math.isfinite(float(centre)) and 0 < float(width) < math.inf
    )[:8]


def _window_name(names: list[Any], index: int) -> str:
    words = str(names[index]).upper().replace("_", " ").split() if index < len(names) else []
    explanation = " ".join(words).lower() if words and set(words) <= _WINDOW_WORDS else ""
    return f"window {index + 1} of the file" + (f" ({explanation})" if explanation else "")


def _several(value: Any) -> list[Any]:
    """A DICOM value of any multiplicity as a list."""
    if value is None or value == "":
        return []
    return [value] if isinstance(value, str | float | int) else list(value)


def _function(dataset: pydicom.Dataset) -> str:
    return str(dataset.get("VOILUTFunction") or LINEAR).upper()


def _voi(stored: np.ndarray, dataset: pydicom.Dataset) -> Callable[[np.ndarray], np.ndarray]:
    """A function from stored values to float in [0, 1]: by VOI LUT, else by the first window, else by the image's range."""
    values = _modality(dataset)
    if dataset.get("VOILUTSequence"):
        greys, first = _voi_table(dataset)
        return lambda band: _looked_up(greys, first, np.rint(values(band)))
    if windows := file_windows(dataset):
        centre, width, function = windows[0].centre, windows[0].width, _function(dataset)
        return lambda band: windowed(values(band), centre, width, function)
    ranges = [(band.min(), band.max()) for band in map(values, _bands(stored))]
    low, high = float(min(ends[0] for ends in ranges)), float(max(ends[1] for ends in ranges))
    if low == high:
        raise ImageRejected("The image has no contrast: every pixel has the same value. Choose the X-ray itself.")
    return lambda band: np.clip((values(band) - low) / (high - low), 0.0, 1.0)


def _voi_table(dataset: pydicom.Dataset) -> tuple[np.ndarray, int]:
    """(greys in [0, 1], first value mapped) of the first VOI LUT."""
    item = dataset.VOILUTSequence[0]
    entries, first = _table(item, dataset)
    return np.clip(entries / (2.0 ** int(item.LUTDescriptor[2]) - 1.0), 0.0, 1.0), first


def _modality(dataset: pydicom.Dataset) -> Callable[[np.ndarray], np.ndarray]:
    """A function from stored values to values in the file's units, by modality LUT or rescale."""
    if dataset.get("ModalityLUTSequence"):
        entries, first = _table(dataset.ModalityLUTSequence[0], dataset)
        return lambda stored: _looked_up(entries, first, stored)
    # int32: 16 bits could wrap around in the rescale.
    return lambda stored: apply_modality_lut(stored.astype(np.int32), dataset)


def _looked_up(entries: np.ndarray, first: int, values: np.ndarray) -> np.ndarray:
    """The table entry of each whole value; values beyond the table get its first or last entry."""
    return entries[np.clip(values.astype(np.int64) - first, 0, len(entries) - 1)]


def _table(item: pydicom.Dataset, dataset: pydicom.Dataset) -> tuple[np.ndarray, int]:
    """(entries as uint16, first value mapped) of a look-up table, PS3.3 C.11.1.1 and C.11.2.1.1.

    pydicom's own is not used: it wraps 12-bit input around in a table of 8-bit entries, and does not read 8-bit entries packed
    two to a word (PS3.5 8.2, the first in the lower byte).
    """
    order = "<" if dataset.original_encoding[1] else ">"
    count, first, bits = int(item.LUTDescriptor[0]) or 2**16, int(item.LUTDescriptor[1]), int(item.LUTDescriptor[2])
    data = item.LUTData if isinstance(item.LUTData, bytes) else np.asarray(item.LUTData, f"{order}u2").tobytes()
    if len(data) // 2 >= count:
        return np.frombuffer(data, f"{order}u2", count), first
    if bits <= 8 and len(data) >= count:
        packed = np.frombuffer(data, f"{order}u2", len(data) // 2).astype("<u2").tobytes() + data[len(data) // 2 * 2 :]
        return np.frombuffer(packed, np.uint8, count).astype(np.uint16), first
    raise ImageError(
        f"The DICOM's look-up table is cut short: {count} entries of {bits} bits are declared, it has {len(data)} bytes. "
        "Export the X-ray again."
    )


def _bands(array: np.ndarray) -> Iterator[np.ndarray]:
    rows = max(1, _BAND // array.shape[1])
    return (array[top : top + rows] for top in range(0, len(array), rows))


def _by_bands(array: np.ndarray, to_grey: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    pixels = np.empty(array.shape[:2], np.float32)
    top = 0
    with np.errstate(all="ignore"):  # overflow is refused below
        for band in _bands(array):
            pixels[top : top + len(band)] = to_grey(band)
            top += len(band)
    np.clip(pixels, 0.0, 1.0, out=pixels)
    if not np.isfinite(pixels).all():
        raise ImageError(_DAMAGED_SCALE)
    return pixels
