import math

import numpy as np
import pytest

from pneumo.evaluation.bands import LEAST, band_edges, band_of, count_bands, share_sick

CUTS = {"rule-out": -2.0, "balanced": 0.0, "rule-in": 2.0}


def test_bands_lie_within_zones_and_hold_enough_children():
    rng = np.random.default_rng(0)
    scores = np.concatenate([rng.uniform(-6, -2.01, 200), rng.uniform(-2, 2, 50), rng.uniform(2.01, 6, 90)])
    children = [str(n // 2) for n in range(len(scores))]  # two images each
    edges = band_edges(scores, children, CUTS)
    assert (edges[0], edges[-1]) == (-math.inf, math.inf)
    assert {-2.0, 2.0} <= set(edges)
    assert len([edge for edge in edges if edge < -2.0]) == 4  # 200 images in quarters of 50: about 43 children each
    assert not [edge for edge in edges if -2.0 < edge < 2.0]  # 25 children are too few to divide
    for band in count_bands(edges, scores, np.zeros(len(scores), int), children):
        assert band["patients"] >= LEAST or band["low"] == -2.0


def test_counts_add_up_and_a_score_is_in_its_band():
    scores, labels = np.array([-3.0, -2.0, 1.9, 2.0, 9.0]), np.array([0, 1, 0, 1, 1])
    bands = count_bands([-math.inf, -2.0, 2.0, math.inf], scores, labels, ["a", "b", "c", "d", "d"])
    assert [(band["n"], band["patients"], band["sick"]) for band in bands] == [(1, 1, 0), (2, 2, 1), (2, 1, 2)]
    assert [bands.index(band_of(bands, score)) for score in scores] == [0, 1, 1, 2, 2]
    assert (bands[0]["low"], bands[2]["high"]) == (None, None)
    assert band_of([], 0.0) is None


def test_the_share_moves_with_the_prevalence_by_bayes():
    band = {"n": 60, "patients": 60, "sick": 45}
    assert share_sick(band, 0.5, 0.5)[0] == pytest.approx(0.75)
    value, low, high = share_sick(band, 0.6, 0.3)
    assert value == pytest.approx(1 / (1 + 1 / (3 * (0.4 / 0.6) * (0.3 / 0.7))))
    assert low < value < high
    fewer = share_sick({**band, "patients": 20}, 0.6, 0.3)
    assert fewer[0] == pytest.approx(value)
    assert fewer[2] - fewer[1] > high - low
    assert share_sick({"n": 40, "patients": 40, "sick": 0}, 0.5, 0.3)[0] == 0.0
    assert all(map(math.isnan, share_sick({"n": 0, "patients": 0, "sick": 0}, 0.5, 0.3)))
