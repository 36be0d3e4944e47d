"""Training samples of the lung segmenter, and their augmentation."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from pneumo.arrays import Images
from pneumo.data.cache import cached_images
from pneumo.data.lung_masks import LungMasks
from pneumo.data.records import folder_of
from pneumo.imaging.preprocess import CANONICAL_SIDE
from pneumo.inference.lung_fields import segmenter_input
from pneumo.labels import SUBTYPES
from pneumo.synthetic.non_chest import KINDS, as_served
from pneumo.synthetic.phantom import make_phantom


@dataclass(frozen=True)
class LungSamples:
    """n images and their lung masks."""

    images: Images  # uint8 (n, 224, 224), canonical
    masks: LungMasks | np.ndarray  # bool (n, 224, 224)

    def __len__(self) -> int:
        return len(self.images)


def phantom_samples(count: int, seed: int) -> LungSamples:
    """`count` phantoms with known lungs, of alternating subtype and varying size."""
    rng = np.random.default_rng(seed)
    images, masks = [], []
    for number in range(count):
        height = int(rng.integers(230, 300))
        phantom = make_phantom(SUBTYPES[number % 3], int(rng.integers(2**31)), height, int(height * rng.uniform(1.0, 1.5)))
        planes = [_resized(plane.astype(np.float32), CANONICAL_SIDE) for plane in (phantom.pixels, phantom.fields)]
        images.append(np.rint(planes[0] * 255).astype(np.uint8))
        masks.append(planes[1] > 0.5)
    return LungSamples(np.array(images), np.array(masks))


def outlined_samples(data: Path, masks: LungMasks) -> LungSamples:
    """The images with manual masks. Raises DataError for an unreadable image."""
    return LungSamples(cached_images(folder_of(data), masks.files), masks)


def lungless_samples(count: int, seed: int) -> LungSamples:
    """`count` pictures of each non-chest kind that is not held out, with empty masks."""
    images = np.array([as_served(picture) for kind in KINDS if not kind.held_out for picture in kind.pictures(count, seed)])
    return LungSamples(images, np.zeros(images.shape, bool))


def augment_sample(image: np.ndarray, mask: np.ndarray, side: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """(network input, share of lung per pixel), both float32 (side, side).

    Geometry changes image and mask alike; lungs are whitened in places, like consolidations, and stay lung.
    """
    planes = (image.astype(np.float32) / 255.0, mask.astype(np.float32))  # resized first, for speed
    pixels, lungs = (_resized(plane, side) for plane in planes)
    if rng.random() < 0.1:
        turns = int(rng.integers(1, 4))
        pixels, lungs = np.rot90(pixels, turns).copy(), np.rot90(lungs, turns).copy()
    pixels, lungs = _moved(pixels, lungs, rng)
    if rng.random() < 0.5:
        pixels = _whitened(pixels, lungs, rng)
    pixels = _exposed(pixels, rng)
    if rng.random() < 0.5:
        pixels = _marked(pixels, rng)
    if rng.random() < 0.1:
        pixels = 1.0 - pixels
    return segmenter_input(255.0 * np.clip(pixels, 0, 1), side), lungs


def _moved(pixels: np.ndarray, lungs: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Flip, rotation up to 15 degrees, scale 0.67 to 1.5, per axis another 0.82 to 1.22, shift up to 18 %, slight elastic bends."""
    side = len(pixels)
    angle, centre = np.deg2rad(rng.uniform(-15, 15)), (side - 1) / 2
    across, down = np.exp(rng.uniform(-0.4, 0.4) + rng.uniform(-0.2, 0.2, 2))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) * [across, down]
    if rng.random() < 0.5:
        turn[:, 0] *= -1
    rows, columns = np.mgrid[:side, :side].astype(np.float32) - np.float32(centre)
    knots = rng.normal(0, 0.010 * side, (2, 5, 5)).astype(np.float32)
    bend = [cv2.resize(plane, (side, side), interpolation=cv2.INTER_CUBIC) for plane in knots]
    shift = rng.uniform(-0.18, 0.18, 2) * side + centre
    x = turn[0, 0] * columns + turn[0, 1] * rows + shift[0] + bend[0]
    y = turn[1, 0] * columns + turn[1, 1] * rows + shift[1] + bend[1]
    # Outside the frame: black or replicated pixels; never lung.
    border = cv2.BORDER_CONSTANT if rng.random() < 0.5 else cv2.BORDER_REPLICATE
    maps = x.astype(np.float32), y.astype(np.float32)
    pixels = cv2.remap(pixels, *maps, cv2.INTER_LINEAR, borderMode=border)
    lungs = cv2.remap(lungs, *maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    return pixels, lungs


def _whitened(pixels: np.ndarray, lungs: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Blend soft patches of the lungs towards the grey of the surrounding tissue."""
    side = len(pixels)
    rows, columns = np.mgrid[:side, :side].astype(np.float32) / side
    inside = np.argwhere(lungs > 0.5)
    if not len(inside):
        return pixels
    amount = np.full(pixels.shape, rng.uniform(0, 0.5), np.float32)
    for _ in range(int(rng.integers(1, 4))):
        y, x = inside[rng.integers(len(inside))] / side
        far = ((columns - x) / rng.uniform(0.05, 0.3)) ** 2 + ((rows - y) / rng.uniform(0.05, 0.3)) ** 2
        amount = np.maximum(amount, rng.uniform(0.3, 1.0) * np.exp(-(far**2)))
    tissue = float(np.percentile(pixels[lungs < 0.5], 75)) if (lungs < 0.5).any() else 0.7
    amount *= cv2.GaussianBlur(lungs, (0, 0), rng.uniform(0.5, 2))
    return pixels + amount * (rng.uniform(0.85, 1.05) * tissue - pixels)


def _exposed(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Vary gamma, shading, sharpness, contrast and noise."""
    pixels = np.clip(pixels, 1e-4, 1) ** np.exp(rng.uniform(-0.6, 0.6))
    shading = cv2.resize(rng.normal(0, 0.08, (4, 4)).astype(np.float32), pixels.shape, interpolation=cv2.INTER_CUBIC)
    pixels = pixels + shading * (pixels > 0.03)
    soft = cv2.GaussianBlur(pixels, (0, 0), rng.uniform(0.3, 1.3))
    pixels = pixels + rng.uniform(-0.6, 1.0) * (soft - pixels)
    pixels = (pixels - 0.5) * np.exp(rng.uniform(-0.5, 0.3)) + 0.5
    noise = cv2.GaussianBlur(rng.standard_normal(pixels.shape, dtype=np.float32), (0, 0), rng.uniform(0.3, 0.8))
    return np.asarray(pixels + rng.uniform(0, 0.05) * noise)


def _marked(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Side markers, leads and collimator edges: one or two uniform boxes, sometimes a black border."""
    pixels, side = pixels.copy(), len(pixels)
    for _ in range(int(rng.integers(1, 3))):
        top, left = rng.integers(0, side, 2)
        height, width = rng.integers(1, max(2, side // 8), 2)
        pixels[top : top + height, left : left + width] = rng.uniform(0, 1)
    if rng.random() < 0.3:
        edge = rng.integers(0, side // 11 + 1, 4)
        frame = np.zeros(pixels.shape, bool)
        frame[edge[0] : side - edge[1], edge[2] : side - edge[3]] = True
        pixels[~frame] = 0.0
    return pixels


def _resized(plane: np.ndarray, side: int) -> np.ndarray:
    return cv2.resize(plane, (side, side), interpolation=cv2.INTER_AREA)
