"""What happens during `fit`: checkpoints, the history, the status for whoever follows the run, and the TensorBoard log."""

import logging
import os
import time
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops

from pneumo.training.config import TrainConfig
from pneumo.training.interrupt import raise_if_asked
from pneumo.training.runfolder import RunStatus, best_epoch, commit_epoch, history, write_status

log = logging.getLogger(__name__)

Logs = dict[str, float] | None  # what Keras tells a callback

PLATEAU = 2  # epochs without a lower validation loss before schedule "plateau" halves the learning rate


def save(model: keras.Model, path: Path) -> None:
    """Never leave a half-written checkpoint under a name that is read, nor a draft on a full disk."""
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
    """After each epoch: checkpoints, then the history line that makes it count.

    Stops after `patience` epochs without a lower validation loss, and halves the rate on a plateau, both from the history
    alone, so that a resumed run decides as an unbroken one. `net` is the network without its augmentation; `nan` tells
    afterwards that the loss was no number.
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
        stale = line["epoch"] - max(best, self.config.head_epochs)  # what the head alone did is no reason to stop
        if line["epoch"] == best:
            save(self.net, self.run / f"best-{epoch + 1}.keras")
        if self.config.schedule == "plateau" and stale > 0 and stale % PLATEAU == 0:
            self.model.optimizer.learning_rate = self._rate() / 2
        save(self.model, self.run / f"last-{epoch + 1}.keras")
        commit_epoch(self.run, line)
        log.info(
            "epoch %d of %d: %s",
            epoch + 1,
            self.config.epochs,
            ", ".join(f"{key} {value:.4g}" for key, value in line.items() if key != "epoch"),
        )
        if self.config.patience and stale >= self.config.patience:
            log.info("stopping: no lower validation loss for %d epochs", stale)
            self.model.stop_training = True

    def _rate(self) -> float:
        return float(ops.convert_to_numpy(self.model.optimizer.learning_rate))


class Reseed(keras.callbacks.Callback):
    """Random layers begin each epoch from (seed, epoch): Keras does not save where they stood, and a resumed run shall draw
    what an unbroken one would."""

    def __init__(self, seed: int):
        super().__init__()
        self.seed = seed

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        states = [variable for variable in self.model.variables if variable.name == "seed_generator_state"]
        for number, state in enumerate(states):
            state.assign([self.seed + number, epoch << 20])  # the second counts up by one a draw


class Interrupt(keras.callbacks.Callback):
    """Ends the run at the next batch where Python dropped the wish to end it."""

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        raise_if_asked()


class Progress(keras.callbacks.Callback):
    """status.json at most once a second: the place within the epoch, and the time left as the last minutes suggest it."""

    def __init__(self, run: Path, config: TrainConfig):
        super().__init__()
        self.run, self.config = run, config

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        self.epoch, self.begun, self.told = epoch, time.monotonic(), 0.0
        self._tell(0)

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        if time.monotonic() - self.told > 1.0:
            self._tell(batch + 1)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        self.epoch = len(history(self.run))
        self._tell(0)

    def _tell(self, batch: int) -> None:
        self.told = time.monotonic()
        batches, past = self.params["steps"], [line["seconds"] for line in history(self.run)]
        an_epoch = (self.told - self.begun) / batch * batches if batch else past[-1] if past else None
        left = None if an_epoch is None else round(an_epoch * (self.config.epochs - self.epoch - batch / batches), 1)
        write_status(
            self.run,
            RunStatus(
                "running",
                epoch=self.epoch,
                epochs=self.config.epochs,
                batch=batch,
                batches=batches,
                seconds_left=left,
                pid=os.getpid(),
            ),
        )


class TensorBoardLog(keras.callbacks.Callback):
    """The history's numbers as TensorBoard scalars, by its own writer: Keras' callback would need TensorFlow."""

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
            return  # an epoch that does not count
        self.writer = self.writer or EventFileWriter(str(self.run / "tensorboard"))
        values = [Summary.Value(tag=key, simple_value=value) for key, value in lines[-1].items() if key != "epoch"]
        self.writer.add_event(Event(step=epoch + 1, wall_time=time.time(), summary=Summary(value=values)))
        self.writer.flush()

    def on_train_end(self, logs: Logs = None) -> None:
        if self.writer:
            self.writer.close()
            self.writer = None
