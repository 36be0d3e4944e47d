"""Perturbed held-out images for model selection: copies that look as if they came from other hospitals.

The validation and calibration parts come from the same hospital as the train part and are almost perfectly separated, so
they cannot tell one epoch or threshold from another. The copies are changed like augmented training images (see
training/augment.py) and by about as much; then they lose resolution and are saved as JPEG, as happens to files in transfer.
docs/experiments.md reports the gain.
"""

import cv2
import numpy as np

from pneumo.arrays import Images
from pneumo.imaging.perturbations import blur, brightness, contrast, gamma, grey_bytes, jpeg, noise
from pneumo.imaging.preprocess import CANONICAL_SIDE


def shifted_copies(images: Images, seed: int) -> np.ndarray:
    """uint8 (n, 224, 224) -> a perturbed copy of each, same shape and type. Depends only on the images and the seed."""
    return np.stack([_perturbed(images[i], np.random.default_rng((seed, i))) for i in range(len(images))])


def with_shifted_copies(images: Images, seed: int) -> np.ndarray:
    """uint8 (2 n, 224, 224): the unchanged images, then a perturbed copy of each in the same order."""
    return np.concatenate([images[np.arange(len(images))], shifted_copies(images, seed)])


def _perturbed(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    x = gamma(_posed(image, rng), np.exp(rng.uniform(-0.5, 0.5)))
    x = _sharpened_or_blurred(x, rng.uniform(-0.5, 1.0))
    x = brightness(contrast(x, np.exp(rng.uniform(-0.3, 0.3))), rng.uniform(-0.12, 0.12))
    x = noise(x, rng.uniform(0.0, 0.04), seed=int(rng.integers(2**31)))
    for _ in range(rng.binomial(3, 0.5)):
        x = _marked(x, rng)
    coarse = round(CANONICAL_SIDE / rng.uniform(1.0, 2.0))
    x = cv2.resize(cv2.resize(x, (coarse, coarse), interpolation=cv2.INTER_AREA), x.shape, interpolation=cv2.INTER_LINEAR)
    return jpeg(x, int(rng.integers(40, 91)))


def _posed(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Randomly mirror, rotate (10 degrees), shift (8 %) and scale (width and height separately); black border as in training."""
    angle, scale, aspect = rng.uniform(-0.175, 0.175), rng.uniform(-0.24, 0.12), rng.uniform(-0.075, 0.075)
    width, height = rng.choice((-1.0, 1.0)) * np.exp(scale + aspect), np.exp(scale - aspect)
    inverse = np.array([[np.cos(angle) * width, -np.sin(angle) * height], [np.sin(angle) * width, np.cos(angle) * height]])
    middle = np.full(2, (CANONICAL_SIDE - 1) / 2)
    offset = middle - inverse @ middle + rng.uniform(-0.08, 0.08, 2) * CANONICAL_SIDE
    return cv2.warpAffine(image, np.column_stack([inverse, offset]), image.shape, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)


def _sharpened_or_blurred(image: np.ndarray, amount: float) -> np.ndarray:
    """Mix with a blurred copy: `amount` 1 is the blurred copy, 0 the image, below 0 sharpens it."""
    pixels = image.astype(np.float32)
    return grey_bytes(pixels + amount * (blur(image, 1.2) - pixels))


def _marked(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Add a box of one grey at a random place, 2 to 14 % of the image's side long."""
    x, y = rng.uniform(0, CANONICAL_SIDE, 2)
    half_width, half_height = rng.uniform(0.01, 0.07, 2) * CANONICAL_SIDE
    rows = slice(max(round(y - half_height), 0), round(y + half_height))
    columns = slice(max(round(x - half_width), 0), round(x + half_width))
    marked = image.copy()
    marked[rows, columns] = rng.integers(256)
    return marked
