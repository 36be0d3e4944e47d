"""Lungs outlined by hand on images of the public set: polygons kept in lung_outlines.json, no pixels, read and filled here."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from pneumo.data.records import identify
from pneumo.errors import DataError
from pneumo.imaging.preprocess import CANONICAL_SIDE

OUTLINES = Path(__file__).parent / "lung_outlines.json"  # says at its head how they were chosen and drawn
_FINE = 8  # OpenCV fills every pixel that a line touches: on a finer grid, that is little


@dataclass(frozen=True)
class Outline:
    """The two lung fields of one image, each a closed line of (x, y) in canonical pixels from the upper left corner."""

    path: str  # of the image, relative to the data folder
    kept_aside: bool  # measured on, never trained on
    lungs: tuple[tuple[tuple[float, float], ...], ...]  # the one at the image's left (the right lung) first

    @property
    def patient(self) -> str:
        return identify(Path(self.path).stem)[1]

    @property
    def mask(self) -> np.ndarray:
        """bool (224, 224), true in both lungs."""
        return filled(self.lungs)


def read_outlines(path: Path = OUTLINES) -> tuple[Outline, ...]:
    """Every outline of the file, in its order. Raises DataError when it is no such file or a lung is no area in the image."""
    try:
        images = json.loads(Path(path).read_text(encoding="utf-8"))["images"]
        found = tuple(
            Outline(name, bool(entry["kept_aside"]), tuple(tuple((float(x), float(y)) for x, y in lung) for lung in entry["lungs"]))
            for name, entry in images.items()
        )
    except OSError as error:
        raise DataError(f"The lung outlines {path} cannot be read: {error.strerror}. Restore the file.") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{path} is no file of lung outlines: expected images with kept_aside and two lungs each.") from error
    for outline in found:
        if len(outline.lungs) != 2 or not all(_in_image(lung) for lung in outline.lungs):
            raise DataError(f"{outline.path}: expected two lungs of at least 3 points within 0 to {CANONICAL_SIDE}.")
    return found


def filled(lungs: Sequence[Sequence[tuple[float, float]]]) -> np.ndarray:
    """bool (224, 224), true where at least half of a pixel lies within one of the closed lines."""
    fine = np.zeros((CANONICAL_SIDE * _FINE, CANONICAL_SIDE * _FINE), np.uint8)
    for lung in lungs:
        corners = np.array(lung, np.float64) * _FINE - 0.5  # OpenCV counts from the centre of the first pixel
        cv2.fillPoly(fine, [np.rint(corners).astype(np.int32)], 1)
    inside: np.ndarray = fine.reshape(CANONICAL_SIDE, _FINE, CANONICAL_SIDE, _FINE).mean(axis=(1, 3)) >= 0.5
    return inside


def _in_image(lung: Sequence[tuple[float, float]]) -> bool:
    return len(lung) >= 3 and all(0 <= value <= CANONICAL_SIDE for point in lung for value in point)
