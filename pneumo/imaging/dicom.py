"""DICOM bytes -> Radiograph: checks by header, modality LUT, VOI LUT or window, MONOCHROME1 turned, identifiers left behind."""

import io
import logging
import re
import warnings

import numpy as np
import pydicom
from pydicom.encaps import get_frame
from pydicom.pixels import apply_modality_lut, apply_windowing
from pydicom.uid import RLELossless

from pneumo.errors import ImageError, ImageRejected, PneumoError
from pneumo.imaging.codestream import codestream_size
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


def decode_dicom(data: bytes) -> Radiograph:
    """Read a single-frame radiograph (CR, DX or secondary capture) from a DICOM Part 10 file.

    Order after PS3.4 C.11 / PS3.3 C.7.6.3: modality LUT or rescale, VOI LUT or window, then MONOCHROME1 inversion.
    Without a VOI the stored range of the picture itself becomes [0, 1].
    """
    if _DEFLATED in data:
        raise ImageError("The DICOM file is deflated, which is not read for safety. Export it uncompressed or as JPEG 2000.")
    # Every Exception, and `from None`: pydicom and its decoders raise without a common base and quote what they could not
    # read; one that came through would carry a name into a log.
    try:
        dataset = pydicom.dcmread(io.BytesIO(data), specific_tags=_READ)
    except Exception:  # noqa: BLE001
        raise ImageError("The DICOM file is damaged: its header cannot be read. Export it again.") from None
    try:
        facts = _check(dataset, len(data))
        pixels = _presented(dataset.pixel_array, dataset)
    except PneumoError:
        raise
    except Exception:  # noqa: BLE001
        raise ImageError(
            "The DICOM pixels cannot be decoded: the data is damaged, cut short, or in an unknown compression. "
            "Export it again, uncompressed."
        ) from None
    return Radiograph(pixels, facts)


def _check(dataset: pydicom.Dataset, size: int) -> ImageFacts:
    """Refuse by header what is no single radiograph, before a pixel is decoded; return the harmless facts."""
    modality = str(dataset.get("Modality") or "")
    if modality and modality not in _RADIOGRAPHY:
        kind = f"a {modality}" if modality in _OTHER_MODALITIES else "another kind of"
        raise ImageRejected(
            f"The DICOM holds {kind} image; expected a radiograph (modality CR or DX). Choose the chest X-ray of the study."
        )
    if "PixelData" not in dataset:
        raise ImageError("The DICOM file holds no image (no pixel data): a report perhaps, or cut short. Choose the X-ray itself.")
    if missing := [name for name in _NEEDED if dataset.get(name) in (None, "")]:
        raise ImageError(f"The DICOM header is incomplete: it lacks {', '.join(missing)}. Export the X-ray again.")
    if int(dataset.get("NumberOfFrames") or 1) > 1:
        raise ImageRejected(
            f"The DICOM holds {int(dataset.NumberOfFrames)} frames; expected one X-ray. Export the single frontal image."
        )
    rows, columns = int(dataset.Rows), int(dataset.Columns)
    if rows * columns > MAX_PIXELS:
        raise ImageRejected(f"The DICOM declares {columns} x {rows} pixels; at most {MAX_PIXELS // 10**6} million are read.")
    if dataset.PhotometricInterpretation not in (_GREY if int(dataset.SamplesPerPixel) == 1 else _COLOUR):
        raise ImageError("The DICOM stores its colours in a way that is not read (a palette, perhaps). Export it in grey.")
    syntax = dataset.file_meta.TransferSyntaxUID
    if syntax.is_encapsulated and syntax != RLELossless:
        size_within = codestream_size(get_frame(dataset.PixelData, 0, number_of_frames=1))
        if size_within != (columns, rows, int(dataset.SamplesPerPixel)):
            raise ImageError("The DICOM is damaged: its header and its compressed image differ in size. Export it again.")
    notes = []
    if dataset.PhotometricInterpretation == "MONOCHROME1":
        notes.append("MONOCHROME1 turned so that bone is white")
    if int(dataset.SamplesPerPixel) > 1:
        notes.append("colours converted to grey")
    view, age = str(dataset.get("ViewPosition") or ""), str(dataset.get("PatientAge") or "")
    return ImageFacts("DICOM", columns, rows, int(dataset.BitsStored), size, tuple(notes), modality or None,
                      view if view in _VIEWS else None, age if _AGE.fullmatch(age) else None)  # fmt: skip


def _presented(stored: np.ndarray, dataset: pydicom.Dataset) -> np.ndarray:
    """Stored values -> float32 in [0, 1] as a viewer would show them."""
    if stored.ndim == 3:  # colour secondary capture: ITU-R 601 grey, no grey-scale LUT applies
        grey = stored @ np.array([0.299, 0.587, 0.114]) / (2 ** int(dataset.BitsStored) - 1)
        return np.clip(grey, 0.0, 1.0).astype(np.float32)
    # pydicom subtracts a table's first value in the array's own type, which may wrap around in 16 bits.
    values = apply_modality_lut(stored.astype(np.int64 if stored.itemsize > 2 else np.int32), dataset)
    shown, low, high = _voi(values, dataset)
    if low == high:
        raise ImageRejected("The image has no contrast: every pixel has the same value. Choose the X-ray itself.")
    with np.errstate(all="ignore"):  # what overflows is refused on the next line
        pixels = np.clip((shown - low) / (high - low), 0.0, 1.0).astype(np.float32)
    if not np.isfinite(pixels).all():
        raise ImageError("The DICOM's rescale or window values are damaged. Export the X-ray again.")
    return 1.0 - pixels if dataset.PhotometricInterpretation == "MONOCHROME1" else pixels


def _voi(values: np.ndarray, dataset: pydicom.Dataset) -> tuple[np.ndarray, float, float]:
    """VOI LUT, else window, else unchanged -> (output, the output for darkest and brightest; of the picture where there is none).

    After a rescale with negative slope pydicom's window output falls as the input rises: then darkest > brightest.
    """
    if dataset.get("VOILUTSequence"):
        return _look_up(values, dataset.VOILUTSequence[0], "<" if dataset.original_encoding[1] else ">")
    centre, width = dataset.get("WindowCenter"), dataset.get("WindowWidth")
    if centre is None or width is None or np.atleast_1d(width)[0] <= 0:  # some archives write an empty window or zeros
        return values, float(values.min()), float(values.max())
    reach = 4.0 * float(np.atleast_1d(width)[0]) + 1.0
    ends = apply_windowing(float(np.atleast_1d(centre)[0]) + np.array([-reach, reach]), dataset)
    return apply_windowing(values, dataset), float(ends[0]), float(ends[1])


def _look_up(values: np.ndarray, item: pydicom.Dataset, order: str) -> tuple[np.ndarray, float, float]:
    """VOI LUT by PS3.3 C.11.2.1.1. Not pydicom's apply_voi: it wraps 12-bit input around in a table of 8-bit entries."""
    entries, first, bits = item.LUTDescriptor
    data = item.LUTData
    table = np.frombuffer(data, f"{order}u2") if isinstance(data, bytes) else np.asarray(data)
    index = np.clip(np.rint(values).astype(np.int64) - first, 0, min(entries or 2**16, len(table)) - 1)
    return table[index], 0.0, 2.0 ** int(bits) - 1.0
