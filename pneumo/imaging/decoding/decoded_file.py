"""Untrusted bytes -> what every reader needs of them: the radiograph, and the small picture that models are shown."""

from dataclasses import dataclass

import numpy as np

from pneumo.errors import ImageError, ImageRejected
from pneumo.imaging.decoding.decode import decode
from pneumo.imaging.preprocess import canonical
from pneumo.imaging.radiograph import Radiograph


@dataclass(frozen=True)
class Decoded:
    """A file that was read: `canonical` is uint8 (224, 224)."""

    radiograph: Radiograph
    canonical: np.ndarray


Refusal = ImageError | ImageRejected
_TOO_MUCH = "Reading the image takes more memory than one image may have. Export it at the detector's own resolution."


def decode_whole(data: bytes) -> Decoded | Refusal:
    """Both pictures of one file, or why there are none. Never raises for what the bytes are."""
    try:
        radiograph = decode(data)
        return Decoded(radiograph, canonical(radiograph))
    except (ImageError, ImageRejected) as refusal:
        return refusal
    except MemoryError:
        return ImageError(_TOO_MUCH)
