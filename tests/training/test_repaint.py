import numpy as np
import pytest

from pneumo.data.phantom import make_phantom
from pneumo.imaging.lung_box import lung_box
from pneumo.imaging.lungs import lungs_hidden
from pneumo.imaging.preprocess import InputSpec, model_input
from pneumo.imaging.surroundings import with_lungs_of
from pneumo.training.feed import Feed
from pneumo.training.parts import Part
from pneumo.training.repaint import Repaint

SPEC = InputSpec(64, 0, lung_centred=True)


@pytest.fixture(scope="module")
def part():
    phantoms = [make_phantom(kind, seed, 224, 224) for seed, kind in enumerate(("none", "bacterial", "viral"))]
    images = np.stack([np.rint(phantom.pixels * 255).astype(np.uint8) for phantom in phantoms])
    fields = [phantom.fields for phantom in phantoms]
    return Part(images, np.array([0, 1, 1]), np.array([np.nan, 1, 0], np.float32), tuple(map(lung_box, fields)),
                np.stack([np.packbits(mask) for mask in fields]))  # fmt: skip


def test_as_often_as_asked_and_what_was_asked(part):
    repaint, rng = Repaint.of(part, swapped=0.4, hidden=0.2), np.random.default_rng(0)
    kinds = {"plain": 0, "swapped": 0, "hidden": 0}
    for i in rng.integers(0, 3, 300):
        image, box, seen = repaint(i, rng)
        others = [with_lungs_of(part.images[k], repaint.places[k], part.images[i], repaint.places[i]) for k in range(3)]
        if not seen:
            kinds["hidden"] += 1
            np.testing.assert_array_equal(image, lungs_hidden(part.images[i], part.mask(i)))
        elif np.array_equal(image, part.images[i]):
            kinds["plain"] += 1
        else:  # the lungs of the image drawn, whose label is given; the surroundings of any, and their box
            assert any(np.array_equal(image, other) and box == part.boxes[k] for k, other in enumerate(others))
            kinds["swapped"] += 1
    # One of three images swaps with itself, which leaves it nearly, not always exactly, as it was.
    assert kinds["hidden"] / 300 == pytest.approx(0.2, abs=0.06)
    assert 0.2 < kinds["swapped"] / 300 < 0.46


def test_an_image_without_lungs_has_no_label(part):
    x, y, weights = Feed(part, SPEC, 3, subtype=True, repaint=Repaint.of(part, 0.0, 1.0))[0]
    np.testing.assert_array_equal(y["probability"], 0.5)
    np.testing.assert_array_equal(weights["bacterial"], 0)
    np.testing.assert_array_equal(x[1], model_input(lungs_hidden(part.images[1], part.mask(1)), SPEC, part.boxes[1]))
    swapped = Feed(part, SPEC, 3, subtype=True, repaint=Repaint.of(part, 1.0, 0.0))[0]
    np.testing.assert_array_equal(swapped[1]["probability"][:, 0], part.labels)
    np.testing.assert_array_equal(swapped[2]["bacterial"], [0, 1, 1])


def test_a_resumed_feed_paints_as_an_unbroken_one(part):
    repaint = Repaint.of(part, 0.5, 0.3)
    unbroken = Feed(part, SPEC, 3, repaint=repaint, seed=2)
    first = unbroken[0][0]
    unbroken.on_epoch_end()
    resumed = Feed(part, SPEC, 3, repaint=repaint, seed=2, epoch=1)
    np.testing.assert_array_equal(unbroken[0][0], resumed[0][0])
    assert (first != unbroken[0][0]).any()
