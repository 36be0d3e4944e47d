import numpy as np

from pneumo.imaging.preprocess import InputSpec, model_input
from pneumo.training.feed import Feed

SPEC = InputSpec(size=32, margin=16)
IMAGES = np.random.default_rng(0).integers(0, 256, (10, 224, 224), dtype=np.uint8)
LABELS = np.array([0, 1] * 5)


def test_every_image_once_and_in_order_without_weights():
    feed = Feed(IMAGES, LABELS, SPEC, batch_size=4)
    assert [len(feed[i][1]) for i in range(len(feed))] == [4, 4, 2]
    np.testing.assert_array_equal(np.concatenate([feed[i][1] for i in range(3)])[:, 0], LABELS)
    np.testing.assert_array_equal(feed[1][0][0], model_input(IMAGES[4], SPEC))


def test_drawing_follows_the_probabilities():
    draw = np.where(LABELS == 1, 0.2, 0.0)
    feed = Feed(IMAGES, LABELS, SPEC, 10, draw=draw)
    assert feed[0][1].min() == 1


def test_a_resumed_feed_draws_what_an_unbroken_one_would():
    draw = np.full(10, 0.1)
    unbroken = Feed(IMAGES, LABELS, SPEC, 10, draw=draw, seed=3)
    first = unbroken.order.copy()
    unbroken.on_epoch_end()
    unbroken.on_epoch_end()
    resumed = Feed(IMAGES, LABELS, SPEC, 10, draw=draw, seed=3, epoch=2)
    np.testing.assert_array_equal(unbroken.order, resumed.order)
    assert (first != resumed.order).any()


def test_sample_weights_travel_with_their_image():
    feed = Feed(IMAGES, LABELS, SPEC, 4, sample_weight=np.arange(10.0))
    np.testing.assert_array_equal(feed[2][2], [8, 9])
