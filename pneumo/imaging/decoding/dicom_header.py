"""Check a DICOM header before any pixel is decoded: one complete radiograph? Returns its facts without identifiers."""

import math
import re

import pydicom
from pydicom.encaps import get_frame
from pydicom.uid import (
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000TransferSyntaxes,
    JPEGLSTransferSyntaxes,
    JPEGTransferSyntaxes,
    RLELossless,
)

from pneumo.errors import ImageError, ImageRejected
from pneumo.imaging.decoding.codestream import check_rle, codestream_size, is_complete
from pneumo.imaging.decoding.raster import MAX_PIXELS
from pneumo.imaging.radiograph import ImageFacts, Spacing

_NEEDED = ("Rows", "Columns", "SamplesPerPixel", "PhotometricInterpretation", "BitsAllocated", "BitsStored", "PixelRepresentation")
_SPACINGS = ("PixelAspectRatio", "ImagerPixelSpacing", "PixelSpacing", "NominalScannedPixelSpacing")  # each down, then across
_RADIOGRAPHY = {"CR", "DX", "RG", "OT", "SC"}  # SC and OT: scanned films and screenshots
# A code element may hold free text, even a name: only known codes are repeated in answers and messages.
_OTHER_MODALITIES = {"CT", "MR", "US", "MG", "NM", "PT", "XA", "RF", "IO", "PX", "ES", "XC", "ECG", "SR", "PR", "KO", "DOC", "SEG"}
_VIEWS = {"AP", "PA", "LL", "RL", "RLD", "LLD", "RLO", "LLO", "LAT", "LATERAL"}
_BODY_PARTS = {
    "CHEST", "THORAX", "LUNG", "RIB", "RIBS", "CHESTABDOMEN", "ABDOMEN", "PELVIS", "HIP", "SPINE", "CSPINE", "TSPINE", "LSPINE",
    "SKULL", "HEAD", "NECK", "SHOULDER", "CLAVICLE", "HUMERUS", "ELBOW", "FOREARM", "WRIST", "HAND", "FINGER", "FEMUR", "KNEE",
    "LEG", "ANKLE", "FOOT", "TOE", "ARM", "EXTREMITY", "BREAST", "WHOLEBODY",
}  # fmt: skip
_AGE = re.compile(r"\d{3}[DWMY]", re.ASCII)
_GREY, _COLOUR = {"MONOCHROME1", "MONOCHROME2"}, {"RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT"}
NATIVE = {ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian}
_CODESTREAMS = {*JPEGTransferSyntaxes, *JPEGLSTransferSyntaxes, *JPEG2000TransferSyntaxes}


def check_header(dataset: pydicom.Dataset, size: int) -> ImageFacts:
    """Facts, without identifiers, of the radiograph in a file of `size` bytes. Raises ImageError or ImageRejected."""
    modality = str(dataset.get("Modality") or "")
    if modality and modality not in _RADIOGRAPHY:
        kind = f"a {modality}" if modality in _OTHER_MODALITIES else "another kind of"
        raise ImageRejected(
            f"The DICOM holds {kind} image; expected a radiograph (modality CR or DX). Choose the chest X-ray of the study."
        )
    if "PixelData" not in dataset:
        raise ImageError("The DICOM file holds no image (no pixel data): a report perhaps, or cut short. Choose the X-ray itself.")
    if missing := [name for name in _NEEDED if name not in dataset]:
        raise ImageError(f"The DICOM header is incomplete: it lacks {', '.join(missing)}. Export the X-ray again.")
    if (frames := int(dataset.get("NumberOfFrames", 1))) > 1:
        raise ImageRejected(f"The DICOM holds {frames} frames; expected one X-ray. Export the single frontal image.")
    rows, columns, samples = int(dataset.Rows), int(dataset.Columns), int(dataset.SamplesPerPixel)
    if rows * columns > MAX_PIXELS:
        raise ImageRejected(f"The DICOM declares {columns} x {rows} pixels; at most {MAX_PIXELS // 10**6} million are read.")
    if rows * columns == 0:
        raise ImageError(f"The DICOM declares {columns} x {rows} pixels: it is damaged. Export the X-ray again.")
    if (bits := int(dataset.BitsAllocated)) not in (8, 16):
        raise ImageError(f"The DICOM stores {bits} bits a pixel; expected 8 or 16, as a radiograph has. Export the X-ray again.")
    stored = int(dataset.BitsStored)
    if not 1 <= stored <= int(dataset.get("HighBit", stored - 1)) + 1 <= bits:
        raise ImageError("The DICOM header contradicts itself in the number of bits a pixel has. Export the X-ray again.")
    if samples not in (1, 3) or dataset.PhotometricInterpretation not in (_GREY if samples == 1 else _COLOUR):
        raise ImageError("The DICOM stores its colours in a way that is not read (a palette, perhaps). Export it in grey.")
    _check_stored(dataset, rows, columns, samples)
    view, age, part = (str(dataset.get(name, "")) for name in ("ViewPosition", "PatientAge", "BodyPartExamined"))
    part = part.upper().replace(" ", "")
    return ImageFacts(
        format="DICOM",
        width=columns,
        height=rows,
        bits=stored,
        size_bytes=size,
        notes=tuple(_notes(dataset)),
        modality=modality or None,
        view_position=view if view in _VIEWS else None,
        patient_age=age if _AGE.fullmatch(age) else None,
        body_part=(part if part in _BODY_PARTS else "OTHER") if part else None,
        spacing=_spacing(dataset),
    )


def _check_stored(dataset: pydicom.Dataset, rows: int, columns: int, samples: int) -> None:
    """Raise unless the pixel data has, or unpacks to, the size that the header declares."""
    syntax = dataset.file_meta.get("TransferSyntaxUID")
    plane = rows * columns * int(dataset.BitsAllocated) // 8
    if syntax in NATIVE:
        declared = plane * 2 if dataset.PhotometricInterpretation == "YBR_FULL_422" else plane * samples
        stored = len(dataset.PixelData)
        sizes = f"{columns} x {rows} pixels take {declared} bytes, it has {stored}"
        if stored < declared:
            raise ImageError(f"The DICOM is cut short or damaged: {sizes}. Export it again.")
        if stored >= 2 * declared:
            raise ImageError(f"The DICOM is damaged, or holds several images: {sizes}. Export the single frontal image.")
    elif syntax == RLELossless:
        check_rle(get_frame(dataset.PixelData, 0, number_of_frames=1), samples * int(dataset.BitsAllocated) // 8)
    elif syntax in _CODESTREAMS:
        stored, high = int(dataset.BitsStored), int(dataset.get("HighBit", dataset.BitsStored - 1))
        if high != stored - 1:  # the standard does not say which bits of a codestream would then count
            raise ImageError(
                f"The DICOM is compressed, yet by its header the {stored} bits of a pixel end at bit {high}, not {stored - 1}. "
                "Export it again, uncompressed."
            )
        stream = get_frame(dataset.PixelData, 0, number_of_frames=1)
        if codestream_size(stream) != (columns, rows, samples):
            raise ImageError("The DICOM is damaged: its header and its compressed image differ in size. Export it again.")
        if not is_complete(stream):
            raise ImageError("The DICOM is damaged: its compressed image is cut short. Export it again.")
    else:
        raise ImageError(
            "The DICOM is compressed in a way that is not read (a video, perhaps). Export it uncompressed or as JPEG 2000."
        )


def _notes(dataset: pydicom.Dataset) -> list[str]:
    notes = []
    if dataset.PhotometricInterpretation == "MONOCHROME1":
        notes.append("MONOCHROME1 turned so that bone is white")
    if int(dataset.SamplesPerPixel) > 1:
        notes.append("colours converted to grey")
    if dataset.get("PresentationIntentType") == "FOR PROCESSING":
        notes.append("raw detector data (FOR PROCESSING), not made for reading: the image FOR PRESENTATION is the better one")
    for name in _SPACINGS:
        down, across = _pair(dataset, name) or (1.0, 1.0)
        if not 0.99 < down / across < 1.01:
            notes.append(f"pixels are not square ({down / across:.2f} times as high as wide); they are drawn as if they were")
            break
    return notes


def _spacing(dataset: pydicom.Dataset) -> Spacing | None:
    """Pixel spacing of square pixels. PixelSpacing is at the patient if it differs from ImagerPixelSpacing (PS3.3 10.7.1.3)."""
    pairs = {name: pair for name in _SPACINGS if (pair := _pair(dataset, name))}
    if not pairs.keys() - {"PixelAspectRatio"} or any(not 0.99 < down / across < 1.01 for down, across in pairs.values()):
        return None
    calibrated, detector = pairs.get("PixelSpacing"), pairs.get("ImagerPixelSpacing")
    if calibrated and detector and calibrated != detector:
        return Spacing(calibrated[0], at_detector=False)
    return Spacing((detector or calibrated or pairs["NominalScannedPixelSpacing"])[0], at_detector=True)


def _pair(dataset: pydicom.Dataset, name: str) -> tuple[float, float] | None:
    """(down, across) of a spacing element, both finite and above 0; None if missing or invalid."""
    if name not in dataset or dataset[name].VM != 2:
        return None
    down, across = map(float, dataset[name].value)
    return (down, across) if 0 < min(down, across) <= max(down, across) < math.inf else None
