"""Heatmap -> what the archive is given of it: a mask at a fixed level, and the outline of the place of most heat."""

from typing import cast

import contourpy
import cv2
import numpy as np

from pneumo.imaging.preprocess import CANONICAL_SIDE
from pneumo.inference.finding import Finding
from pneumo.inference.heatmap import EMPTY_BELOW, Heatmap
from pneumo.reporting.captioned import NO_HEAT
from pneumo.reporting.weaknesses import heatmap_doubt

LEVEL = 0.25  # of the model's fixed scale: the lowest line of equal heat that the viewer draws
OF_PEAK = 0.5  # the place of most heat ends where the heat is half of the picture's greatest
_TOLERANCE = 0.25  # of a cell: vertices that change the outline by less are left out


def heat_hidden(finding: Finding) -> str:
    """Why no heat of this finding is shown; empty if it is."""
    assert finding.answer is not None, "expected a finding that is an answer"
    if heatmap_doubt(finding.model):
        return NO_HEAT
    return "No heatmap: no place spoke for pneumonia." if finding.answer.heatmap.empty else ""


def heat_mask(heatmap: Heatmap, rows: int, columns: int) -> np.ndarray:
    """bool (rows, columns): where the heat is at least LEVEL."""
    return np.asarray(heatmap.on_image(rows, columns) >= LEVEL)


def hottest_region(heatmap: Heatmap, rows: int, columns: int) -> np.ndarray:
    """Outline of the place of most heat, float (n, 2): column and row on an image of this size, the first point again at the end.

    As in PS3.3 C.18.6, (0, 0) is the upper left corner of the upper left pixel. `heatmap` must not be empty.
    """
    side = CANONICAL_SIDE
    heat = heatmap.on_image(side, side)
    row, column = np.unravel_index(int(heat.argmax()), heat.shape)
    level = max(OF_PEAK * float(heat.max()), EMPTY_BELOW)
    # A border without heat closes every line; cell i of the heat lies at i + 1.
    lines = cast(list[np.ndarray], contourpy.contour_generator(z=np.pad(heat, 1)).lines(level))
    outlines = [line.astype(np.float32) for line in lines]
    peak = (float(column) + 1.0, float(row) + 1.0)
    around = [line for line in outlines if cv2.pointPolygonTest(line[:, np.newaxis], peak, False) >= 0]
    outline = cv2.approxPolyDP(min(around, key=cv2.contourArea)[:-1, np.newaxis], _TOLERANCE, True)[:, 0]
    points = np.clip((outline - 0.5) / side, 0.0, 1.0) * (columns, rows)
    return np.vstack([points, points[:1]])
