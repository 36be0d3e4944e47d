import numpy as np
import pytest

from pneumo.data.phantom import make_phantom
from pneumo.imaging.lungs import lungs_hidden, mask_at
from pneumo.imaging.preprocess import InputSpec, model_input
from pneumo.imaging.surroundings import with_lungs_of
from pneumo.training.feed import Feed
from pneumo.training.repaint import Repaint

SPEC = InputSpec(size=64, margin=16)


@pytest.fixture(scope="module")
def images():
    phantoms = [make_phantom(kind, seed, 224, 224) for seed, kind in enumerate(("none", "bacterial", "viral"))]
    return np.stack([np.rint(phantom.pixels * 255).astype(np.uint8) for phantom in phantoms])


def drawn(repaint, images, times=300):
    """(index, image, seen) of many draws."""
    rng = np.random.default_rng(0)
    return [(i, *repaint(images, i, rng)) for i in rng.integers(0, len(images), times)]


def test_nothing_is_prepared_where_nothing_is_painted(images):
    assert Repaint.for_images(images, 0.0, 0.0) is None


def test_as_often_as_asked_and_what_was_asked(images):
    repaint = Repaint.for_images(images, swapped=0.4, hidden=0.2)
    places = repaint.places
    kinds = {"plain": 0, "swapped": 0, "hidden": 0}
    for i, image, seen in drawn(repaint, images):
        others = [with_lungs_of(images[k], places[k], images[i], places[i]) for k in range(len(images))]
        if not seen:
            kinds["hidden"] += 1
            np.testing.assert_array_equal(image, lungs_hidden(images[i], mask_at(places[i])))
        elif np.array_equal(image, images[i]):
            kinds["plain"] += 1
        else:  # the lungs of the image drawn, whose label is given; the surroundings of any
            assert any(np.array_equal(image, other) for other in others)
            kinds["swapped"] += 1
    # One of three images swaps with itself, which leaves it nearly, not always exactly, as it was.
    assert kinds["hidden"] / 300 == pytest.approx(0.2, abs=0.06)
    assert 0.2 < kinds["swapped"] / 300 < 0.46


def test_an_image_without_lungs_has_no_label(images):
    labels, bacterial = np.array([0, 1, 1]), np.array([np.nan, 1, 0], np.float32)
    hidden = Repaint.for_images(images, 0.0, 1.0)
    x, y, weights = Feed(images, labels, SPEC, 3, bacterial=bacterial, repaint=hidden)[0]
    np.testing.assert_array_equal(y["probability"], 0.5)
    np.testing.assert_array_equal(weights["bacterial"], 0)
    np.testing.assert_array_equal(x[1], model_input(lungs_hidden(images[1], mask_at(hidden.places[1])), SPEC))
    swapped = Feed(images, labels, SPEC, 3, bacterial=bacterial, repaint=Repaint.for_images(images, 1.0, 0.0))[0]
    np.testing.assert_array_equal(swapped[1]["probability"][:, 0], labels)
    np.testing.assert_array_equal(swapped[2]["bacterial"], [0, 1, 1])


def test_a_resumed_feed_paints_as_an_unbroken_one(images):
    repaint = Repaint.for_images(images, 0.5, 0.3)
    unbroken = Feed(images, np.array([0, 1, 1]), SPEC, 3, repaint=repaint, seed=2)
    first = unbroken[0][0]
    unbroken.on_epoch_end()
    resumed = Feed(images, np.array([0, 1, 1]), SPEC, 3, repaint=repaint, seed=2, epoch=1)
    np.testing.assert_array_equal(unbroken[0][0], resumed[0][0])
    assert (first != unbroken[0][0]).any()
