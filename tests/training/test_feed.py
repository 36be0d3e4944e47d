import numpy as np
import pytest

from pneumo.imaging.lung_box import Box, bounding_box
from pneumo.imaging.lung_cover import lungs_hidden
from pneumo.imaging.preprocess import InputSpec, model_input
from pneumo.synthetic.phantom import make_phantom
from pneumo.training.dataset import Part
from pneumo.training.feed import Draws, Feed

SPEC = InputSpec(size=32, margin=16)
IMAGES = np.random.default_rng(0).integers(0, 256, (10, 224, 224), dtype=np.uint8)
LABELS = np.array([0, 1] * 5)
PART = Part(IMAGES, LABELS, np.full(10, np.nan, np.float32))


def test_by_default_every_image_once_in_order_without_weights():
    feed = Feed(PART, SPEC, batch_size=4)
    assert [len(feed[i][1]) for i in range(len(feed))] == [4, 4, 2]
    np.testing.assert_array_equal(np.concatenate([feed[i][1] for i in range(3)])[:, 0], LABELS)
    np.testing.assert_array_equal(feed[1][0][0], model_input(IMAGES[4], SPEC))


def test_the_order_determines_the_images_of_an_epoch():
    feed = Feed(PART, SPEC, 4, Draws(order=lambda rng: np.array([3, 3, 1, 9, 7])))
    assert len(feed) == 2
    assert feed[0][1].min() == 1
    np.testing.assert_array_equal(feed[1][0][0], model_input(IMAGES[7], SPEC))


def test_a_resumed_feed_shows_the_same_as_an_unbroken_one():
    def order(rng):
        return rng.choice(10, 10)

    unbroken = Feed(PART, SPEC, 10, Draws(order=order, seed=3))
    first = unbroken.chosen.copy()
    unbroken.on_epoch_end()
    unbroken.on_epoch_end()
    resumed = Feed(PART, SPEC, 10, Draws(order=order, seed=3), epoch=2)
    np.testing.assert_array_equal(unbroken.chosen, resumed.chosen)
    assert (first != resumed.chosen).any()


def test_an_unknown_kind_has_no_weight():
    bacterial = np.array([np.nan, 1, np.nan, 0] + [np.nan] * 6, np.float32)
    x, y, weights = Feed(Part(IMAGES, LABELS, bacterial), SPEC, 10, subtype=True)[0]
    assert x.shape == (10, 32, 32, 1)
    np.testing.assert_array_equal(y["probability"][:, 0], LABELS)
    np.testing.assert_array_equal(weights["bacterial"], [0, 1, 0, 1] + [0] * 6)
    np.testing.assert_array_equal(y["bacterial"][[1, 3], 0], [1, 0])
    assert np.isfinite(y["bacterial"]).all()
    np.testing.assert_array_equal(weights["probability"], np.ones(10))


def test_sample_weights_stay_with_their_images():
    feed = Feed(PART, SPEC, 4, sample_weight=np.arange(10.0))
    np.testing.assert_array_equal(feed[2][2], [8, 9])


def test_a_lung_centred_network_gets_each_images_own_box():
    boxes = tuple(Box(0.05 * i, 0.1, 0.5 + 0.05 * i, 0.9) for i in range(10))
    spec = InputSpec(32, 0, lung_centred=True)
    feed = Feed(Part(IMAGES, LABELS, np.full(10, np.nan, np.float32), boxes), spec, 4, Draws(order=lambda rng: np.array([7, 2])))
    np.testing.assert_array_equal(feed[0][0], [model_input(IMAGES[i], spec, boxes[i]) for i in (7, 2)])


CENTRED = InputSpec(64, 0, lung_centred=True)


@pytest.fixture(scope="module")
def lungs():
    """Three phantoms, thirty times each, with their lungs."""
    phantoms = [make_phantom(kind, seed, 224, 224) for seed, kind in enumerate(("none", "bacterial", "viral"))] * 30
    images = np.stack([np.rint(phantom.pixels * 255).astype(np.uint8) for phantom in phantoms])
    fields = [phantom.fields for phantom in phantoms]
    return Part(
        images,
        np.array([0, 1, 1] * 30),
        np.array([np.nan, 1, 0] * 30, np.float32),
        tuple(map(bounding_box, fields)),
        np.stack([np.packbits(mask) for mask in fields]),
    )


def test_lungs_are_hidden_as_often_as_asked_and_such_images_have_no_label(lungs):
    x, y, weights = Feed(lungs, CENTRED, 90, Draws(hidden=0.3), subtype=True)[0]
    plain = Feed(lungs, CENTRED, 90)[0][0]
    covered = np.stack([model_input(lungs_hidden(lungs.images[i], lungs.mask(i)), CENTRED, lungs.boxes[i]) for i in range(90)])
    seen = np.array([np.array_equal(x[i], plain[i]) for i in range(90)])
    np.testing.assert_array_equal(x[~seen], covered[~seen])
    assert (~seen).mean() == pytest.approx(0.3, abs=0.12)
    np.testing.assert_array_equal(y["probability"][:, 0], np.where(seen, lungs.labels, 0.5))
    np.testing.assert_array_equal(weights["bacterial"], seen & (lungs.labels == 1))
    np.testing.assert_array_equal(weights["probability"], 1)


def test_a_resumed_feed_hides_the_same_lungs_as_an_unbroken_one(lungs):
    unbroken = Feed(lungs, CENTRED, 30, Draws(hidden=0.5, seed=2))
    first, second = unbroken[0][1], unbroken[1][1]
    unbroken.on_epoch_end()
    resumed = Feed(lungs, CENTRED, 30, Draws(hidden=0.5, seed=2), epoch=1)
    np.testing.assert_array_equal(unbroken[0][1], resumed[0][1])
    assert (first != unbroken[0][1]).any()
    assert (first != second).any()
