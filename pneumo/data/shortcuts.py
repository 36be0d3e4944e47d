"""Shortcut test: how well features unrelated to the lungs predict the class.

One linear model per group of features; an AUC of 0.5 means no shortcut.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pneumo.data.file_facts import CELLS, Survey
from pneumo.data.separation import Part, Shortcut, linear_scores
from pneumo.evaluation.intervals import RESAMPLES

RIM = 5  # cells
HIDDEN = 0.6  # share of width and of height

_CENTRES = np.abs((np.arange(CELLS) + 0.5) / CELLS - 0.5)  # distance of cell centres from the image centre
_RIM_MASK = np.pad(np.zeros((CELLS - 2 * RIM,) * 2, bool), RIM, constant_values=True)
_OUTSIDE = np.maximum.outer(_CENTRES, _CENTRES) > HIDDEN / 2  # cells centred outside the box: all but 16 x 16


@dataclass(frozen=True)
class Group:
    """A group of features: `features` gives float (n, k), `columns` their names, may be empty."""

    name: str
    meaning: str
    features: Callable[[Survey], np.ndarray]
    columns: tuple[str, ...] = ()


def _facts(*names: str) -> tuple[Callable[[Survey], np.ndarray], tuple[str, ...]]:
    """`features` and `columns` of a group of file facts."""
    columns = tuple(name.removeprefix("size_") for name in names)
    return lambda survey: np.array([[getattr(fact, name) for name in names] for fact in survey.facts], float), columns


def _cells(mask: np.ndarray) -> Callable[[Survey], np.ndarray]:
    return lambda survey: survey.cells[:, mask].astype(float)


GROUPS = (
    Group("image size", "width, height, aspect", *_facts("width", "height", "aspect")),
    Group("file facts", "width, height, aspect and bytes of the file", *_facts("width", "height", "aspect", "size_bytes")),
    Group("brightness and sharpness", "two numbers an image: mean grey, mean vertical step", *_facts("brightness", "sharpness")),
    Group("border only", "the outer 5 of 28 cells on each side", _cells(_RIM_MASK)),
    Group("centre hidden", "all but the central 60 % x 60 %", _cells(_OUTSIDE)),
    Group("border hidden", "all but the outer 5 of 28 cells on each side", _cells(~_RIM_MASK)),
    Group("whole image", "28 x 28 cells; the reference", _cells(np.ones((CELLS, CELLS), bool))),
)


def measure_shortcuts(survey: Survey, resamples: int = RESAMPLES) -> tuple[Shortcut, ...]:
    """AUC of each of GROUPS in the train and the test folder.

    The val folder is excluded: in the public 224-pixel copies its 16 images have another size.
    """
    split = np.array([record.split for record in survey.records])
    train, test = (Part.of(survey.records, np.flatnonzero(split == name)) for name in ("train", "test"))
    rows = [linear_scores(group.features(survey), group.columns, train, test) for group in GROUPS]
    in_train = train.estimates([row[0] for row in rows], resamples)
    in_test = test.estimates([row[1] for row in rows], resamples)
    return tuple(
        Shortcut(group.name, group.meaning, a, b, "; ".join(row[2]))
        for group, a, b, row in zip(GROUPS, in_train, in_test, rows, strict=True)
    )
