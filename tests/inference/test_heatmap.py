import numpy as np
import pytest

from pneumo.imaging.lung_box import WHOLE, Box
from pneumo.inference.heatmap import Heatmap


def test_scale_is_fixed_and_negative_evidence_has_no_heat():
    heat = Heatmap.from_map(np.array([[-1.0, 0.0], [0.25, 9.0]]), scale=0.5, shown=WHOLE, centres=(0.25, 0.75)).heat
    np.testing.assert_allclose(heat, [[0, 0], [0.5, 1.0]])


def test_weak_map_stays_empty_however_far_below_its_peak():
    heatmap = Heatmap.from_map(np.full((4, 4), 0.01), scale=1.0, shown=WHOLE, centres=(0.125, 0.875))
    assert heatmap.empty
    assert heatmap.peak == pytest.approx(0.01)


@pytest.mark.parametrize(("height", "width"), [(100, 100), (60, 200), (333, 111)])
def test_hottest_cell_lies_at_its_centre_in_any_aspect(height, width):
    cells = np.zeros((4, 4))
    cells[1, 2] = 1.0
    drawn = Heatmap.from_map(cells, 1.0, WHOLE, (0.125, 0.875)).on_image(height, width)
    assert drawn.shape == (height, width)
    row, column = np.unravel_index(drawn.argmax(), drawn.shape)
    assert row / height == pytest.approx(0.375, abs=0.02)
    assert column / width == pytest.approx(0.625, abs=0.02)


def test_nothing_is_drawn_where_the_network_did_not_look():
    drawn = Heatmap.from_map(np.ones((3, 3)), 1.0, Box(0.1, 0.2, 0.9, 0.7), (1 / 6, 5 / 6)).on_image(50, 100)
    assert drawn[:10].max() == 0
    assert drawn[-15:].max() == 0
    assert drawn[:, :10].max() == 0
    assert drawn[:, -10:].max() == 0
    assert drawn[11:34, 12:88].min() == pytest.approx(1, abs=1e-6)


def test_the_map_lies_in_the_part_that_was_shown_each_axis_by_itself():
    cells = np.zeros((4, 4))
    cells[1, 2] = 1.0
    drawn = Heatmap.from_map(cells, 1.0, Box(0.5, 0.0, 1.0, 0.4), (0.125, 0.875)).on_image(200, 200)
    row, column = np.unravel_index(drawn.argmax(), drawn.shape)
    assert row / 200 == pytest.approx(0.4 * 0.375, abs=0.01)
    assert column / 200 == pytest.approx(0.5 + 0.5 * 0.625, abs=0.01)
