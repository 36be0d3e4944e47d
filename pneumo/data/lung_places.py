"""Position of the lungs in an image, and sources of lung masks."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pneumo.data.lung_masks import LungMasks
from pneumo.data.records import Record


@dataclass(frozen=True)
class LungPlace:
    """Shares of the image's height or width, 0 to 1."""

    height: float  # rows with lung
    width: float  # columns with lung, without the gap between the lungs
    above: float  # rows above the lungs
    below: float


@dataclass(frozen=True)
class LungSource:
    """A source of lung masks."""

    name: str  # shown in the audit
    find: Callable[[Record, np.ndarray], np.ndarray | None]
    """(record, its canonical image, uint8) -> bool (224, 224); None without plausible lungs. Called from several threads."""


def place_of(mask: np.ndarray) -> LungPlace | None:
    """The lung place of a bool mask (h, w); None for an empty mask."""
    rows, columns = np.any(mask, axis=1), np.any(mask, axis=0)
    if not rows.any():
        return None
    return LungPlace(
        float(rows.mean()), float(columns.mean()), float(rows.argmax() / len(rows)), float(rows[::-1].argmax() / len(rows))
    )


def outlined_lungs(masks: LungMasks) -> LungSource:
    """Manual masks as a lung source; None for images without one."""
    place = {file: index for index, file in enumerate(masks.files)}
    return LungSource("people", lambda record, _: masks[place[record.path]] if record.path in place else None)
