"""Config and data -> run folder. Selects on the validation part only; the test split is never opened here."""

import json
import logging
import time
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np

from pneumo.data.cache import cached_images
from pneumo.data.records import folder_of, scan
from pneumo.data.split import read_manifest, split, twins, write_manifest
from pneumo.data.style import balanced_weights, styles
from pneumo.errors import DataError, RunError
from pneumo.files import write_json
from pneumo.nets import architecture
from pneumo.nets.backbone import freeze_backbone
from pneumo.training.augment import augmentation
from pneumo.training.config import TrainConfig, make_config
from pneumo.training.feed import Feed

log = logging.getLogger(__name__)


def train(config: TrainConfig, data: Path, run: Path, resume: bool = False) -> Path:
    """Train `config` on the images below `data` into the folder `run`; return the path of the best network.

    The folder holds config.json, split.csv, history.jsonl (a line an epoch), status.json, best.keras (the network of
    the epoch with the lowest validation loss) and last.keras (what `resume` goes on from, optimizer included).
    """
    prepare(config, run, resume)
    keras.utils.set_random_seed(config.seed)
    try:
        train_part, validation_part = _parts(config, Path(data), run, resume)
        _fit(config, run, train_part, validation_part)
    except BaseException as error:
        write_json(run / "status.json", {"state": "failed", "why": f"{type(error).__name__}: {error}"})
        raise
    write_json(run / "status.json", {"state": "finished", "epochs": len(history(run))})
    return run / "best.keras"


def prepare(config: TrainConfig, run: Path, resume: bool) -> None:
    """Make the run folder, or check that it holds the same run. Raises RunError."""
    if resume:
        if not (run / "config.json").is_file():
            raise RunError(f"No run to resume in {run}. Start it without --resume.")
        if json.loads((run / "config.json").read_text()) != json.loads(json.dumps(config.to_dict())):
            raise RunError(f"{run} was started with other settings; resume it with the ones in its config.json.")
        return
    if run.exists() and any(run.iterdir()):
        raise RunError(f"{run} already holds a run. Choose another --output, or go on with --resume.")
    run.mkdir(parents=True, exist_ok=True)
    write_json(run / "config.json", config.to_dict())


def load_config(run: Path) -> TrainConfig:
    """The config a run was started with. Raises RunError when the folder is no run."""
    try:
        saved = json.loads((run / "config.json").read_text())
    except (OSError, ValueError) as error:
        raise RunError(f"{run} is no training run: its config.json cannot be read.") from error
    return make_config(saved["architecture"], saved)


def history(run: Path) -> list[dict]:
    path = run / "history.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []


def _parts(config: TrainConfig, data: Path, run: Path, resume: bool):
    """(images, labels, drawing probabilities) of the train part, and (images, labels, weights) of the validation part."""
    if not resume or not (run / "split.csv").is_file():
        records = scan(data)
        write_manifest(run / "split.csv", records, split(records, twins(data, records), config.seed))
    rows = read_manifest(run / "split.csv")
    arrays = []
    for part in ("train", "validation"):
        chosen = [row for row in rows if row["part"] == part]
        labels = np.array([row["label"] == "PNEUMONIA" for row in chosen], dtype=np.int64)
        if len(set(labels.tolist())) < 2:
            raise DataError(f"The {part} part needs both classes; it has {labels.sum()} PNEUMONIA of {len(labels)} images.")
        log.info("%s: %d images, %d PNEUMONIA", part, len(labels), labels.sum())
        arrays.append((cached_images(folder_of(data), [row["path"] for row in chosen]), labels))
    (images, labels), (held_images, held_labels) = arrays
    draw = _draw(config, images, labels)
    one_group = np.zeros(len(held_labels), int)
    weights = balanced_weights(held_labels, one_group, cap=np.inf) * len(held_labels)
    return (images, labels, draw), (held_images, held_labels, weights)


def _draw(config: TrainConfig, images: Sequence[np.ndarray], labels: np.ndarray) -> np.ndarray:
    if config.balance == "none":
        return np.full(len(labels), 1 / len(labels))
    group = styles(images, seed=config.seed) if config.balance == "style" else np.zeros(len(labels), int)
    return balanced_weights(labels, group)


def _fit(config: TrainConfig, run: Path, train_part: Sequence, validation_part: Sequence) -> None:
    spec, done = config.spec, len(history(run))
    images, labels, draw = train_part
    feed = Feed(images, labels, spec, config.batch_size, draw=draw, seed=config.seed, epoch=done)
    held = Feed(validation_part[0], validation_part[1], spec, config.batch_size, sample_weight=validation_part[2])
    for first, last, rate, frozen in _stages(config):
        if done >= last:
            continue
        if done:
            trainer = keras.models.load_model(run / "last.keras")
            net = trainer.layers[-1]
        else:
            net = architecture(config.architecture).build(config.network, spec, config.backbone_weights)
            trainer = keras.Sequential([*augmentation(config.augmentation, config.seed), net])
        if done == first:  # a stage begins; within one, the loaded optimizer goes on
            if hasattr(config.network, "trainable_from"):
                freeze_backbone(net, None if frozen else config.network.trainable_from)
            _compile(trainer, config, rate, steps=(last - first) * len(feed))
        trainer.fit(feed, validation_data=held, initial_epoch=done, epochs=last, verbose=2,
                    callbacks=[_Keeper(run, net), keras.callbacks.TerminateOnNaN()])  # fmt: skip
        if len(history(run)) < last:
            raise RunError("The loss became NaN. Use a smaller learning rate.")
        done = last


def _stages(config: TrainConfig):
    """(first epoch, end, learning rate, backbone frozen) of each stage."""
    if config.head_epochs:
        yield 0, config.head_epochs, config.head_learning_rate, True
    if config.epochs > config.head_epochs:
        yield config.head_epochs, config.epochs, config.learning_rate, False


def _compile(trainer: keras.Model, config: TrainConfig, rate: float, steps: int) -> None:
    schedule = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=rate / 20, decay_steps=steps, warmup_target=rate, warmup_steps=max(1, steps // 20)
    )
    kinds = {"adam": keras.optimizers.Adam, "adamw": keras.optimizers.AdamW, "rmsprop": keras.optimizers.RMSprop}
    trainer.compile(
        optimizer=kinds[config.optimizer](schedule),
        loss=keras.losses.BinaryCrossentropy(label_smoothing=config.label_smoothing),
        metrics=["accuracy", keras.metrics.AUC(name="auc")],
        weighted_metrics=[],
    )


class _Keeper(keras.callbacks.Callback):
    """After each epoch: last.keras, best.keras (lowest validation loss so far), then the history line that counts it."""

    def __init__(self, run: Path, net: keras.Model):
        super().__init__()
        self.run, self.net = run, net

    def on_epoch_begin(self, epoch, logs=None):
        self.begun = time.monotonic()

    def on_epoch_end(self, epoch, logs=None):
        logs = {key: float(value) for key, value in (logs or {}).items()}
        if not np.isfinite([logs["loss"], logs["val_loss"]]).all():
            self.model.stop_training = True  # the last good checkpoint stays; `_fit` tells the user
            return
        past = [line["val_loss"] for line in history(self.run)]
        if logs["val_loss"] < min(past, default=np.inf):
            _save(self.net, self.run / "best.keras")
        _save(self.model, self.run / "last.keras")
        line = {"epoch": epoch + 1, **logs, "seconds": round(time.monotonic() - self.begun, 1)}
        with open(self.run / "history.jsonl", "a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        write_json(self.run / "status.json", {"state": "running", "epochs": epoch + 1})


def _save(model: keras.Model, path: Path) -> None:
    """Never leave a half-written checkpoint under the name that `resume` reads."""
    draft = path.with_name("draft-" + path.name)
    model.save(draft)
    draft.replace(path)
