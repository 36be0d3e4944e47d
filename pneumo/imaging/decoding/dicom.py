"""DICOM bytes -> Radiograph. Anything but a single radiograph is refused by its header; identifiers are never read."""

import io
import logging
import warnings
from collections.abc import Callable
from typing import TypeVar

import pydicom
from pydicom.pixels.utils import pixel_array
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from pneumo.errors import ImageError, PneumoError
from pneumo.imaging.decoding.dicom_header import NATIVE, check_header
from pneumo.imaging.decoding.dicom_pixels import display_pixels
from pneumo.imaging.radiograph import Radiograph

# pydicom's messages quote values, which may be a patient's name: none may reach a log.
pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE
logging.getLogger("pydicom").setLevel(logging.CRITICAL + 1)  # its children inherit this
warnings.filterwarnings("ignore", module="pydicom")

# Only these elements are parsed. Names, patient ids, dates and private tags are skipped.
READ = [
    "Modality", "ViewPosition", "BodyPartExamined", "PatientAge", "PresentationIntentType",
    "SamplesPerPixel", "PhotometricInterpretation", "PlanarConfiguration", "NumberOfFrames", "Rows", "Columns",
    "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation",
    "PixelAspectRatio", "PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing",
    "RescaleIntercept", "RescaleSlope", "RescaleType", "ModalityLUTSequence",
    "VOILUTSequence", "VOILUTFunction", "WindowCenter", "WindowWidth", "WindowCenterWidthExplanation", "PixelData",
]  # fmt: skip
_DEFLATED = b"1.2.840.10008.1.2.1.99"  # Deflated Explicit VR: half a megabyte can unpack to a gigabyte
_MAX_READS = 100_000  # an ordinary radiograph takes a few thousand
_MAX_TABLES = 2**20  # bytes of one look-up table sequence: enough for seven tables of 65,536 entries
_T = TypeVar("_T")


class _Reader(io.BytesIO):
    """Fails after _MAX_READS reads: an empty element takes 8 bytes in the file and about 800 in memory."""

    reads = 0

    def read(self, size: int | None = -1, /) -> bytes:
        self.reads += 1
        if self.reads > _MAX_READS:
            raise ImageError("The DICOM header has more elements than any X-ray's: it is damaged. Export the X-ray again.")
        return super().read(size)


def decode_dicom(data: bytes) -> Radiograph:
    """Read a single-frame radiograph (CR, DX or secondary capture) from a DICOM Part 10 file.

    Memory is bounded by a few times the declared image (at most 50 million pixels of 16 bits), even for hostile bytes.
    Raises ImageError or ImageRejected. Neither these errors nor their `__context__` quote the file, except known codes.
    """
    if _DEFLATED in data:
        raise ImageError("The DICOM file is deflated, which is not read for safety. Export it uncompressed or as JPEG 2000.")
    dataset = _hiding_details(lambda: _header(data), "The DICOM file is damaged: its header cannot be read. Export it again.")
    return _hiding_details(
        lambda: _radiograph(dataset, len(data)),
        "The DICOM pixels cannot be decoded: the data is damaged, cut short, or in an unknown compression. "
        "Export it again, uncompressed.",
    )


def _hiding_details(step: Callable[[], _T], message: str) -> _T:
    """The step's result. Every error but our own becomes ImageError(message).

    BaseException, because pydicom and its decoders have no common error class, and a panic of a Rust decoder is not an
    Exception. Their messages quote the file, so the new error is raised outside the handler: otherwise `__context__` would
    carry the original, and perhaps a patient's name, into a log.
    """
    try:
        return step()
    except (PneumoError, KeyboardInterrupt, SystemExit):
        raise
    except BaseException:  # noqa: BLE001
        pass
    raise ImageError(message)


def _header(data: bytes) -> pydicom.Dataset:
    """The elements of READ that have a value."""
    no_preamble = data[128:132] != b"DICM"
    dataset = pydicom.dcmread(_Reader(data), specific_tags=READ, force=no_preamble)
    if no_preamble and "TransferSyntaxUID" not in dataset.file_meta:
        dataset.file_meta.TransferSyntaxUID = _native_syntax(dataset)
    for keyword in ("ModalityLUTSequence", "VOILUTSequence"):
        raw = dataset.get_item(keyword)
        if isinstance(raw, pydicom.dataelem.RawDataElement) and len(raw.value or b"") > _MAX_TABLES:
            raise ImageError("The DICOM's look-up tables are too large for any grey scale: it is damaged. Export the X-ray again.")
    return dataset


def _native_syntax(dataset: pydicom.Dataset) -> pydicom.uid.UID:
    """The uncompressed transfer syntax of a data set that names none. Raises ImageError if its pixel data is in fragments."""
    if "PixelData" in dataset and dataset["PixelData"].is_undefined_length:
        raise ImageError("The DICOM file is compressed, and its header does not say how. Export it again, with a full header.")
    implicit, _ = dataset.original_encoding
    return ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian


def _radiograph(dataset: pydicom.Dataset, size: int) -> Radiograph:
    for element in list(dataset):
        if element.is_empty:  # treat as absent
            del dataset[element.tag]
    facts = check_header(dataset, size)
    # Name one decoder for all compressed data: if it fails, pydicom would otherwise try its own, which unpacks RLE without limit.
    plugin = "" if dataset.file_meta.TransferSyntaxUID in NATIVE else "pylibjpeg"
    # `display_pixels` removes unused bits: pydicom would clear the upper ones, ignoring HighBit.
    decoded = pixel_array(dataset, decoding_plugin=plugin, correct_unused_bits=False)
    pixels, values = display_pixels(decoded, dataset)
    return Radiograph(pixels, facts, values)
