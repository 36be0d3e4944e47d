"""Bounding box of both lungs: the input region of lung-centred models, so that the image's frame cannot influence the answer."""

from dataclasses import dataclass

import numpy as np

MARGIN = 0.04  # of the lungs' width and height, added on each side to include pleura and diaphragm


@dataclass(frozen=True)
class Box:
    """A part of an image, in fractions of its width and height; 0, 0, 1, 1 is the whole image."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def height(self) -> float:
        return self.bottom - self.top


WHOLE = Box(0.0, 0.0, 1.0, 1.0)


def bounding_box(mask: np.ndarray, margin: float = MARGIN) -> Box:
    """Bounding box of a mask, bool (h, w), plus `margin` (see MARGIN), within the image. Raises ValueError for an empty mask."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        raise ValueError("expected a mask of lungs; received an empty one")
    top, bottom = rows[0] / mask.shape[0], (rows[-1] + 1) / mask.shape[0]
    left, right = columns[0] / mask.shape[1], (columns[-1] + 1) / mask.shape[1]
    across, down = margin * (right - left), margin * (bottom - top)
    return Box(*(float(min(max(value, 0.0), 1.0)) for value in (left - across, top - down, right + across, bottom + down)))
