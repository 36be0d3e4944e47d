"""The one form in which an image travels through Pneumo once its file has been read."""

from dataclasses import dataclass

import numpy as np

from pneumo.imaging.windowing import GreyValues

SYNTHETIC = "synthetic phantom, not a patient"  # the comment in a phantom's file, and the note it becomes


@dataclass(frozen=True)
class Spacing:
    """Distance between the middles of two neighbouring pixels of the file."""

    mm: float
    at_detector: bool  # nothing corrects for the enlargement from the child to the detector


@dataclass(frozen=True)
class ImageFacts:
    """What may be told about a file. Identifiers (name, id, dates) are dropped at the door and are not here."""

    format: str  # "JPEG", "PNG" or "DICOM"
    width: int  # pixels, as displayed (after EXIF orientation)
    height: int
    bits: int  # bits of grey that the scale to [0, 1] was taken from
    size_bytes: int
    notes: tuple[str, ...] = ()  # what was done to make it grey and upright, in plain words
    modality: str | None = None  # DICOM only, as are those below
    view_position: str | None = None
    patient_age: str | None = None  # DICOM age string, for example "003Y"
    body_part: str | None = None  # DICOM's code, for example "CHEST"; "OTHER" for one not known here
    colour: float | None = None  # mean of highest less lowest colour channel, 0 to 1; None where it is not told
    spacing: Spacing | None = None  # DICOM only; None where it is not told, or pixels are not square


@dataclass(frozen=True)
class Radiograph:
    """A decoded image: `pixels` float32, shape (height, width), 0 black (air) to 1 white (bone), read-only.

    `values` is for the eye's window only, of a DICOM with more than 8 bits; no answer depends on it.
    """

    pixels: np.ndarray
    facts: ImageFacts
    values: GreyValues | None = None

    def __post_init__(self) -> None:
        self.pixels.setflags(write=False)
