"""Keras callbacks: checkpoints and history, seeds, interrupts, status and TensorBoard log."""

import logging
import os
import time
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops

from pneumo.training.config import TrainConfig
from pneumo.training.runfolder import RunStatus, best_epoch, commit_epoch, history, write_status

log = logging.getLogger(__name__)

Logs = dict[str, float] | None

PLATEAU = 2  # epochs without a lower validation loss before schedule "plateau" halves the learning rate


def save(model: keras.Model, path: Path) -> None:
    """Save atomically, and leave no draft on a full disk."""
    draft = path.with_name("draft-" + path.name)
    try:
        model.save(draft)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def renamed(logs: dict[str, float]) -> dict[str, float]:
    """Keras' logs by the history's names: with two outputs, loss, accuracy and AUC are those of `probability`."""
    plain = {key: float(value) for key, value in logs.items() if "probability_" not in key}
    return {**plain, **{key.replace("probability_", ""): float(value) for key, value in logs.items() if "probability_" in key}}


class CheckpointCallback(keras.callbacks.Callback):
    """After each epoch save checkpoints, then commit the history line.

    Early stopping after `patience` epochs without a lower validation loss, and halving of the rate on a plateau, depend only on the
    history, so that a resumed run decides alike. `net`: the network without augmentation; `nan`: whether the loss became NaN.
    """

    def __init__(self, run: Path, config: TrainConfig, net: keras.Model):
        super().__init__()
        self.run, self.config, self.net, self.nan = run, config, net, False

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        self.begun = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        logs = renamed(logs or {})
        if not np.isfinite([logs["loss"], logs["val_loss"]]).all():
            self.nan = self.model.stop_training = True  # the last good checkpoint stays
            return
        line = {"epoch": epoch + 1, **logs, "learning_rate": self._rate(), "seconds": round(time.monotonic() - self.begun, 1)}
        lines = [*history(self.run), line]
        best = best_epoch(lines)
        stale = line["epoch"] - max(best, self.config.head_epochs)  # head epochs do not count
        if line["epoch"] == best:
            save(self.net, self.run / f"best-{epoch + 1}.keras")
        if self.config.schedule == "plateau" and stale > 0 and stale % PLATEAU == 0:
            self.model.optimizer.learning_rate = self._rate() / 2
        save(self.model, self.run / f"last-{epoch + 1}.keras")
        commit_epoch(self.run, line)
        figures = ", ".join(f"{key} {value:.4g}" for key, value in line.items() if key != "epoch")
        log.info("epoch %d of %d: %s", epoch + 1, self.config.epochs, figures)
        if self.config.patience and stale >= self.config.patience:
            log.info("stopping: no lower validation loss for %d epochs", stale)
            self.model.stop_training = True

    def _rate(self) -> float:
        return float(ops.convert_to_numpy(self.model.optimizer.learning_rate))


class Reseed(keras.callbacks.Callback):
    """Seed random layers with (seed, epoch) at each epoch, as Keras does not save their state: a resumed run draws the same."""

    def __init__(self, seed: int):
        super().__init__()
        self.seed = seed

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        states = [variable for variable in self.model.variables if variable.name == "seed_generator_state"]
        for number, state in enumerate(states):
            state.assign([self.seed + number, epoch << 20])  # the second number counts draws


class Progress(keras.callbacks.Callback):
    """Write status.json at most once a second: progress and estimated time left.

    The first batch of an epoch counts only as one more like the others: it builds the graph, or fills the feed.
    """

    def __init__(self, run: Path, config: TrainConfig):
        super().__init__()
        self.run, self.config = run, config

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        self.epoch, self.written = epoch, 0.0
        self._write(0)

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        if batch == 0:
            self.begun = time.monotonic()
        if time.monotonic() - self.written > 1.0:
            self._write(batch + 1)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        self.epoch = len(history(self.run))
        self._write(0)

    def _write(self, batch: int) -> None:
        self.written = time.monotonic()
        epoch, epochs, batches, past = self.epoch, self.config.epochs, self.params["steps"], history(self.run)
        epoch_seconds = past[-1]["seconds"] if past else None
        if batch > 1:
            epoch_seconds = (self.written - self.begun) / (batch - 1) * batches
        left = None if epoch_seconds is None else round(epoch_seconds * (epochs - epoch - batch / batches), 1)
        progress = {"epoch": epoch, "epochs": epochs, "batch": batch, "batches": batches, "seconds_left": left}
        write_status(self.run, RunStatus("running", pid=os.getpid(), **progress))


class TensorBoardLog(keras.callbacks.Callback):
    """The history as TensorBoard scalars, without TensorFlow, which Keras' callback needs."""

    def __init__(self, run: Path):
        super().__init__()
        self.run = run
        self.writer: Any = None

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary
        from tensorboard.summary.writer.event_file_writer import EventFileWriter

        lines = history(self.run)
        if not lines or lines[-1]["epoch"] != epoch + 1:
            return  # the epoch was not committed
        self.writer = self.writer or EventFileWriter(str(self.run / "tensorboard"))
        values = [Summary.Value(tag=key, simple_value=value) for key, value in lines[-1].items() if key != "epoch"]
        self.writer.add_event(Event(step=epoch + 1, wall_time=time.time(), summary=Summary(value=values)))
        self.writer.flush()

    def on_train_end(self, logs: Logs = None) -> None:
        if self.writer:
            self.writer.close()
            self.writer = None
