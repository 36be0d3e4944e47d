"""An image without its lungs, or without anything but its lungs: to learn and to measure whether an answer rests on them."""

import cv2
import numpy as np

HIDE_MARGIN = 12  # canonical pixels around the lungs that are hidden with them: a narrower cover leaves lung at its rim
_FEATHER, _SPREAD = 6, 12  # canonical pixels


def lungs_hidden(image: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """uint8 (224, 224): the lungs of `mask`, bool (224, 224), and 12 pixels around them painted over by their surroundings."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * HIDE_MARGIN + 1,) * 2)
    return _painted(image, cv2.dilate(mask.astype(np.uint8), kernel).astype(bool))


def lungs_only(image: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """uint8 (224, 224): everything but the lungs of `mask`, bool (224, 224), painted over by the grey levels of the lungs."""
    return _painted(image, ~mask)


def _painted(image: np.ndarray, cover: np.ndarray) -> np.ndarray:
    """`cover` filled with a smooth continuation of the tissue around it, faded out over 6 pixels beyond it.

    One flat grey would cut a bright or dark silhouette into the picture, as telling as the lungs: this leaves no edge to see.
    Air is not continued: beside the chest wall it would grow into dark fields much like lungs. Nothing inside `cover` has
    any say in the result.
    """
    beyond = cv2.distanceTransform((~cover).astype(np.uint8), cv2.DIST_L2, 5)
    share = np.clip(1.0 - beyond / _FEATHER, 0.0, 1.0)
    pixels, left = image.astype(np.float32), share == 0
    if not left.any():  # nothing to continue
        return np.full_like(image, 128)
    tissue = (left & (pixels >= 0.5 * np.percentile(pixels[left], 75))).astype(np.float32)
    mean = (pixels * tissue).sum() / tissue.sum()
    weight = cv2.GaussianBlur(tissue, (0, 0), _SPREAD) + 1e-3  # far from all tissue, its mean
    fill = (cv2.GaussianBlur(pixels * tissue, (0, 0), _SPREAD) + 1e-3 * mean) / weight
    painted: np.ndarray = np.rint(pixels * (1.0 - share) + fill * share).astype(np.uint8)
    return painted
