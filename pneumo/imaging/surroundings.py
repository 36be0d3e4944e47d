"""One child's lungs in another child's picture: what is around them then says nothing about the lungs."""

import cv2
import numpy as np

from pneumo.arrays import Images
from pneumo.imaging.lungs import HIDE_MARGIN, Placement, faded, mask_at, placement, widened
from pneumo.imaging.preprocess import CANONICAL_SIDE

_RING = 10  # canonical pixels around the lungs, over which both pictures are brought to the same grey
_GAIN = 2.0  # most that grey is changed


def with_lungs_of(image: np.ndarray, place: Placement, other: np.ndarray, others: Placement) -> np.ndarray:
    """uint8 (224, 224): `image` with the lungs of `other` where its own were; both canonical, each with its placement.

    The other lungs are stretched and shifted onto these, with 12 pixels around them, brought to the grey of the seam and faded
    in over 6 pixels.
    """
    # p_image = stretch * p_other + offset, fractions of the side; then in pixels, whose centres lie half a pixel in.
    stretch = np.array([place.across / others.across, place.down / others.down])
    offset = 0.5 + np.array([place.right, place.below]) - stretch * (0.5 + np.array([others.right, others.below]))
    shift = offset * CANONICAL_SIDE + 0.5 * stretch - 0.5
    matrix = np.column_stack([np.diag(stretch), shift])
    moved = cv2.warpAffine(other, matrix, image.shape[::-1], flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    lungs = mask_at(place, HIDE_MARGIN)
    seam = widened(lungs, _RING) & ~lungs
    gain = float(np.clip(image[seam].mean() / max(moved[seam].mean(), 1.0), 1 / _GAIN, _GAIN)) if seam.any() else 1.0
    share = faded(lungs)
    mixed: np.ndarray = np.rint(image * (1.0 - share) + np.minimum(moved * gain, 255.0) * share).astype(np.uint8)
    return mixed


def in_other_surroundings(images: Images, seed: int) -> np.ndarray:
    """uint8 (n, 224, 224): the lungs of each image in the picture of another one, drawn by seed; labels stay the lungs'."""
    places = [placement(images[i]) for i in range(len(images))]
    others = np.random.default_rng(seed).permutation(len(images))
    return np.stack([
        with_lungs_of(images[other], places[other], images[i], places[i]) for i, other in enumerate(others)
    ])  # fmt: skip
