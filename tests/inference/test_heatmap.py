import numpy as np
import pytest

from pneumo.inference.heatmap import Heatmap


def test_scale_is_fixed_and_negative_evidence_has_no_heat():
    heat = Heatmap.from_map(np.array([[-1.0, 0.0], [0.25, 9.0]]), scale=0.5, seen=(0, 1), centres=(0.25, 0.75)).heat
    np.testing.assert_allclose(heat, [[0, 0], [0.5, 1.0]])


def test_weak_map_stays_empty_however_far_below_its_peak():
    heatmap = Heatmap.from_map(np.full((4, 4), 0.01), scale=1.0, seen=(0, 1), centres=(0.125, 0.875))
    assert heatmap.empty
    assert heatmap.peak == pytest.approx(0.01)


@pytest.mark.parametrize(("height", "width"), [(100, 100), (60, 200), (333, 111)])
def test_hottest_cell_lies_at_its_centre_in_any_aspect(height, width):
    cells = np.zeros((4, 4))
    cells[1, 2] = 1.0
    drawn = Heatmap.from_map(cells, 1.0, (0, 1), (0.125, 0.875)).on_image(height, width)
    assert drawn.shape == (height, width)
    row, column = np.unravel_index(drawn.argmax(), drawn.shape)
    assert row / height == pytest.approx(0.375, abs=0.02)
    assert column / width == pytest.approx(0.625, abs=0.02)


def test_nothing_is_drawn_where_the_network_did_not_look():
    drawn = Heatmap.from_map(np.ones((3, 3)), 1.0, (0.1, 0.9), (1 / 6, 5 / 6)).on_image(50, 100)
    assert drawn[:5].max() == 0
    assert drawn[-5:].max() == 0
    assert drawn[:, :10].max() == 0
    assert drawn[:, -10:].max() == 0
    assert drawn[6:44, 12:88].min() == pytest.approx(1, abs=1e-6)


def test_centres_move_into_the_seen_part():
    assert Heatmap.from_map(np.ones((2, 2)), 1.0, (0.1, 0.9), (0.25, 0.75)).centres == pytest.approx((0.3, 0.7))
