"""DICOM bytes -> Radiograph: what is no single radiograph is refused by its header, and identifiers are left behind."""

import io
import logging
import warnings
from collections.abc import Callable
from typing import TypeVar

import pydicom
from pydicom.pixels.utils import pixel_array
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from pneumo.errors import ImageError, PneumoError
from pneumo.imaging.decoding.dicom_header import NATIVE, check
from pneumo.imaging.decoding.dicom_pixels import presented
from pneumo.imaging.radiograph import Radiograph

# pydicom quotes offending values, and a value may be a patient's name: none may reach a log.
pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE
logging.getLogger("pydicom").setLevel(logging.CRITICAL + 1)  # its children inherit this
warnings.filterwarnings("ignore", module="pydicom")

# Only these elements are read; names, numbers, dates and private tags never enter memory as values.
READ = [
    "Modality", "ViewPosition", "BodyPartExamined", "PatientAge", "PresentationIntentType", "SamplesPerPixel",
    "PhotometricInterpretation", "PlanarConfiguration", "NumberOfFrames", "Rows", "Columns", "BitsAllocated", "BitsStored",
    "HighBit", "PixelRepresentation", "PixelAspectRatio", "PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing",
    "RescaleIntercept", "RescaleSlope", "RescaleType", "ModalityLUTSequence", "VOILUTSequence", "VOILUTFunction",
    "WindowCenter", "WindowWidth", "WindowCenterWidthExplanation", "PixelData",
]  # fmt: skip
_DEFLATED = b"1.2.840.10008.1.2.1.99"  # Deflated Explicit VR: half a megabyte can unpack to a gigabyte
_MAX_READS = 100_000  # an ordinary radiograph takes some thousand
_MAX_TABLES = 2**20  # bytes of a sequence of look-up tables: seven of 65,536 entries
_T = TypeVar("_T")


class _Reader(io.BytesIO):
    """Gives up after _MAX_READS reads: each empty element takes 8 bytes of the file, and a hundred times that in memory."""

    reads = 0

    def read(self, size: int | None = -1, /) -> bytes:
        self.reads += 1
        if self.reads > _MAX_READS:
            raise ImageError("The DICOM header has more elements than any X-ray's: it is damaged. Export the X-ray again.")
        return super().read(size)


def decode_dicom(data: bytes) -> Radiograph:
    """Read a single-frame radiograph (CR, DX or secondary capture) from a DICOM Part 10 file.

    Memory stays within a few times the declared picture, 50 million pixels of at most 16 bits, whatever the bytes say.
    Raises ImageError or ImageRejected, which carry nothing of the file beyond known codes, as their context neither.
    """
    if _DEFLATED in data:
        raise ImageError("The DICOM file is deflated, which is not read for safety. Export it uncompressed or as JPEG 2000.")
    dataset = _quietly(lambda: _header(data), "The DICOM file is damaged: its header cannot be read. Export it again.")
    return _quietly(
        lambda: _radiograph(dataset, len(data)),
        "The DICOM pixels cannot be decoded: the data is damaged, cut short, or in an unknown compression. "
        "Export it again, uncompressed.",
    )


def _quietly(step: Callable[[], _T], message: str) -> _T:
    """The step's result; whatever it raises but our own errors becomes ImageError(message).

    Whatever: pydicom and its decoders raise without a common base and quote what they could not read, and a decoder written
    in Rust panics, which is no Exception. Raised after the handler, not in it, so that not even `__context__` holds the
    original, which would carry a name into a log.
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
    bare = data[128:132] != b"DICM"
    dataset = pydicom.dcmread(_Reader(data), specific_tags=READ, force=bare)
    if bare and "TransferSyntaxUID" not in dataset.file_meta:
        dataset.file_meta.TransferSyntaxUID = _plain_syntax(dataset)
    for keyword in ("ModalityLUTSequence", "VOILUTSequence"):
        raw = dataset.get_item(keyword)
        if isinstance(raw, pydicom.dataelem.RawDataElement) and len(raw.value or b"") > _MAX_TABLES:
            raise ImageError("The DICOM's look-up tables are larger than any scale of grey: it is damaged. Export the X-ray again.")
    return dataset


def _plain_syntax(dataset: pydicom.Dataset) -> pydicom.uid.UID:
    """Of a data set whose header does not tell it: uncompressed. Pixel data in fragments says that it is not."""
    if "PixelData" in dataset and dataset["PixelData"].is_undefined_length:
        raise ImageError("The DICOM file is compressed, and its header does not say how. Export it again, with a full header.")
    implicit, _ = dataset.original_encoding
    return ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian


def _radiograph(dataset: pydicom.Dataset, size: int) -> Radiograph:
    for element in list(dataset):
        if element.is_empty:  # as good as absent
            del dataset[element.tag]
    facts = check(dataset, size)
    # One decoder for all that is compressed. pydicom would try another where it fails, and that one unpacks RLE without bound.
    plugin = "" if dataset.file_meta.TransferSyntaxUID in NATIVE else "pylibjpeg"
    # Which bits are unused is for `presented` to say: pydicom would clear the upper ones, whatever the header's HighBit.
    decoded = pixel_array(dataset, decoding_plugin=plugin, correct_unused_bits=False)
    pixels, values = presented(decoded, dataset)
    return Radiograph(pixels, facts, values)
