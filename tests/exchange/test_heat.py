"""The outline of the most heat, on maps whose heat is known."""

import cv2
import numpy as np
import pytest

from pneumo.exchange.heat import heat_mask, hottest_region
from pneumo.imaging.lung_box import WHOLE, Box
from pneumo.inference.heatmap import Heatmap

CENTRES = (1 / 14, 13 / 14)  # of the first and the last of seven cells


def heatmap(*hot, shown=WHOLE) -> Heatmap:
    """Seven by seven cells without heat except `hot`: (row, column, heat)."""
    cells = np.zeros((7, 7), np.float32)
    for row, column, value in hot:
        cells[row, column] = value
    return Heatmap(cells, shown, CENTRES)


def inside(outline, rows, columns) -> np.ndarray:
    """bool (rows, columns): pixels whose centre lies in the outline."""
    scale = 16  # fractions of a pixel, for cv2
    points = np.rint((outline - 0.5) * scale).astype(np.int32)
    return cv2.fillPoly(np.zeros((rows, columns), np.uint8), [points], 1, shift=4).astype(bool)


@pytest.mark.parametrize(("rows", "columns"), [(700, 700), (1400, 700), (90, 120)])
def test_the_outline_encloses_heat_above_half_the_peak(rows, columns):
    hottest = heatmap((1, 4, 0.8), (5, 1, 0.5))
    outline = hottest_region(hottest, rows, columns)
    assert (outline[0] == outline[-1]).all()
    assert len(outline) < 60
    middle = outline[:-1].mean(axis=0)
    assert middle == pytest.approx([4.5 / 7 * columns, 1.5 / 7 * rows], abs=0.01 * max(rows, columns))
    heat = hottest.on_image(rows, columns)
    wanted = heat >= heat.max() / 2
    wanted[rows // 2 :] = False  # the other, cooler place also reaches half of the peak
    covered = inside(outline, rows, columns)
    assert (covered & wanted).sum() / (covered | wanted).sum() > 0.93


def test_the_outline_lies_in_the_box_of_the_network():
    box = Box(0.5, 0.25, 0.75, 0.5)
    outline = hottest_region(heatmap((0, 0, 0.9), shown=box), 400, 800)
    assert outline.min(axis=0) == pytest.approx([400, 100], abs=4)  # the corner of the box
    assert (outline.max(axis=0) < [450, 130]).all()


def test_heat_up_to_the_edge_of_the_image():
    outline = hottest_region(Heatmap(np.full((7, 7), 0.4, np.float32), WHOLE, CENTRES), 100, 50)
    assert outline.min(axis=0) == pytest.approx([0, 0], abs=0.3)
    assert outline.max(axis=0) == pytest.approx([50, 100], abs=0.3)


def test_the_outline_of_faint_heat_ends_where_the_drawn_heat_ends():
    faint = heatmap((3, 3, 0.12))
    drawn = faint.on_image(224, 224) >= 0.10
    covered = inside(hottest_region(faint, 224, 224), 224, 224)
    assert covered.any()
    assert (covered & ~drawn).sum() < 0.1 * drawn.sum() + 5


def test_the_mask_is_the_heat_above_its_level():
    mask = heat_mask(heatmap((1, 4, 0.8), (5, 1, 0.2)), 70, 140)
    assert mask[15, 90]
    assert not mask[40:].any()  # 0.2 does not reach the level
    heat = heatmap((1, 4, 0.8)).on_image(70, 140)
    assert (mask == (heat >= 0.25)).all()
