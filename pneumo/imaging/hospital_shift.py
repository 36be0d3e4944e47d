"""Copies of held-out images disturbed like other hospitals' pictures, so that nothing is chosen where all is easy.

Validation and calibration parts come from the same rooms as the train part and separate almost perfectly: any epoch looks
good there, and any threshold in a wide gap. The copies differ in what training augments (see training/augment.py), by
about as much, and then lose resolution and go through JPEG, as files do on their way. docs/experiments.md tells what that
was worth.
"""

import cv2
import numpy as np

from pneumo.arrays import Images
from pneumo.imaging.perturbations import blur, brightness, contrast, gamma, jpeg, noise
from pneumo.imaging.preprocess import CANONICAL_SIDE


def hard_copies(images: Images, seed: int) -> np.ndarray:
    """uint8 (n, 224, 224) -> one disturbed copy of each, the same shape and type; the same for the same seed, anywhere."""
    return np.stack([_disturbed(images[i], np.random.default_rng((seed, i))) for i in range(len(images))])


def with_hard_copies(images: Images, seed: int) -> np.ndarray:
    """uint8 (2 n, 224, 224): the images as they are, then a hard copy of each in the same order."""
    return np.concatenate([images[np.arange(len(images))], hard_copies(images, seed)])


def _disturbed(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
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
    """Mirrored or not, turned by 10 degrees, shifted by 8 %, width and height scaled apart; black around it, as at training."""
    angle, scale, aspect = rng.uniform(-0.175, 0.175), rng.uniform(-0.24, 0.12), rng.uniform(-0.075, 0.075)
    width, height = rng.choice((-1.0, 1.0)) * np.exp(scale + aspect), np.exp(scale - aspect)
    inverse = np.array([[np.cos(angle) * width, -np.sin(angle) * height], [np.sin(angle) * width, np.cos(angle) * height]])
    middle = np.full(2, (CANONICAL_SIDE - 1) / 2)
    offset = middle - inverse @ middle + rng.uniform(-0.08, 0.08, 2) * CANONICAL_SIDE
    return cv2.warpAffine(image, np.column_stack([inverse, offset]), image.shape, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)


def _sharpened_or_blurred(image: np.ndarray, amount: float) -> np.ndarray:
    """`amount` of the way to a blurred copy; below 0 as far beyond the image, away from it."""
    pixels = image.astype(np.float32)
    made: np.ndarray = np.rint(np.clip(pixels + amount * (blur(image, 1.2) - pixels), 0, 255)).astype(np.uint8)
    return made


def _marked(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A box of one grey, 2 to 14 % of the side, anywhere."""
    x, y = rng.uniform(0, CANONICAL_SIDE, 2)
    half_width, half_height = rng.uniform(0.01, 0.07, 2) * CANONICAL_SIDE
    rows = slice(max(round(y - half_height), 0), round(y + half_height))
    columns = slice(max(round(x - half_width), 0), round(x + half_width))
    made = image.copy()
    made[rows, columns] = rng.integers(256)
    return made
