"""A decoded radiograph and the facts of its file: the form in which Pneumo handles every image."""

from dataclasses import dataclass

import numpy as np

from pneumo.imaging.windowing import GreyValues

SYNTHETIC = "synthetic phantom, not a patient"  # comment in a phantom's file, shown as a note


@dataclass(frozen=True)
class Spacing:
    """Distance between the centres of neighbouring pixels of the file."""

    mm: float
    at_detector: bool  # not corrected for the magnification between child and detector


@dataclass(frozen=True)
class ImageFacts:
    """Facts of a file that may be shown. Identifiers (name, id, dates) are never read."""

    format: str  # "JPEG", "PNG" or "DICOM"
    width: int  # pixels, as displayed (after EXIF orientation)
    height: int
    bits: int  # bits of grey in use
    size_bytes: int
    notes: tuple[str, ...] = ()  # for display: conversions to grey and upright, unusual header values
    modality: str | None = None  # DICOM only, like the next three
    view_position: str | None = None
    patient_age: str | None = None  # DICOM age string, for example "003Y"
    body_part: str | None = None  # DICOM code, for example "CHEST"; "OTHER" for an unknown one
    colour: float | None = None  # mean of (highest - lowest colour channel), 0 to 1; None if not measured
    spacing: Spacing | None = None  # DICOM only; None if unknown, or if pixels are not square


@dataclass(frozen=True)
class Radiograph:
    """A decoded image: `pixels` float32, shape (height, width), 0 black (air) to 1 white (bone), read-only.

    `values`: for the viewer's window controls, only from a DICOM with more than 8 bits; no answer depends on it.
    """

    pixels: np.ndarray
    facts: ImageFacts
    values: GreyValues | None = None

    def __post_init__(self) -> None:
        self.pixels.setflags(write=False)
