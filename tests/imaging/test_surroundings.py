import dataclasses

import cv2
import numpy as np

from pneumo.data.phantom import make_phantom
from pneumo.imaging.lungs import HIDE_MARGIN, mask_at, placement, widened
from pneumo.imaging.surroundings import in_other_surroundings, with_lungs_of


def canonical(subtype, seed):
    pixels = make_phantom(subtype, seed, 336, 420).pixels
    return np.rint(cv2.resize(pixels, (224, 224), interpolation=cv2.INTER_AREA) * 255).astype(np.uint8)


def difference(first, second, where):
    return np.abs(first.astype(float) - second)[where].mean()


def test_lungs_of_the_one_in_the_picture_of_the_other():
    healthy, sick = canonical("none", 1), canonical("bacterial", 1)  # one child, one pose
    place = placement(healthy)
    lungs = mask_at(place)
    mixed = with_lungs_of(healthy, place, sick, place)
    assert mixed.dtype == np.uint8
    assert difference(mixed, sick, lungs) < 2
    assert difference(healthy, sick, lungs) > 8  # or the line above says nothing
    outside = ~widened(lungs, HIDE_MARGIN + 6)
    np.testing.assert_array_equal(mixed[outside], healthy[outside])


def test_lungs_are_stretched_and_shifted_onto_the_others():
    image = canonical("none", 4)
    place = placement(image)
    # The same picture, 1.1 times as wide about its middle and 12 pixels to the right.
    matrix = np.array([[1.1, 0.0, 12 - 0.1 * 111.5], [0.0, 1.0, 0.0]])
    other = cv2.warpAffine(image, matrix, (224, 224), borderMode=cv2.BORDER_REFLECT)
    theirs = dataclasses.replace(place, across=place.across * 1.1, right=place.right * 1.1 + 12 / 224)
    mixed = with_lungs_of(image, place, other, theirs)
    assert difference(mixed, image, mask_at(place)) < 3
    assert difference(with_lungs_of(image, place, other, place), image, mask_at(place)) > 10  # without regard to where they lie


def test_lungs_are_brought_to_the_grey_of_the_seam():
    image = canonical("none", 2)
    place = placement(image)
    darker = np.rint(image * 0.7).astype(np.uint8)
    assert difference(with_lungs_of(image, place, darker, place), image, mask_at(place)) < 2


def test_every_image_once_as_lungs_and_once_as_surroundings():
    images = np.stack([canonical(kind, seed) for seed, kind in enumerate(("none", "bacterial", "viral", "none"))])
    places = [placement(image) for image in images]
    made = in_other_surroundings(images, seed=0)
    others = np.random.default_rng(0).permutation(4)
    assert (others != np.arange(4)).any()
    for i, other in enumerate(others):
        np.testing.assert_array_equal(made[i], with_lungs_of(images[other], places[other], images[i], places[i]))
    np.testing.assert_array_equal(made, in_other_surroundings(images, seed=0))
    assert (made != in_other_surroundings(images, seed=2)).any()
