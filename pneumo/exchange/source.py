"""Source DICOM file -> the patient, study and reference elements that its results repeat."""

import hashlib
import io
import re
from dataclasses import dataclass

import pydicom
from pydicom import uid
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pydicom.valuerep import PersonName

from pneumo.errors import ExchangeError
from pneumo.exchange import quiet  # noqa: F401
from pneumo.imaging.decoding.dicom import READ

MANUFACTURER = "Pneumo"  # element Manufacturer of every result, by which our own results are recognised
IMAGES = (
    uid.ComputedRadiographyImageStorage,
    uid.DigitalXRayImageStorageForPresentation,
    uid.DigitalXRayImageStorageForProcessing,
    uid.SecondaryCaptureImageStorage,
)

# Identifiers are copied here and nowhere else: in memory, from the source to its results, to file them under the same patient
# and study. From the Patient, General Study and Patient Study modules of PS3.3, without free-text comments.
_EMPTY_IF_ABSENT = (
    *("PatientName", "PatientID", "PatientBirthDate", "PatientSex"),
    *("StudyDate", "StudyTime", "StudyID", "AccessionNumber", "ReferringPhysicianName"),
)
_IF_PRESENT = (
    *("IssuerOfPatientID", "TypeOfPatientID", "PatientBirthTime", "PatientIdentityRemoved", "DeidentificationMethod"),
    *("PatientAge", "PatientSize", "PatientWeight", "StudyDescription", "IssuerOfAccessionNumberSequence"),
)
LOSSY = ("LossyImageCompression", "LossyImageCompressionRatio", "LossyImageCompressionMethod")
_OF_THE_PICTURE = ("PatientOrientation", "BurnedInAnnotation", *LOSSY)
_UIDS = ("SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID")
_FORMS = {
    "DA": re.compile(r"\d{8}", re.ASCII),
    "TM": re.compile(r"\d{2}(\d{2}(\d{2}(\.\d{1,6})?)?)?", re.ASCII),
    "AS": re.compile(r"\d{3}[DWMY]", re.ASCII),
    "CS": re.compile(r"[A-Z0-9_ ]{1,16}", re.ASCII),
    "DS": re.compile(r"[0-9+\-.eE]{1,16}", re.ASCII),
}


@dataclass(frozen=True, repr=False)  # no repr: it would show patient data
class Source:
    """Elements of the source image. The data sets must not be changed."""

    reference: Dataset  # the four UIDs and empty patient and study elements: safe to pass to libraries
    patient: Dataset  # patient and study elements with their values
    picture: Dataset  # image elements that results repeat
    number: int = 1  # of the image in its series; the results' as well


def read_source(data: bytes) -> Source:
    """Read the header of a DICOM Part 10 file. Values that violate their VR (such as letters in a date) are left empty.

    Raises ExchangeError if no result can be filed with the image: not a DICOM image of a supported class, or invalid UIDs.
    """
    if data[128:132] != b"DICM":
        raise ExchangeError("Results as DICOM need a DICOM image: this file belongs to no study. Give the DICOM file itself.")
    # Catch every Exception, and raise `from None`: pydicom's messages quote the file.
    try:
        header = pydicom.dcmread(io.BytesIO(data), stop_before_pixels=True)
        uids = {name: uid.UID(str(header.get(name) or "")) for name in _UIDS}
        patient = _copied(header, _IF_PRESENT + _EMPTY_IF_ABSENT)
        picture = _copied(header, _OF_THE_PICTURE)
    except Exception:  # noqa: BLE001
        raise ExchangeError("The header of the DICOM file is damaged: no result can be filed beside it. Export it again.") from None
    if invalid := ", ".join(name for name, value in uids.items() if not value.is_valid):
        raise ExchangeError(f"The DICOM file lacks a valid {invalid}: no result can be filed beside it. Export it again.")
    if uids["SOPClassUID"] not in IMAGES:
        raise ExchangeError("The DICOM object is no CR, DX or secondary capture image. Give the X-ray of the study.")
    reference = Dataset()
    for name in _EMPTY_IF_ABSENT:
        setattr(reference, name, "")
        patient.setdefault(name, "")
    for name, value in uids.items():
        setattr(reference, name, value)
    return Source(reference, patient, picture, _instance_number(header))


def is_own_result(data: bytes) -> bool:
    """Whether a DICOM file is one of our own results, which some archives send back. Raises ExchangeError for a damaged header."""
    try:
        header = pydicom.dcmread(io.BytesIO(data), stop_before_pixels=True, specific_tags=["Manufacturer"])
        return str(header.get("Manufacturer") or "") == MANUFACTURER
    except Exception:  # noqa: BLE001
        raise ExchangeError("The header of the DICOM file is damaged.") from None


def content_hash(data: bytes) -> bytes:
    """SHA-256 of everything that the results depend on: pixels, display elements, patient, study and UIDs.

    Not of the whole file: archives add elements when they forward an image (its location, the number of objects in the study),
    so the same image would have a different hash each time. A file that cannot be parsed is hashed whole.
    """
    try:
        header = pydicom.dcmread(io.BytesIO(data), specific_tags=[*_UIDS, *_EMPTY_IF_ABSENT, *_IF_PRESENT, *_OF_THE_PICTURE, *READ])
        syntax = header.file_meta.TransferSyntaxUID
        buffer = DicomBytesIO()
        buffer.is_little_endian, buffer.is_implicit_VR = syntax.is_little_endian, syntax.is_implicit_VR
        write_dataset(buffer, header)
        return hashlib.sha256(syntax.encode() + buffer.getvalue()).digest()
    except Exception:  # noqa: BLE001
        return hashlib.sha256(data).digest()


def _instance_number(header: Dataset) -> int:
    """1 where the file has no sensible number."""
    try:
        number = int(header.get("InstanceNumber") or 1)
    except Exception:  # noqa: BLE001  (a damaged value, which the error would quote)
        return 1
    return number if 0 < number < 2**20 else 1


def _copied(header: Dataset, names: tuple[str, ...]) -> Dataset:
    """The elements of `names` that are present; texts are decoded, to be written in another character set."""
    copied = Dataset()
    for element in [header[name] for name in names if name in header]:
        name = element.keyword
        values = element.value if element.VM > 1 else [element.value]
        form = _FORMS.get(element.VR)
        if element.VR == "SQ":
            setattr(copied, name, element.value)
        elif element.VR == "PN":
            setattr(copied, name, PersonName(str(values[0] or "")))
        elif form and not all(form.fullmatch(str(value)) for value in values):
            setattr(copied, name, "")
        else:
            setattr(copied, name, [str(value) for value in values] if element.VM > 1 else str(element.value or ""))
    return copied
