import io

import matplotlib
import numpy as np
import pytest
from PIL import Image

from pneumo.imaging.overlay import COLOUR_MAPS, colour_table, fit_within, grey_picture, legend_picture, overlay_picture, png

PIXELS = np.array([[0.0, 0.25], [0.5, 1.0]], np.float32)


def test_grey_picture():
    picture = grey_picture(PIXELS)
    assert picture.dtype == np.uint8
    assert picture[..., 0].tolist() == [[0, 64], [128, 255]]
    assert np.ptp(picture, axis=2).max() == 0


@pytest.mark.parametrize(
    ("window", "expected"),
    [((0.25, 0.5), [[0, 0], [255, 255]]), ((0.0, 0.5), [[0, 128], [255, 255]]), ((0.5, 0.5), [[0, 0], [0, 255]])],
)
def test_window_spreads_the_greys(window, expected):
    assert grey_picture(PIXELS, window)[..., 0].tolist() == expected


def test_no_heat_and_no_opacity_leave_the_picture():
    picture = grey_picture(np.random.default_rng(0).random((8, 8)))
    assert np.array_equal(overlay_picture(picture, np.full((8, 8), 0.10), 0.8), picture)
    assert np.array_equal(overlay_picture(picture, np.ones((8, 8)), 0.0), picture)


@pytest.mark.parametrize("colour_map", COLOUR_MAPS)
def test_full_heat_covers_by_the_opacity(colour_map):
    picture = np.full((2, 2, 3), 100, np.uint8)
    hottest = np.array(matplotlib.colormaps[colour_map](1.0)[:3]) * 255
    np.testing.assert_allclose(overlay_picture(picture, np.ones((2, 2)), 1.0, colour_map)[0, 0], hottest, atol=0.5)
    np.testing.assert_allclose(overlay_picture(picture, np.ones((2, 2)), 0.5, colour_map)[0, 0], (hottest + 100) / 2, atol=0.5)


@pytest.mark.parametrize("colour_map", COLOUR_MAPS)
def test_the_browsers_table_is_what_the_overlay_is_made_of(colour_map):
    table, steps = colour_table(colour_map), np.arange(256)
    assert (table.shape, table.dtype) == ((256, 4), np.uint8)
    assert table[:25, 3].max() == 0  # below a tenth nothing is drawn
    assert table[255, 3] == 255
    drawn = overlay_picture(np.full((1, 256, 3), 100, np.uint8), (steps[np.newaxis] + 0.5) / 255, 0.6, colour_map)[0]
    cover = 0.6 * table[:, 3:] / 255
    np.testing.assert_allclose(drawn, 100 * (1 - cover) + table[:, :3] * cover, atol=1)


def test_heat_beyond_its_scale_is_drawn_as_its_end():
    picture = grey_picture(np.random.default_rng(1).random((3, 5)))
    for heat, end in ((1.7, 1.0), (-0.5, 0.0)):
        assert np.array_equal(
            overlay_picture(picture, np.full((3, 5), heat), 0.6), overlay_picture(picture, np.full((3, 5), end), 0.6)
        )


def test_a_tall_picture_is_what_its_parts_are():
    rng = np.random.default_rng(2)
    picture, heat = grey_picture(rng.random((150, 7))), rng.random((150, 7))
    parts = [overlay_picture(picture[rows], heat[rows], 0.6) for rows in (slice(0, 40), slice(40, 150))]
    assert np.array_equal(overlay_picture(picture, heat, 0.6), np.concatenate(parts))


def test_more_heat_covers_more():
    picture = np.zeros((1, 5, 3), np.uint8)
    light = overlay_picture(picture, np.array([[0.0, 0.3, 0.5, 0.7, 1.0]]), 0.6).astype(int).sum(axis=2)[0]
    assert light[0] == 0
    assert np.all(np.diff(light) > 0)


def test_legend_runs_from_cool_to_hot():
    legend = legend_picture("magma", 64, 5)
    assert (legend.shape, legend.dtype) == ((5, 64, 3), np.uint8)
    ends = np.array(matplotlib.colormaps["magma"]([1 / 6, 1.0]))[:, :3] * 255
    np.testing.assert_allclose(legend[2, [0, -1]], ends, atol=0.5)


def test_png_round_trip():
    picture = np.random.default_rng(3).integers(0, 256, (9, 7, 3), np.uint8)
    image = Image.open(io.BytesIO(png(picture)))
    assert np.array_equal(np.asarray(image), picture)
    assert image.info == {}


def test_fit_within_shrinks_and_keeps_the_aspect():
    pixels = np.tile(np.linspace(0, 1, 400, dtype=np.float32), (200, 1))
    small = fit_within(pixels, 100)
    assert small.shape == (50, 100)
    np.testing.assert_allclose(small[0], pixels[0].reshape(100, 4).mean(axis=1), atol=0.01)


def test_fit_within_never_enlarges():
    assert fit_within(PIXELS, 100) is PIXELS
    assert fit_within(np.zeros((1, 900), np.float32), 100).shape == (1, 100)
