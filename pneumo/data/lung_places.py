"""Where the lungs lie in a picture, in four numbers; and whose word is taken for it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pneumo.data.lung_masks import LungMasks
from pneumo.data.records import Record


@dataclass(frozen=True)
class LungPlace:
    """Shares of the picture's height or width, 0 to 1."""

    height: float  # rows in which there is lung
    width: float  # columns in which there is lung: the gap between the lungs does not count
    above: float  # rows above all lung
    below: float


@dataclass(frozen=True)
class LungSource:
    """Who says where the lungs are."""

    name: str  # for a reader of the audit
    find: Callable[[Record, np.ndarray], np.ndarray | None]
    """(record, its canonical image, uint8) -> bool (224, 224); None where no lungs can be told. Called from several threads."""


def place_of(mask: np.ndarray) -> LungPlace | None:
    """Where the lungs of a bool mask (h, w) lie; None where it has none."""
    rows, columns = np.any(mask, axis=1), np.any(mask, axis=0)
    if not rows.any():
        return None
    return LungPlace(
        float(rows.mean()), float(columns.mean()), float(rows.argmax() / len(rows)), float(rows[::-1].argmax() / len(rows))
    )


def people(masks: LungMasks) -> LungSource:
    """The lungs that people outlined, for the images that they did."""
    place = {file: index for index, file in enumerate(masks.files)}
    return LungSource("people", lambda record, _: masks[place[record.path]] if record.path in place else None)
