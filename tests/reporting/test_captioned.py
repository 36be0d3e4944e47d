import numpy as np
import pytest
from readings import reading_of

from pneumo.imaging.overlay import legend_picture
from pneumo.reporting.captioned import with_captions


@pytest.mark.parametrize("width", [224, 600, 2048])
def test_a_picture_with_heat_has_its_legend(width):
    picture, reading = np.full((100, width, 3), 77, np.uint8), reading_of(0.9)
    plain = with_captions(picture, reading, "tiny", ())
    with_legend = with_captions(picture, reading, "tiny", (), colour_map="magma")
    height = len(with_legend) - len(plain)
    assert height == max(16, width // 24)
    place = next(row for row in range(len(plain)) if (plain[row] == 77).all()) + 100
    band = with_legend[place : place + height]
    np.testing.assert_array_equal(np.delete(with_legend, np.s_[place : place + height], axis=0), plain)
    colourful = np.flatnonzero(np.ptp(band[height // 2].astype(int), axis=1) > 20)
    assert len(colourful) > 0.3 * width
    np.testing.assert_allclose(band[height // 2, colourful[-1]].astype(int), legend_picture("magma")[0, -1], atol=2)
    assert band[:, : colourful[0]].max() > 100  # the word for no evidence
    assert band[:, colourful[-1] + 1 :].max() > 100


def test_a_model_with_a_doubtful_map_has_none():
    picture, reading = np.zeros((50, 300, 3), np.uint8), reading_of(0.9)
    assert not np.ptp(with_captions(picture, reading, "tiny", ()).astype(int), axis=2).any()
