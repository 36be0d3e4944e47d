"""Real images that are not chest X-rays, from the sample data of libraries in requirements.txt. Nothing is downloaded.

Photographs (scikit-learn, matplotlib, scikit-image), scanned pages and micrographs (scikit-image), and slices of other
modalities (matplotlib, pydicom).
"""

import gzip
from functools import cache
from importlib import resources
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

_FOLDERS = {"sklearn": "datasets/images", "matplotlib": "mpl-data/sample_data", "skimage": "data", "pydicom": "data/test_files"}
PHOTOS = ("sklearn/china.jpg", "sklearn/flower.jpg", "matplotlib/grace_hopper.jpg")
MORE_PHOTOS = (
    "skimage/astronaut.png", "skimage/chelsea.png", "skimage/coffee.png", "skimage/rocket.jpg", "skimage/motorcycle_left.png",
    "skimage/hubble_deep_field.jpg", "skimage/camera.png", "skimage/moon.png", "skimage/coins.png", "skimage/clock_motion.png",
    "skimage/brick.png", "skimage/grass.png", "skimage/gravel.png",
)  # fmt: skip
SCANS = (
    "skimage/page.png", "skimage/text.png", "skimage/ihc.png", "skimage/retina.jpg", "skimage/cell.png",
    "skimage/microaneurysms.png", "skimage/phantom.png", "skimage/horse.png", "skimage/logo.png",
)  # fmt: skip
SLICES = ("matplotlib/s1045.ima.gz",)  # magnetic resonance, head
MORE_SLICES = (
    "pydicom/693_J2KI.dcm", "pydicom/CT_small.dcm", "pydicom/MR_small.dcm", "pydicom/examples_overlay.dcm", "pydicom/JPEG2000.dcm",
    "pydicom/examples_palette.dcm", "pydicom/examples_rgb_color.dcm",
)  # fmt: skip


def chosen_name(names: tuple[str, ...], rng: np.random.Generator) -> str:
    """A random name; `random_crop` draws it first, so equal generators give its name."""
    return names[rng.integers(len(names))]


def random_crop(names: tuple[str, ...], rng: np.random.Generator, grey: bool = False) -> np.ndarray:
    """A random image of `names`, whole or cropped to at least a third of each side, mirrored or not: uint8 (h, w) or (h, w, 3)."""
    picture = load_picture(chosen_name(names, rng))
    height, width = picture.shape[:2]
    if rng.random() < 0.8:
        tall, wide = (int(rng.uniform(0.35, 1.0) * side) for side in (height, width))
        top, left = rng.integers(0, height - tall + 1), rng.integers(0, width - wide + 1)
        picture = picture[top : top + tall, left : left + wide]
    if rng.random() < 0.5:
        picture = picture[:, ::-1]
    if min(picture.shape[:2]) < 128:  # enlarge, or it would be refused for its size
        scale = 128 / min(picture.shape[:2])
        picture = cv2.resize(np.ascontiguousarray(picture), None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    if grey and picture.ndim == 3:
        picture = cv2.cvtColor(np.ascontiguousarray(picture), cv2.COLOR_RGB2GRAY)
    return np.ascontiguousarray(picture)


@cache
def load_picture(name: str) -> np.ndarray:
    """The image "<package>/<file>", uint8 (h, w) or (h, w, 3); over 8 bits, the 1st to 99th percentile become 0 to 255."""
    package, _, file = name.partition("/")
    with resources.as_file(resources.files(package)) as folder:
        path = Path(folder) / _FOLDERS[package] / file
        if path.suffix == ".gz":
            return _stretched(np.frombuffer(gzip.decompress(path.read_bytes()), np.uint16).reshape(256, 256))
        if path.suffix != ".dcm":
            image = Image.open(path)
            return np.asarray(image.convert("L" if image.mode in ("1", "L", "I;16") else "RGB"))
        import pydicom

        pixels = pydicom.dcmread(path).pixel_array
        return pixels if pixels.dtype == np.uint8 and pixels.ndim == 3 else _stretched(pixels)


def _stretched(pixels: np.ndarray) -> np.ndarray:
    low, high = np.percentile(pixels, (1, 99))
    shares = np.clip((pixels.astype(np.float64) - low) / max(high - low, 1), 0, 1)
    return np.asarray(np.rint(255 * shares), np.uint8)
