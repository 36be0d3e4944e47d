"""Hide the lungs, or everything but the lungs, to train for and measure whether answers depend on the lungs."""

import cv2
import numpy as np

HIDE_MARGIN = 12  # canonical pixels hidden around the lungs: with fewer, a rim of lung stays visible
_FEATHER, _SPREAD = 6, 12  # canonical pixels


def lungs_hidden(image: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """uint8 (224, 224): the lungs of `mask`, bool (224, 224), and 12 pixels around them filled in from their surroundings."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * HIDE_MARGIN + 1,) * 2)
    return _inpainted(image, cv2.dilate(mask.astype(np.uint8), kernel).astype(bool))


def lungs_only(image: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """uint8 (224, 224): everything outside the lungs of `mask`, bool (224, 224), filled in with the grey levels of the lungs."""
    return _inpainted(image, ~mask)


def _inpainted(image: np.ndarray, cover: np.ndarray) -> np.ndarray:
    """Fill `cover` with a smooth continuation of the tissue around it, blended over 6 pixels outside it.

    A flat grey would leave a silhouette that shows the shape of the lungs; this leaves no visible edge. Air is not continued: next
    to the chest wall it would form dark areas that look like lungs. The result does not depend on the pixels inside `cover`.
    """
    beyond = cv2.distanceTransform((~cover).astype(np.uint8), cv2.DIST_L2, 5)
    share = np.clip(1.0 - beyond / _FEATHER, 0.0, 1.0)
    pixels, visible = image.astype(np.float32), share == 0
    if not visible.any():  # nothing to continue
        return np.full_like(image, 128)
    tissue = (visible & (pixels >= 0.5 * np.percentile(pixels[visible], 75))).astype(np.float32)
    mean = (pixels * tissue).sum() / tissue.sum()
    weight = cv2.GaussianBlur(tissue, (0, 0), _SPREAD) + 1e-3  # far from any tissue, the fill is the mean of the tissue
    fill = (cv2.GaussianBlur(pixels * tissue, (0, 0), _SPREAD) + 1e-3 * mean) / weight
    return np.asarray(np.rint(pixels * (1.0 - share) + fill * share), np.uint8)
