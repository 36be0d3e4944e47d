"""The one form in which an image travels through Pneumo once its file has been read."""

from dataclasses import dataclass

import numpy as np

SYNTHETIC = "synthetic phantom, not a patient"  # the comment in a phantom's file, and the note it becomes


@dataclass(frozen=True)
class ImageFacts:
    """What may be told about a file. Identifiers (name, id, dates) are dropped at the door and are not here."""

    format: str  # "JPEG", "PNG" or "DICOM"
    width: int  # pixels, as displayed (after EXIF orientation)
    height: int
    bits: int  # bits of grey that the scale to [0, 1] was taken from
    size_bytes: int
    notes: tuple[str, ...] = ()  # what was done to make it grey and upright, in plain words
    modality: str | None = None  # DICOM only, as are the two below
    view_position: str | None = None
    patient_age: str | None = None  # DICOM age string, for example "003Y"


@dataclass(frozen=True)
class Radiograph:
    """A decoded image: `pixels` float32, shape (height, width), 0 black (air) to 1 white (bone), read-only."""

    pixels: np.ndarray
    facts: ImageFacts

    def __post_init__(self):
        self.pixels.setflags(write=False)
