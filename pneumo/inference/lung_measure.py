"""Agreement of found lung fields with the outlines drawn by hand and kept aside."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pneumo.data.cache import cached_images
from pneumo.data.outlines import Outline
from pneumo.data.records import folder_of
from pneumo.errors import DataError
from pneumo.evaluation.intervals import patient_intervals
from pneumo.evaluation.overlap import dice
from pneumo.inference.lung_fields import LungFinder


def measure_masks(find: Callable[[np.ndarray], np.ndarray], data: Path, outlines: Sequence[Outline]) -> dict[str, Any]:
    """Dice of `find` (canonical image, uint8 (224, 224) -> bool mask) over `outlines`: mean with its 95 % interval, worst, each.

    Raises DataError when there is no outline, or an image of one cannot be read.
    """
    if not outlines:
        raise DataError("No outlines to measure on; expected at least one that was kept aside.")
    images = cached_images(folder_of(data), [outline.path for outline in outlines])
    each = np.array([dice(find(images[i]), outline.mask) for i, outline in enumerate(outlines)])
    low, high = patient_intervals(lambda index: np.array([each[index].mean()]), [outline.patient for outline in outlines])
    bounds = [None if np.isnan(end[0]) else round(float(end[0]), 4) for end in (low, high)]
    return {
        "n": len(each),
        "dice": {"value": round(float(each.mean()), 4), "low": bounds[0], "high": bounds[1]},
        "worst": round(float(each.min()), 4),
        "each": {outline.path: round(float(value), 4) for outline, value in zip(outlines, each, strict=True)},
    }


def measure_finder(finder: LungFinder, data: Path, outlines: Sequence[Outline]) -> dict[str, Any]:
    """`measure_masks` of a segmenter, with `refused`: the paths whose fields it calls implausible itself, and why."""
    refused: dict[str, str] = {}
    paths = iter(outlines)

    def find(image: np.ndarray) -> np.ndarray:
        fields, path = finder.find(image), next(paths).path
        if not fields.plausible:
            refused[path] = fields.reason
        return fields.mask

    return {**measure_masks(find, data, outlines), "refused": refused}
