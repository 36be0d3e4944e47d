"""Heat shares and curves of maps with known results: the tiny model's logit is mean grey, its map grey by cell."""

import numpy as np
import pytest
from tiny_model import SPEC, make_registry

from pneumo.inference.heatmap import heat_share, seen_share
from pneumo.inference.predictor import Predictor
from pneumo.studies.faithfulness import at_random, by_heat, cells_of, curve, exposed_like

SHOWN = SPEC.shown(None)
ALL, NONE = np.ones((224, 224), bool), np.zeros((224, 224), bool)


@pytest.fixture(scope="module")
def predictor(tmp_path_factory):
    return Predictor.load("tiny", make_registry(tmp_path_factory.mktemp("models")))


def test_heat_share_counts_positive_heat_alone(predictor):
    left, right = NONE.copy(), NONE.copy()
    left[:, :112], right[:, 112:] = True, True
    gradcam = np.full((4, 4), -3.0, np.float32)
    gradcam[:, 0] = 2.0
    assert heat_share(gradcam, predictor.card, SHOWN, ALL) == pytest.approx(1.0)
    assert heat_share(gradcam, predictor.card, SHOWN, left) == pytest.approx(1.0, abs=0.01)
    assert heat_share(gradcam, predictor.card, SHOWN, right) == pytest.approx(0.0, abs=0.01)
    assert heat_share(3 * gradcam, predictor.card, SHOWN, left) == pytest.approx(heat_share(gradcam, predictor.card, SHOWN, left))
    # Nine parts above, one below, though the card's scale would call both full heat.
    above, steep = NONE.copy(), np.zeros((4, 4), np.float32)
    above[:112], steep[0], steep[3] = True, 9.0, 1.0
    assert heat_share(steep, predictor.card, SHOWN, above) == pytest.approx(0.9, abs=0.02)
    # A flat map covers the visible part evenly, so a mask's share of heat is its share of that part.
    some = NONE.copy()
    some[16:112, 40:90] = True
    assert heat_share(np.ones((4, 4), np.float32), predictor.card, SHOWN, some) == pytest.approx(seen_share(SHOWN, some))
    assert seen_share(SHOWN, some) == pytest.approx(96 * 50 / 192**2)


def test_no_positive_heat_has_no_share(predictor):
    assert np.isnan(heat_share(np.full((4, 4), -1.0, np.float32), predictor.card, SHOWN, ALL))
    assert np.isnan(heat_share(np.zeros((4, 4), np.float32), predictor.card, SHOWN, ALL))


def test_cells_belong_to_the_nearest_centre():
    even = cells_of(8, 4, (0.125, 0.875))
    np.testing.assert_array_equal(even[0], [0, 0, 1, 1, 2, 2, 3, 3])
    np.testing.assert_array_equal(even[7], [12, 12, 13, 13, 14, 14, 15, 15])
    uneven = cells_of(192, 6, (0.5 / 192, 160.5 / 192))  # as ResNet50's: the first cell is cut by the edge, the last is wide
    np.testing.assert_array_equal(np.bincount(uneven[0]), [17, 32, 32, 32, 32, 47])


def test_orders():
    np.testing.assert_array_equal(by_heat(np.array([[[1.0, 3.0], [-2.0, 3.0]]])), [[1, 3, 0, 2]])
    drawn = at_random(50, 16, 0)
    np.testing.assert_array_equal(np.sort(drawn, axis=1), np.tile(np.arange(16), (50, 1)))
    assert len({tuple(order) for order in drawn}) == 50
    np.testing.assert_array_equal(drawn, at_random(50, 16, 0))


def test_curve_takes_the_hottest_cells_first(predictor):
    size = SPEC.size
    image = np.full((1, size, size, 1), 0.5, np.float32)
    image[0, 8:16, 8:16] = 1.0  # cell 5 of 16
    image[0, :8, 8:16] = 0.75  # cell 1, half as warm: all the evidence there is
    black = np.full_like(image, 0.5)
    orders = by_heat(predictor.run(image).maps)
    np.testing.assert_array_equal(orders[0], [5, 1, 0, 2, 3, 4, *range(6, 16)])
    logits = [20 * left / 16 for left in (0.75, 0.25, 0.0, 0.0, 0.0)]
    fractions = (0.0, 1 / 16, 2 / 16, 0.5, 1.0)
    expected = predictor.card.calibration.probability(np.array(logits))
    np.testing.assert_allclose(curve(predictor, image, black, orders, fractions), expected, atol=1e-5)
    back = predictor.card.calibration.probability(20 * np.array([0.0, 0.5, 0.75, 0.75, 0.75]) / 16)
    np.testing.assert_allclose(curve(predictor, black, image, orders, fractions), back, atol=1e-5)
    late = curve(predictor, image, black, orders[:, ::-1], fractions)
    np.testing.assert_allclose(late, expected[[0, 0, 0, 0, 2]], atol=1e-5)


def test_curve_is_a_mean_over_batches(predictor):
    rng = np.random.default_rng(0)
    images = rng.random((70, SPEC.size, SPEC.size, 1), np.float32)
    others, orders = np.zeros_like(images), at_random(70, 16, 1)
    whole = curve(predictor, images, others, orders, (0.0, 0.5, 1.0))
    parts = [curve(predictor, images[[i]], others[[i]], orders[[i]], (0.0, 0.5, 1.0)) for i in range(70)]
    np.testing.assert_allclose(whole, np.mean(parts, axis=0), atol=1e-6)
    assert np.isnan(curve(predictor, images[:0], others[:0], orders[:0], (0.0, 1.0))).all()


def test_exposure_is_carried_over():
    rng = np.random.default_rng(0)
    images, others = rng.random((3, 8, 8, 1)), 5 + 2 * rng.random((3, 8, 8, 1))
    made = exposed_like(images, others)
    np.testing.assert_allclose(made.mean((1, 2, 3)), others.mean((1, 2, 3)))
    np.testing.assert_allclose(made.std((1, 2, 3)), others.std((1, 2, 3)))
    assert np.corrcoef(made[0].ravel(), images[0].ravel())[0, 1] == pytest.approx(1.0)
