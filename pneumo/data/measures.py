"""Acquisition measures of a canonical image and its lungs."""

from math import nan

import numpy as np

from pneumo.data.file_facts import tone
from pneumo.data.lung_places import place_of
from pneumo.imaging.measures import Measures
from pneumo.imaging.preprocess import CANONICAL_SIDE


def measure(image: np.ndarray, size: tuple[int, int], lungs: np.ndarray | None, gate_distance: float = nan) -> Measures:
    """Measures of a canonical `image`, uint8 (224, 224), whose file has `size` (width, height) pixels.

    `lungs` bool (224, 224) or None. A file of 224 x 224 pixels counts as a squashed copy of unknown aspect.
    """
    place, squashed = None if lungs is None else place_of(lungs), size == (CANONICAL_SIDE, CANONICAL_SIDE)
    position = (place.height, place.above, place.below) if place else (nan, nan, nan)
    return Measures(*position, nan if squashed else size[0] / size[1], *tone(image), gate_distance)
