"""Radiograph -> model input. Training and serving use the same two functions, `canonical` and `model_input`."""

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image

from pneumo.imaging.lung_box import WHOLE, Box
from pneumo.imaging.radiograph import Radiograph

CANONICAL_SIDE = 224
_COPIES_JPEG_QUALITY = 75
VERSION = "canonical-224-bilinear-jpeg75"  # part of every cache key and model card: change it with the code


@dataclass(frozen=True)
class InputSpec:
    """A model's input: size and region of the canonical image."""

    size: int = 192  # side of the square given to the network, pixels
    margin: int = 16  # canonical pixels cut off each side of the frame; 0 for a lung-centred model
    lung_centred: bool = False  # the input is the bounding box of both lungs, each axis stretched separately, not the frame

    def shown(self, box: Box | None) -> Box:
        """The input region of an image whose lungs lie in `box` (see imaging/lung_box.py).

        Raises ValueError if a lung-centred model is given no box: it must never see the whole frame instead.
        """
        if not self.lung_centred:
            edge = self.margin / CANONICAL_SIDE
            return Box(edge, edge, 1.0 - edge, 1.0 - edge)
        if box is None:
            raise ValueError("expected the box of the lungs for a lung-centred model; received none")
        return box


def canonical(radiograph: Radiograph) -> np.ndarray:
    """Resize to uint8 (224, 224), both axes separately: the format of the public 224-pixel copies and the training cache.

    The public copies were made by bilinear sampling *with* antialiasing (Pillow) and JPEG at quality 75, so all other images
    are processed the same way. Mean difference on 40 originals: 1.8 grey levels; 2.1 without JPEG, 3.3 without antialiasing
    (bench/resampling.py). JPEG matters: without it, the first resnet50 answered originals 2.5 logits lower than their
    copies, the present one 0.6 (bench/originals.py).
    """
    if radiograph.pixels.shape == (CANONICAL_SIDE, CANONICAL_SIDE):
        return _bytes(radiograph.pixels)
    image = Image.fromarray(np.ascontiguousarray(radiograph.pixels))
    small = Image.fromarray(_bytes(np.asarray(image.resize((CANONICAL_SIDE, CANONICAL_SIDE), Image.Resampling.BILINEAR))))
    buffer = io.BytesIO()
    small.convert("RGB").save(buffer, "JPEG", quality=_COPIES_JPEG_QUALITY)
    return np.asarray(Image.open(buffer).convert("L"))


def _bytes(pixels: np.ndarray) -> np.ndarray:
    return np.asarray(np.rint(np.clip(pixels, 0.0, 1.0) * 255.0), np.uint8)


def model_input(image: np.ndarray, spec: InputSpec, box: Box | None = None) -> np.ndarray:
    """Canonical uint8 (224, 224) -> float32 (size, size, 1) in [0, 1]: the region of `spec`, resampled with antialiasing.

    `box`: bounding box of the lungs, needed if `spec` is lung-centred; its sides may lie between pixels.
    """
    shown, margin = spec.shown(box), spec.margin
    if not spec.lung_centred:  # crop first: the resampling filter must not reach into the margin
        image, shown = image[margin : CANONICAL_SIDE - margin, margin : CANONICAL_SIDE - margin], WHOLE
    corners = len(image) * shown.left, len(image) * shown.top, len(image) * shown.right, len(image) * shown.bottom
    scaled = Image.fromarray(image.astype(np.float32) / 255.0)
    return np.asarray(scaled.resize((spec.size, spec.size), Image.Resampling.BILINEAR, box=corners))[..., np.newaxis]
