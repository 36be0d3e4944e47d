"""A canonical image and its lungs -> the measures of how the picture was taken."""

from math import nan

import numpy as np

from pneumo.data.file_facts import tone
from pneumo.data.lung_places import place_of
from pneumo.imaging.measures import Measures
from pneumo.imaging.preprocess import CANONICAL_SIDE


def measure(image: np.ndarray, size: tuple[int, int], lungs: np.ndarray | None, gate_distance: float = nan) -> Measures:
    """Of a canonical `image`, uint8 (224, 224), whose file is `size` (width, height) pixels.

    `lungs` bool (224, 224), None where they were not found. A file of 224 x 224 pixels is taken for a squashed copy: its own
    width and height are not known.
    """
    place, squashed = None if lungs is None else place_of(lungs), size == (CANONICAL_SIDE, CANONICAL_SIDE)
    where = (place.height, place.above, place.below) if place else (nan, nan, nan)
    return Measures(*where, nan if squashed else size[0] / size[1], *tone(image), gate_distance)
