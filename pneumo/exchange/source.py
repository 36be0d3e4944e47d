"""The DICOM file an answer was given for -> what its results need of it: the study they belong to, and whose it is."""

import hashlib
import io
import re
from dataclasses import dataclass

import pydicom
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pydicom.uid import (
    UID,
    ComputedRadiographyImageStorage,
    DigitalXRayImageStorageForPresentation,
    DigitalXRayImageStorageForProcessing,
    SecondaryCaptureImageStorage,
)
from pydicom.valuerep import PersonName

from pneumo.errors import ExchangeError
from pneumo.exchange import quiet  # noqa: F401
from pneumo.imaging.decoding.dicom import READ

MAKER = "Pneumo"  # Manufacturer of every result, by which it is known again
IMAGES = (
    ComputedRadiographyImageStorage,
    DigitalXRayImageStorageForPresentation,
    DigitalXRayImageStorageForProcessing,
    SecondaryCaptureImageStorage,
)

# The one place where identifiers pass through: from the source straight into the results, in memory, to be filed under
# the same patient and study. Patient, General Study and Patient Study modules of PS3.3; no free comments.
_EMPTY_IF_ABSENT = (
    "PatientName", "PatientID", "PatientBirthDate", "PatientSex",
    "StudyDate", "StudyTime", "StudyID", "AccessionNumber", "ReferringPhysicianName",
)  # fmt: skip
_IF_PRESENT = (
    "IssuerOfPatientID", "TypeOfPatientID", "PatientBirthTime", "PatientAge", "PatientSize", "PatientWeight",
    "PatientIdentityRemoved", "DeidentificationMethod", "StudyDescription", "IssuerOfAccessionNumberSequence",
)  # fmt: skip
_OF_THE_PICTURE = (
    "PatientOrientation", "BurnedInAnnotation",
    "LossyImageCompression", "LossyImageCompressionRatio", "LossyImageCompressionMethod",
)  # fmt: skip
_UIDS = ("SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID")
_FORMS = {
    "DA": re.compile(r"\d{8}", re.ASCII),
    "TM": re.compile(r"\d{2}(\d{2}(\d{2}(\.\d{1,6})?)?)?", re.ASCII),
    "AS": re.compile(r"\d{3}[DWMY]", re.ASCII),
    "CS": re.compile(r"[A-Z0-9_ ]{1,16}", re.ASCII),
    "DS": re.compile(r"[0-9+\-.eE]{1,16}", re.ASCII),
}


@dataclass(frozen=True, repr=False)  # a printed one would tell whose it is
class Source:
    """The image that was read. Data sets are pydicom's and are not changed once made."""

    reference: Dataset  # the four UIDs and empty patient and study elements: what libraries may be shown
    patient: Dataset  # patient and study elements with their values
    picture: Dataset  # elements of the image that its picture repeats


def read_source(data: bytes) -> Source:
    """Header of a DICOM Part 10 file. Elements that break their own rules (a date of letters) are left empty.

    Raises ExchangeError when no result can be filed beside the image: another kind of file or object, or no valid UIDs.
    """
    if data[128:132] != b"DICM":
        raise ExchangeError("Results as DICOM need a DICOM image: this file belongs to no study. Give the DICOM file itself.")
    # Every Exception, and `from None`: pydicom quotes what it could not read.
    try:
        header = pydicom.dcmread(io.BytesIO(data), stop_before_pixels=True)
        uids = {name: UID(str(header.get(name) or "")) for name in _UIDS}
        patient = _copied(header, _IF_PRESENT + _EMPTY_IF_ABSENT)
        picture = _copied(header, _OF_THE_PICTURE)
    except Exception:  # noqa: BLE001
        raise ExchangeError("The header of the DICOM file is damaged: no result can be filed beside it. Export it again.") from None
    if bad := [name for name, uid in uids.items() if not uid.is_valid]:
        raise ExchangeError(f"The DICOM file lacks a valid {', '.join(bad)}: no result can be filed beside it. Export it again.")
    if uids["SOPClassUID"] not in IMAGES:
        raise ExchangeError("The DICOM object is no CR, DX or secondary capture image. Give the X-ray of the study.")
    reference = Dataset()
    for name in _EMPTY_IF_ABSENT:
        setattr(reference, name, "")
        if name not in patient:
            setattr(patient, name, "")
    for name, uid in uids.items():
        setattr(reference, name, uid)
    return Source(reference, patient, picture)


def made_here(data: bytes) -> bool:
    """Whether a DICOM file is a result of this program, come back from an archive that sends everything on.

    Raises ExchangeError when the header cannot be read.
    """
    try:
        header = pydicom.dcmread(io.BytesIO(data), stop_before_pixels=True, specific_tags=["Manufacturer"])
        return str(header.get("Manufacturer") or "") == MAKER
    except Exception:  # noqa: BLE001
        raise ExchangeError("The header of the DICOM file is damaged.") from None


def content_hash(data: bytes) -> bytes:
    """SHA-256 of all that an image's results are made from: its picture, how it is shown, whose it is and where it belongs.

    Not of the whole file: what archives write into an image when they send it on (where it is kept, how many objects its
    study has by now) would make it another one each time. What cannot be parsed is hashed as it is.
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


def _copied(header: Dataset, names: tuple[str, ...]) -> Dataset:
    """Those of the elements that are there; texts decoded, to be written in another character set."""
    chosen = Dataset()
    for name in names:
        if name not in header:
            continue
        element = header[name]
        values = element.value if element.VM > 1 else [element.value]
        form = _FORMS.get(element.VR)
        if element.VR == "SQ":
            setattr(chosen, name, element.value)
        elif element.VR == "PN":
            setattr(chosen, name, PersonName(str(values[0] or "")))
        elif form and not all(form.fullmatch(str(value)) for value in values):
            setattr(chosen, name, "")
        else:
            setattr(chosen, name, [str(value) for value in values] if element.VM > 1 else str(element.value or ""))
    return chosen
