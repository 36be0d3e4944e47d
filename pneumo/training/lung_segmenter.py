"""Train the lung segmenter and write its folder: lungs.onnx and lungs.json."""

import dataclasses
import datetime
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops

from pneumo.data.lung_masks import LungMasks
from pneumo.data.records import scan
from pneumo.data.split import near_duplicates, split_records
from pneumo.files import sha256, write_json
from pneumo.imaging.preprocess import VERSION
from pneumo.inference.lung_fields import DESCRIPTION, GRAPH
from pneumo.nets.lung_net import SIDE, build_lung_net, write_lung_graph
from pneumo.registry.seal import seal_folder
from pneumo.registry.signing_keys import signing_key
from pneumo.training.lung_samples import LungSamples, augment_sample, lungless_samples, outlined_samples, phantom_samples
from pneumo.training.model_builder import warmed_cosine
from pneumo.versions import git_commit, library_versions

log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class LungConfig:
    """Settings of a segmenter training."""

    side: int = SIDE
    phantoms: int = 150  # generated
    phantom_share: float = 0.10  # of the draws
    lungless: int = 25  # pictures per non-chest kind
    lungless_share: float = 0.06  # of the draws
    steps: int = 2000
    batch: int = 16
    learning_rate: float = 3e-3  # cosine decay to 0
    seed: int = 0  # also of the split: the same patients are held out as by `train`


def train_lungs(config: LungConfig, folder: Path, data: Path, masks: LungMasks) -> dict[str, Any]:
    """Train on the train part of the split, write `folder`/lungs.onnx and lungs.json, return the content of lungs.json.

    `data` is the folder of the public set. Raises DataError for missing images.
    """
    keras.utils.set_random_seed(config.seed)
    shown = outlined_in(data, masks, "train", config.seed)  # validation and calibration are for measuring
    shares = [config.phantom_share, config.lungless_share]
    sources = [
        (outlined_samples(data, shown), 1 - sum(shares)),
        (phantom_samples(config.phantoms, config.seed), shares[0]),
        (lungless_samples(config.lungless, config.seed), shares[1]),
    ]
    model = build_lung_net(config.side)
    _fit(model, sources, config)
    folder.mkdir(parents=True, exist_ok=True)
    write_lung_graph(model, folder / GRAPH)
    described = {
        "sha256": sha256(folder / GRAPH),
        "preprocessing": VERSION,
        "parameters": model.count_params(),
        "training": dataclasses.asdict(config),
        "outlined_images": len(shown),
        "created": datetime.date.today().isoformat(),
        "commit": git_commit(),
        "versions": library_versions(),
    }
    write_json(folder / DESCRIPTION, described)
    seal_folder(folder, signing_key())
    return described


def outlined_in(data: Path, masks: LungMasks, part: str, seed: int) -> LungMasks:
    """The masks of images in `part` of the split with this seed."""
    records = scan(data)
    parts = split_records(records, near_duplicates(data, records), seed)
    return masks.of([record for record in records if parts[record.path] == part])


def _fit(model: keras.Model, sources: list[tuple[LungSamples, float]], config: LungConfig) -> None:
    """Train `config.steps` steps on draws from `sources` by their shares."""
    rng = np.random.default_rng([config.seed, 5])
    shares = np.array([share for _, share in sources])

    def batches() -> Iterator[tuple[np.ndarray, ...]]:
        while True:
            pairs = []
            for source in rng.choice(len(sources), config.batch, p=shares / shares.sum()):
                samples = sources[source][0]
                i = int(rng.integers(len(samples)))
                pairs.append(augment_sample(samples.images[i], samples.masks[i], config.side, rng))
            yield tuple(np.stack(planes)[..., np.newaxis] for planes in zip(*pairs, strict=True))

    model.compile(optimizer=keras.optimizers.Adam(warmed_cosine(config.learning_rate, config.steps)), loss=_loss)
    chunks = max(1, config.steps // 100)
    progress = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: log.info("step %d of %d: loss %.4f", (epoch + 1) * 100, config.steps, logs["loss"])
    )
    model.fit(batches(), steps_per_epoch=min(100, config.steps), epochs=chunks, verbose=0, callbacks=[progress])


def _loss(truth: Any, logit: Any) -> Any:
    """Pixel cross-entropy, for calibration, plus 1 - soft Dice per image, for small fields."""
    entropy = ops.mean(ops.maximum(logit, 0.0) - logit * truth + ops.log1p(ops.exp(-ops.abs(logit))))
    p, axes = ops.sigmoid(logit), (1, 2, 3)
    overlap = (2.0 * ops.sum(p * truth, axes) + 1.0) / (ops.sum(p, axes) + ops.sum(truth, axes) + 1.0)
    return entropy + 1.0 - ops.mean(overlap)
