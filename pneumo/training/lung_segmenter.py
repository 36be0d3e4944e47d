"""Train the lung segmenter and write it as a folder that serving verifies: lungs.onnx and lungs.json."""

import dataclasses
import datetime
import logging
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops

from pneumo.data.outlines import Outline, read_outlines
from pneumo.data.records import scan
from pneumo.errors import ConfigError
from pneumo.files import sha256, write_json
from pneumo.imaging.preprocess import VERSION
from pneumo.inference.lung_fields import DESCRIPTION, GRAPH, LungFinder
from pneumo.inference.lung_measure import measure_finder
from pneumo.nets.lung_graph import write_lung_graph
from pneumo.nets.lung_net import SIDE, lung_net
from pneumo.training.lung_samples import LungSamples, found_samples, outlined_samples, phantom_samples, varied
from pneumo.versions import git_commit, library_versions

log = logging.getLogger(__name__)

SOURCES = ("phantoms", "outlines", "self")  # phantoms alone; outlines and phantoms; those, then what this first net found


@dataclass(frozen=True)
class LungConfig:
    """Everything that shapes one training of the segmenter."""

    source: str = "self"
    side: int = SIDE
    phantoms: int = 150  # generated chests
    phantom_share: float = 0.25  # of the draws, where there are outlines too
    steps: int = 800  # of each training: the first net, and the one that goes on from it
    batch: int = 8
    learning_rate: float = 2e-3  # falls to nothing along a cosine
    found: int = 600  # train images looked at by the first net, half of them healthy
    found_share: float = 0.5  # of the draws, in the second training
    least_quality: float = 0.95  # of the lungs it found, to be learned from
    seed: int = 0

    def __post_init__(self) -> None:
        if self.source not in SOURCES:
            raise ConfigError(f"Unknown source {self.source!r} of lungs; expected one of {', '.join(SOURCES)}.")


def train_lungs(config: LungConfig, folder: Path, data: Path, outlines: tuple[Outline, ...] | None = None) -> dict[str, Any]:
    """Train, write `folder`/lungs.onnx and lungs.json, and return what lungs.json holds.

    `data` is the folder of the public set; Dice is measured on the outlines kept aside. Raises DataError for missing images.
    """
    outlines = read_outlines() if outlines is None else outlines
    aside = tuple(outline for outline in outlines if outline.kept_aside)
    shown = tuple(outline for outline in outlines if not outline.kept_aside)
    keras.utils.set_random_seed(config.seed)
    generated = phantom_samples(config.phantoms, config.seed)
    model, first, found = lung_net(config.side), None, 0
    if config.source == "phantoms":
        _fit(model, [(generated, 1.0)], config, config.seed)
    else:
        drawn = outlined_samples(data, shown)
        share = config.phantom_share
        _fit(model, [(generated, share), (drawn, 1 - share)], config, config.seed)
        if config.source == "self":
            learned, first = _found(model, data, aside, config)
            found, rest = len(learned), 1 - config.found_share if len(learned) else 1.0
            parts = [(generated, rest * share), (drawn, rest * (1 - share)), (learned, 1 - rest)]
            _fit(model, parts, config, config.seed + 1)
    folder.mkdir(parents=True, exist_ok=True)
    write_lung_graph(model, folder / GRAPH)
    described = {
        "sha256": sha256(folder / GRAPH),
        "preprocessing": VERSION,
        "parameters": model.count_params(),
        "training": dataclasses.asdict(config),
        "outlined_images": 0 if config.source == "phantoms" else len(shown),
        "found_images": found,
        "kept_aside": measure_finder(LungFinder(folder / GRAPH), data, aside),
        "first_net_kept_aside": first,
        "created": datetime.date.today().isoformat(),
        "commit": git_commit(),
        "versions": library_versions(),
    }
    write_json(folder / DESCRIPTION, described)
    return described


def _found(model: keras.Model, data: Path, aside: tuple[Outline, ...], config: LungConfig) -> tuple[LungSamples, dict[str, Any]]:
    """What the first net finds in train images that nobody outlined, and how well it does on those kept aside."""
    with tempfile.TemporaryDirectory() as scratch:
        graph = Path(scratch) / GRAPH
        write_lung_graph(model, graph)
        finder = LungFinder(graph)
        samples = found_samples(finder, data, scan(data, ("train",)), aside, config.found, config.least_quality, config.seed)
        first = measure_finder(finder, data, aside)
    log.info("the first net: Dice %.3f on those kept aside", first["dice"]["value"])
    log.info("learning from %d of %d images that the first net found lungs in", len(samples), config.found)
    return samples, first


def _fit(model: keras.Model, parts: list[tuple[LungSamples, float]], config: LungConfig, seed: int) -> None:
    """`config.steps` steps over draws from `parts`, each with its share of every batch."""
    rng = np.random.default_rng([seed, 5])
    parts = [(samples, share) for samples, share in parts if len(samples)]
    shares = np.array([share for _, share in parts]) / sum(share for _, share in parts)

    def batches() -> Iterator[tuple[np.ndarray, ...]]:
        while True:
            pairs = []
            for part in rng.choice(len(parts), config.batch, p=shares):
                samples = parts[part][0]
                i = int(rng.integers(len(samples)))
                pairs.append(varied(samples.images[i], samples.masks[i], config.side, rng))
            yield tuple(np.stack(planes)[..., np.newaxis] for planes in zip(*pairs, strict=True))

    rate = keras.optimizers.schedules.CosineDecay(config.learning_rate, config.steps)
    model.compile(optimizer=keras.optimizers.Adam(rate), loss=_loss)
    chunks = max(1, config.steps // 100)
    told = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: log.info("step %d of %d: loss %.4f", (epoch + 1) * 100, config.steps, logs["loss"])
    )
    model.fit(batches(), steps_per_epoch=min(100, config.steps), epochs=chunks, verbose=0, callbacks=[told])


def _loss(truth: Any, logit: Any) -> Any:
    """Cross-entropy of each pixel, and 1 - soft Dice of each image: the one calibrates, the other weighs small fields fully."""
    entropy = ops.mean(ops.maximum(logit, 0.0) - logit * truth + ops.log1p(ops.exp(-ops.abs(logit))))
    p, axes = ops.sigmoid(logit), (1, 2, 3)
    overlap = (2.0 * ops.sum(p * truth, axes) + 1.0) / (ops.sum(p, axes) + ops.sum(truth, axes) + 1.0)
    return entropy + 1.0 - ops.mean(overlap)
