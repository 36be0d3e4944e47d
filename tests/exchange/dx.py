"""A DX study of a phantom, complete enough for archives and validators."""

import io

import numpy as np
from highdicom import UID
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sr.codedict import codes
from pydicom.uid import DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian

from pneumo.synthetic.phantom import make_phantom

NAME = "Zwetschgenbaum^Rosalinde"  # a patient's name that does not occur anywhere else
# Elements for `dx_dataset`: an image that is called pneumonia, one that is not, an unknown patient, and a name in three scripts.
SICK, WELL = {"gamma": 0.4}, {"gamma": 2.0}
NOBODY = {"PatientName": "", "PatientID": "", "PatientBirthDate": ""} | dict.fromkeys(
    ("AccessionNumber", "StudyID", "ReferringPhysicianName", "PatientSex", "StudyTime")
)
SCRIPTS = {"PatientName": "Yamada^Tarou=山田^太郎=やまだ^たろう", "SpecificCharacterSet": "ISO_IR 192"}


def _code(code) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = code.value, code.scheme_designator, code.meaning
    return item


def dx_dataset(subtype: str = "bacterial", seed: int = 0, side: int = 160, gamma: float = 1.0, **elements) -> Dataset:
    """12-bit PA chest of a phantom; the tiny model calls pneumonia at `gamma` 0.4 and not at 2. None leaves an element out."""
    greys = make_phantom(subtype, seed, side, side).pixels ** gamma
    pixels = np.rint(greys * 4095).astype(np.uint16)
    region = _code(codes.SCT.Chest)
    ordinary = {
        "SpecificCharacterSet": "ISO_IR 100",
        "ImageType": ["ORIGINAL", "PRIMARY", ""],
        "SOPClassUID": DigitalXRayImageStorageForPresentation,
        "SOPInstanceUID": UID(),
        "StudyInstanceUID": UID(),
        "SeriesInstanceUID": UID(),
        "StudyDate": "20260105",
        "StudyTime": "101500",
        "ContentDate": "20260105",
        "ContentTime": "101501",
        "AcquisitionDate": "20260105",
        "AcquisitionTime": "101501",
        "AccessionNumber": "A-0815",
        "StudyID": "S1",
        "StudyDescription": "Thorax",
        "Modality": "DX",
        "PresentationIntentType": "FOR PRESENTATION",
        "Manufacturer": "Phantom Works",
        "ReferringPhysicianName": "Müller^Jörg",
        "PatientName": NAME,
        "PatientID": "P-4711",
        "PatientBirthDate": "20230301",
        "PatientSex": "F",
        "PatientAge": "002Y",
        "BodyPartExamined": "CHEST",
        "ViewPosition": "PA",
        "PatientOrientation": ["L", "F"],
        "ImageLaterality": "U",
        "AnatomicRegionSequence": [region],
        "ViewCodeSequence": [_code(codes.SCT.PosteroAnterior)],
        "DetectorType": "SCINTILLATOR",
        "PositionerType": "NONE",
        "AcquisitionContextSequence": [],
        "SeriesNumber": 1,
        "InstanceNumber": 1,
        "BurnedInAnnotation": "NO",
        "LossyImageCompression": "00",
        "PixelIntensityRelationship": "LOG",
        "PixelIntensityRelationshipSign": 1,
        "PresentationLUTShape": "IDENTITY",
        "ImagerPixelSpacing": [0.2, 0.2],
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "Rows": side,
        "Columns": side,
        "BitsAllocated": 16,
        "BitsStored": 12,
        "HighBit": 11,
        "PixelRepresentation": 0,
        "RescaleIntercept": 0,
        "RescaleSlope": 1,
        "RescaleType": "US",
        "WindowCenter": 2048,
        "WindowWidth": 4096,
        "PixelData": pixels.tobytes(),
    }
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    for name, value in {**ordinary, **elements}.items():
        if value is not None:
            setattr(dataset, name, value)
    return dataset


def file_of(dataset: Dataset) -> bytes:
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def dx_bytes(**elements) -> bytes:
    """A DICOM file; see `dx_dataset`."""
    return file_of(dx_dataset(**elements))
