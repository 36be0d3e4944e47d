"""Untrusted bytes -> the radiograph at full size and the canonical image for models, or a refusal."""

from dataclasses import dataclass

import numpy as np

from pneumo.errors import ImageError, ImageRejected
from pneumo.imaging.decoding.decode import decode_image
from pneumo.imaging.preprocess import canonical
from pneumo.imaging.radiograph import Radiograph


@dataclass(frozen=True)
class Decoded:
    """A decoded file. `canonical` is uint8 (224, 224)."""

    radiograph: Radiograph
    canonical: np.ndarray


Refusal = ImageError | ImageRejected
_TOO_MUCH = "Reading the image takes more memory than one image may have. Export it at the detector's own resolution."


def decode_or_refuse(data: bytes) -> Decoded | Refusal:
    """Radiograph and canonical image of one file, or the reason for refusing it. Never raises because of the file's content."""
    try:
        radiograph = decode_image(data)
        return Decoded(radiograph, canonical(radiograph))
    except (ImageError, ImageRejected) as refusal:
        return refusal
    except MemoryError:
        return ImageError(_TOO_MUCH)
