"""How long an epoch takes, and which part takes the time. Medians of one run, the contenders in turn.

python bench/epochs.py DIR [--images N] [--architectures cnn,resnet50] [--rounds 3] [--output FILE]
python bench/epochs.py --speeds pneumo/training/speeds.json     images per second of each architecture, for the page's estimate

DIR is any folder that contains NORMAL and PNEUMONIA, such as the public set's train folder. N evenly spaced images of it are used,
or each several times if it has fewer. Four contenders train the same network, one epoch each per round. The first round traces the
graph and warms the disk cache, so it does not count:

pipeline      the image cache, Feed and the augmentation layers, as `train` does it
generator     Keras' legacy ImageDataGenerator: opens, resizes and augments each file in turn, in numpy
network       the network alone, on random numbers in memory
augmented     the same behind the augmentation layers; the pipeline's additional time is its feed's

On a shared machine processor time is more reliable than wall time.
"""

import argparse
import contextlib
import datetime
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import cv2
import keras
import numpy as np
import pandas

from pneumo.data.cache import cached_images
from pneumo.data.records import SUFFIXES
from pneumo.nets import ARCHITECTURES, architecture
from pneumo.nets.transfer import freeze_backbone
from pneumo.training.augment import augmentation
from pneumo.training.config import TrainConfig, make_config
from pneumo.training.dataset import Part
from pneumo.training.feed import Draws, Feed

CONTENDERS = ("pipeline", "generator", "network", "augmented")


class Ready(keras.utils.PyDataset):
    """The batches of `count` images, all the same one in memory."""

    def __init__(self, config: TrainConfig, count: int):
        super().__init__()
        rng = np.random.default_rng(0)
        self.x = rng.random((config.batch_size, config.size, config.size, 1), np.float32)
        self.y = rng.integers(0, 2, (config.batch_size, 1)).astype(np.float32)
        self.count = count

    def __len__(self) -> int:
        return -(-self.count // len(self.x))

    def __getitem__(self, index: int):
        size = min(len(self.x), self.count - index * len(self.x))
        return self.x[:size], self.y[:size]


class Pictures(keras.utils.PyDataset):
    """Batches of a legacy iterator with labels (batch, 1), as the other contenders have them."""

    def __init__(self, iterator: keras.utils.PyDataset):
        super().__init__()
        self.iterator = iterator

    def __len__(self) -> int:
        return len(self.iterator)

    def __getitem__(self, index: int):
        x, y = self.iterator[index]
        return x, y.reshape(-1, 1)

    def on_epoch_end(self) -> None:
        self.iterator.on_epoch_end()


class Clock(keras.callbacks.Callback):
    """Wall seconds, and processor seconds of all threads, of an epoch, without the preparation by `fit`."""

    def on_epoch_begin(self, epoch, logs=None):
        self.begun = time.perf_counter(), time.process_time()

    def on_epoch_end(self, epoch, logs=None):
        self.seconds, self.work = time.perf_counter() - self.begun[0], time.process_time() - self.begun[1]


def exposure_and_markers(rng: np.random.Generator) -> Callable[[np.ndarray], np.ndarray]:
    """What RandomExposure and RandomMarkers do, for one grey image (h, w, 1) in [0, 255], in numpy; returns [0, 1]."""

    def change(image: np.ndarray) -> np.ndarray:
        x = np.clip(image[..., 0] / 255.0, 1e-4, 1.0) ** np.exp(rng.uniform(-0.5, 0.5))
        x = x + (0.25 + rng.uniform(-0.75, 0.75)) * (cv2.blur(cv2.blur(x, (3, 3)), (3, 3)) - x)
        x = (x - 0.5) * np.exp(rng.uniform(-0.3, 0.3)) + 0.5 + rng.uniform(-0.12, 0.12)
        x = np.clip(x + abs(rng.uniform(-0.04, 0.04)) * rng.standard_normal(x.shape, np.float32), 0.0, 1.0)
        for _ in range(3):
            if rng.random() < 0.5:
                middle, half = rng.random(2) * x.shape, rng.uniform(0.01, 0.07, 2) * x.shape
                low, high = np.maximum(middle - half, 0).astype(int), (middle + half).astype(int) + 1
                x[low[0] : high[0], low[1] : high[1]] = rng.random()
        return x[..., np.newaxis]

    return change


def generator(root: Path, paths: list[str], labels: np.ndarray, config: TrainConfig) -> Pictures:
    """As flow_from_directory, but from a list, to use part of a folder; with the ranges of RandomView."""
    from tensorflow.keras.preprocessing.image import ImageDataGenerator

    maker = ImageDataGenerator(
        rotation_range=10,
        width_shift_range=0.08,
        height_shift_range=0.08,
        zoom_range=(0.79, 1.12),
        horizontal_flip=True,
        fill_mode="constant",
        preprocessing_function=exposure_and_markers(np.random.default_rng(0)),
    )
    frame = pandas.DataFrame({"file": [str(root / path) for path in paths], "label": labels.astype(np.float32)})
    with contextlib.redirect_stdout(sys.stderr):  # it prints the number of files
        iterator = maker.flow_from_dataframe(
            frame,
            x_col="file",
            y_col="label",
            class_mode="raw",
            target_size=(config.size,) * 2,
            color_mode="grayscale",
            interpolation="bilinear",
            batch_size=config.batch_size,
            validate_filenames=False,
        )
    return Pictures(iterator)


def models(config: TrainConfig, frozen: bool) -> tuple[keras.Model, keras.Model]:
    """(the network, the same network behind the augmentation), compiled."""
    net = architecture(config.architecture).build(config.network, config.spec, "none")
    if hasattr(config.network, "trainable_from"):
        freeze_backbone(net, None if frozen else config.network.trainable_from)
    trainer = keras.Sequential([*augmentation(config.augmentation, config.seed), net])
    for model in (net, trainer):
        # A low rate, so that training on random numbers does not spoil the network for the other contenders.
        model.compile(keras.optimizers.Adam(1e-6), "binary_crossentropy", metrics=["accuracy", keras.metrics.AUC()])
    return net, trainer


def stages(config: TrainConfig) -> dict[str, bool]:
    """Stage -> whether the backbone is frozen; "head" only if there is a backbone."""
    return {"head": True, "tune": False} if hasattr(config.network, "trainable_from") else {"tune": False}


def listed(root: Path, count: int | None) -> tuple[list[str], np.ndarray]:
    """`count` evenly spaced images below `root`, and their labels (1 for PNEUMONIA)."""
    paths = sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.suffix.lower() in SUFFIXES)
    if not paths:
        sys.exit(f"No images below {root}.")
    paths = [paths[i * len(paths) // (count or len(paths))] for i in range(count or len(paths))]
    return paths, np.array([Path(path).parent.name == "PNEUMONIA" for path in paths], np.int64)


def drained(data: keras.utils.PyDataset) -> float:
    """Seconds to make all batches of an epoch, without a network."""
    begun = time.perf_counter()
    for index in range(len(data)):
        data[index]
    return time.perf_counter() - begun


def measured(config: TrainConfig, frozen: bool, root: Path, count: int | None, rounds: int, cache: Path) -> dict:
    """Every contender's seconds per epoch and round, and ratios of their medians."""
    paths, labels = listed(root, count)
    begun = time.perf_counter()
    images = cached_images(root, paths, cache)
    filled = time.perf_counter() - begun
    net, trainer = models(config, frozen)
    part = Part(images, labels, np.full(len(labels), np.nan, np.float32))
    feed = Feed(part, config.spec, config.batch_size, Draws(order=lambda rng: rng.permutation(len(labels))))
    pictures, ready = generator(root, paths, labels, config), Ready(config, len(labels))
    pairs = dict(zip(CONTENDERS, ((trainer, feed), (net, pictures), (net, ready), (trainer, ready)), strict=True))
    seconds, work, clock = {name: [] for name in CONTENDERS}, {name: [] for name in CONTENDERS}, Clock()
    for _ in range(1 + rounds):
        for name, (model, data) in pairs.items():
            model.fit(data, verbose=0, callbacks=[clock])
            seconds[name].append(clock.seconds)
            work[name].append(clock.work)
    median, work_median = ({name: float(np.median(times[1:])) for name, times in kind.items()} for kind in (seconds, work))
    return {
        "architecture": config.architecture,
        "stage": "head" if frozen else "tune",
        "size": config.size,
        "batch": config.batch_size,
        "images": len(labels),
        "files": len(set(paths)),
        "seconds": median,
        "rounds": seconds,
        "processor_seconds": work_median,
        "processor_rounds": work,
        "feed_alone": drained(feed),
        "generator_alone": drained(pictures),
        "cache_ready_after": filled,
        "generator_to_pipeline": median["generator"] / median["pipeline"],
        "pipeline_to_network": median["pipeline"] / median["network"],
        "generator_to_pipeline_work": work_median["generator"] / work_median["pipeline"],
        "pipeline_to_network_work": work_median["pipeline"] / work_median["network"],
        # Shares by processor time: on a shared machine, wall times differ mostly by other programs' work.
        "share_network": work_median["network"] / work_median["pipeline"],
        "share_augmentation": (work_median["augmented"] - work_median["network"]) / work_median["pipeline"],
        "share_feed": (work_median["pipeline"] - work_median["augmented"]) / work_median["pipeline"],
    }


def table(rows: list[dict]) -> Iterator[str]:
    """Markdown."""
    yield "| network, stage | images | pipeline, s | generator / pipeline | pipeline / network | network | augmentation | feed |"
    yield "|---|---:|---:|---:|---:|---:|---:|---:|"
    for row in rows:
        name = f"{row['architecture']}, {row['stage']}"
        ratios = [f"{row[ratio]:.2f} ({row[ratio + '_work']:.2f})" for ratio in ("generator_to_pipeline", "pipeline_to_network")]
        shares = [f"{row['share_' + part]:.0%}" for part in ("network", "augmentation", "feed")]
        cells = [name, f"{row['images']:,}", f"{row['seconds']['pipeline']:.1f}", *ratios, *shares]
        yield f"| {' | '.join(cells)} |"


def speed(name: str) -> dict:
    """Images per second in each stage, with augmentation; None for a stage it does not have. Median of four batches after one.

    From processor time spread over all cores: an estimate for an idle machine.
    """
    config = make_config(name, {"backbone_weights": "none"})
    entry: dict = {"size": config.size, "head": None, "tune": None}
    for stage, frozen in stages(config).items():
        trainer, (x, y), times = models(config, frozen)[1], Ready(config, config.batch_size)[0], []
        for _ in range(1 + 4):
            begun = time.process_time()
            trainer.train_on_batch(x, y)
            times.append(time.process_time() - begun)
        entry[stage] = float(f"{config.batch_size * os.cpu_count() / np.median(times[1:]):.3g}")
    return entry


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dir", nargs="?", type=Path)
    parser.add_argument("--images", type=int, help="default: all")
    parser.add_argument("--architectures", default="cnn,resnet50")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--output", type=Path, help="everything as JSON")
    parser.add_argument("--speeds", type=Path, metavar="FILE", help="write the speed of every architecture to FILE, and exit")
    options = parser.parse_args()
    machine, made = f"{os.cpu_count()} cores", datetime.date.today().isoformat()
    if options.speeds:
        speeds = {"machine": machine, "made": made, "images_per_second": {name: speed(name) for name in ARCHITECTURES}}
        options.speeds.write_text(json.dumps(speeds, indent=1) + "\n", encoding="utf-8")
        return
    if options.dir is None:
        parser.error("DIR is missing")
    rows = []
    with tempfile.TemporaryDirectory() as cache:
        for name in options.architectures.split(","):
            config = make_config(name, {"backbone_weights": "none"})
            for frozen in stages(config).values():
                rows.append(measured(config, frozen, options.dir, options.images, options.rounds, Path(cache)))
    print(f"{machine}, {made}; medians of {options.rounds} epochs; in brackets, and the shares: by processor time\n")
    print("\n".join(table(rows)))
    if options.output:
        options.output.write_text(json.dumps({"machine": machine, "made": made, "rows": rows}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
