"""How fast images reach the network: the cache with Feed against the two usual ways, in images per second of one run.

python bench/feeding.py DIR     a folder in the usual layout (DIR/NORMAL, DIR/PNEUMONIA, or train/ ... above them)

All three deliver float32 (32, 224, 224, 1) without augmentation. Every file is read once beforehand, to warm the disk cache. The
first epoch includes listing the folder, hashing, decoding and writing a new cache.
"""

import logging
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
from PIL import Image

from pneumo.data.cache import cached_images
from pneumo.data.records import SUFFIXES
from pneumo.imaging.preprocess import InputSpec
from pneumo.training.dataset import Part
from pneumo.training.feed import Draws, Feed

SIDE, BATCH, LATER = 224, 32, 5
Epoch = Callable[[], Iterator]


def listed(root: Path) -> tuple[list[str], np.ndarray]:
    paths = sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.suffix.lower() in SUFFIXES)
    return paths, np.array([Path(path).parent.name == "PNEUMONIA" for path in paths], np.int64)


def ours(root: Path, folder: Path) -> Epoch:
    paths, labels = listed(root)
    images = cached_images(root, paths, folder)
    count = len(labels)
    part = Part(images, labels, np.full(count, np.nan, np.float32))
    feed = Feed(part, InputSpec(SIDE, 0), BATCH, Draws(order=lambda rng: rng.choice(count, count)))

    def epoch():
        yield from (feed[i] for i in range(len(feed)))
        feed.on_epoch_end()

    return epoch


def keras_directory(root: Path) -> Epoch:
    data = keras.utils.image_dataset_from_directory(
        root, labels="inferred", color_mode="grayscale", image_size=(SIDE, SIDE), batch_size=BATCH, verbose=False
    )
    return lambda: iter(data)


def python_generator(root: Path) -> Epoch:
    """As flow_from_directory: open, convert to grey, resize and scale one image after the other."""
    paths, labels = listed(root)
    rng = np.random.default_rng(0)

    def picture(path: str) -> np.ndarray:
        with Image.open(root / path) as image:
            small = image.convert("L").resize((SIDE, SIDE), Image.Resampling.BILINEAR)
        return np.asarray(small, np.float32)[..., np.newaxis] / 255.0

    def epoch():
        order = rng.permutation(len(paths))
        for start in range(0, len(paths), BATCH):
            chosen = order[start : start + BATCH]
            yield np.stack([picture(paths[i]) for i in chosen]), labels[chosen].astype(np.float32)[:, np.newaxis]

    return epoch


def drained(epoch: Epoch) -> int:
    """Take every batch; return the number of images."""
    count = 0
    for x, _ in epoch():
        assert tuple(x.shape[1:]) == (SIDE, SIDE, 1)
        count += len(x)
    return count


def measured(make: Callable[[], Epoch]) -> list[float]:
    """Images per second in the first epoch, with set-up; then median, least and most of the later ones."""
    speeds, start = [], time.perf_counter()
    epoch = make()
    for _ in range(1 + LATER):
        speeds.append(drained(epoch) / (time.perf_counter() - start))
        start = time.perf_counter()
    return [speeds[0], float(np.median(speeds[1:])), min(speeds[1:]), max(speeds[1:])]


def main(root: Path) -> None:
    logging.getLogger("tensorflow").setLevel("ERROR")
    count = sum(bool((root / path).read_bytes()) for path in listed(root)[0])
    drained(lambda: ((x, 0) for x in keras.ops.zeros((1, 1, SIDE, SIDE, 1))))  # the backend starts before the clock does
    with tempfile.TemporaryDirectory() as scratch:
        rows = {
            "cache + Feed": measured(lambda: ours(root, Path(scratch))),
            "cache + Feed, a later run": measured(lambda: ours(root, Path(scratch))),
            "image_dataset_from_directory": measured(lambda: keras_directory(root)),
            "Python generator": measured(lambda: python_generator(root)),
        }
    best = rows["cache + Feed"]
    print(f"{count} images, {os.cpu_count()} cores, images a second; in brackets how many times faster cache + Feed is\n")
    print("| feeder | first epoch | later epochs, median | least to most |\n|---|---:|---:|---:|")
    for name, speeds in rows.items():
        cells = [f"{v:,.0f} ({b / v:.1f})" for v, b in zip(speeds[:2], best, strict=False)]
        print(f"| {name} | {' | '.join(cells)} | {speeds[2]:,.0f} to {speeds[3]:,.0f} |")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
