"""DICOM bytes -> Radiograph: checks by header, modality LUT, VOI LUT or window, MONOCHROME1 turned, identifiers left behind."""

import io
import logging
import re
import struct
import warnings
import zlib

import numpy as np
import pydicom
from pydicom.pixels import apply_modality_lut, apply_voi_lut

from pneumo.errors import ImageError, ImageRejected
from pneumo.imaging.radiograph import ImageFacts, Radiograph
from pneumo.imaging.raster import MAX_PIXELS

# pydicom quotes offending values, and a value may be a patient's name: none may reach a log.
pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE
logging.getLogger("pydicom").setLevel(logging.CRITICAL + 1)  # its children inherit this
warnings.filterwarnings("ignore", module="pydicom")

# Only these elements are read; names, numbers, dates and private tags never enter memory as values.
_READ = [
    "Modality", "ViewPosition", "PatientAge", "SamplesPerPixel", "PhotometricInterpretation", "PlanarConfiguration",
    "NumberOfFrames", "Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation",
    "RescaleIntercept", "RescaleSlope", "RescaleType", "ModalityLUTSequence", "VOILUTSequence", "VOILUTFunction",
    "WindowCenter", "WindowWidth", "PixelData",
]  # fmt: skip
_NEEDED = ("Rows", "Columns", "SamplesPerPixel", "PhotometricInterpretation", "BitsAllocated", "BitsStored", "PixelRepresentation")
_RADIOGRAPHY = {"CR", "DX", "RG", "OT", "SC"}  # SC and OT: scanned films and screenshots
# Free text may stand where a code belongs, even a name: only known codes are repeated in an answer or a message.
_OTHER_MODALITIES = {"CT", "MR", "US", "MG", "NM", "PT", "XA", "RF", "IO", "PX", "ES", "XC", "ECG", "SR", "PR", "KO", "DOC", "SEG"}
_VIEWS = {"AP", "PA", "LL", "RL", "RLD", "LLD", "RLO", "LLO", "LAT", "LATERAL"}
_AGE = re.compile(r"\d{3}[DWMY]", re.ASCII)
_GREY, _COLOUR = {"MONOCHROME1", "MONOCHROME2"}, {"RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT"}
_DEFLATED = b"1.2.840.10008.1.2.1.99"  # Deflated Explicit VR: half a megabyte can unpack to a gigabyte
_PLAIN_ERRORS = (ValueError, TypeError, KeyError, AttributeError, IndexError, EOFError, OSError, RuntimeError,
                 NotImplementedError, OverflowError, MemoryError, AssertionError, struct.error, zlib.error,
                 pydicom.errors.InvalidDicomError)  # fmt: skip


def decode_dicom(data: bytes) -> Radiograph:
    """Read a single-frame radiograph (CR, DX or secondary capture) from a DICOM Part 10 file.

    Order after PS3.4 C.11 / PS3.3 C.7.6.3: modality LUT or rescale, VOI LUT or window, then MONOCHROME1 inversion.
    Without a VOI the stored range of the picture itself becomes [0, 1].
    """
    if _DEFLATED in data:
        raise ImageError("The DICOM file is deflated, which is not read for safety. Export it uncompressed or as JPEG 2000.")
    try:
        dataset = pydicom.dcmread(io.BytesIO(data), specific_tags=_READ)
    except _PLAIN_ERRORS as error:
        raise ImageError("The DICOM file is damaged: its header cannot be read. Export it again.") from error
    try:
        facts = _check(dataset, len(data))
        stored = dataset.pixel_array
        pixels = _presented(stored, dataset)
    except _PLAIN_ERRORS as error:
        raise ImageError(
            "The DICOM pixels cannot be decoded: the data is damaged, cut short, or in an unknown compression. "
            "Export it again, uncompressed."
        ) from error
    return Radiograph(pixels, facts)


def _check(dataset: pydicom.Dataset, size: int) -> ImageFacts:
    """Refuse by header what is no single radiograph, before a pixel is decoded; return the harmless facts."""
    modality = str(dataset.get("Modality") or "")
    if modality and modality not in _RADIOGRAPHY:
        raise ImageRejected(
            f"The DICOM holds a {modality} image; expected a radiograph (modality CR or DX). Choose the chest X-ray of the study."
        )
    if "PixelData" not in dataset:
        raise ImageError(
            "The DICOM file holds no image (no pixel data): a report or a directory, perhaps. Choose the X-ray itself."
        )
    if int(dataset.get("NumberOfFrames") or 1) > 1:
        raise ImageRejected(
            f"The DICOM holds {dataset.NumberOfFrames} frames; expected one X-ray. Export the single frontal image."
        )
    rows, columns = int(dataset.Rows), int(dataset.Columns)
    if rows * columns > MAX_PIXELS:
        raise ImageRejected(f"The DICOM declares {columns} x {rows} pixels; at most {MAX_PIXELS // 10**6} million are read.")
    notes = []
    if dataset.PhotometricInterpretation == "MONOCHROME1":
        notes.append("MONOCHROME1 turned so that bone is white")
    if int(dataset.SamplesPerPixel) > 1:
        notes.append("colours converted to grey")
    return ImageFacts("DICOM", columns, rows, int(dataset.BitsStored), size, tuple(notes), modality or None,
                      str(dataset.get("ViewPosition") or "") or None, str(dataset.get("PatientAge") or "") or None)  # fmt: skip


def _presented(stored: np.ndarray, dataset: pydicom.Dataset) -> np.ndarray:
    """Stored values -> float32 in [0, 1] as a viewer would show them."""
    if stored.ndim == 3:  # colour secondary capture: ITU-R 601 grey, no grey-scale LUT applies
        return (stored @ np.array([0.299, 0.587, 0.114]) / (2 ** int(dataset.BitsStored) - 1)).astype(np.float32)
    values = apply_modality_lut(stored, dataset)
    low, high = _voi_range(values, dataset)
    # Keep integers for VOI LUTs, which index a table.
    shown = np.asarray(apply_voi_lut(values, dataset), dtype=np.float32)
    if high <= low:
        raise ImageRejected("The image has no contrast: every pixel has the same value. Choose the X-ray itself.")
    pixels = np.clip((shown - low) / (high - low), 0.0, 1.0, dtype=np.float32)
    return 1.0 - pixels if dataset.PhotometricInterpretation == "MONOCHROME1" else pixels


def _voi_range(values: np.ndarray, dataset: pydicom.Dataset) -> tuple[float, float]:
    """Darkest and brightest output of the VOI transform; of the picture itself where there is none."""
    if "VOILUTSequence" in dataset:
        first, entries, bits = dataset.VOILUTSequence[0].LUTDescriptor
        return 0.0, float(2 ** int(bits) - 1)
    if "WindowCenter" in dataset and "WindowWidth" in dataset:
        centre = np.atleast_1d(dataset.WindowCenter)[0]
        reach = 4.0 * abs(float(np.atleast_1d(dataset.WindowWidth)[0])) + 1.0
        ends = apply_voi_lut(np.array([float(centre) - reach, float(centre) + reach]), dataset)
        return float(ends[0]), float(ends[1])
    return float(values.min()), float(values.max())
