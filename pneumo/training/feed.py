"""Batches for Keras, reproducible for each epoch."""

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from pneumo.imaging.lung_cover import lungs_hidden
from pneumo.imaging.preprocess import InputSpec, model_input
from pneumo.training.dataset import Order, Part


@dataclass(frozen=True)
class Draws:
    """The draws of each epoch, by (seed, epoch) alone, so that a resumed run draws the same.

    `order` gives an epoch's image indices; None: every image once, in order. `hidden`: the share of images with hidden lungs
    (imaging/lung_cover.py); their label is 0.5 without a subtype, so that the network learns nothing from outside the lungs.
    `devices`: an epoch is truncated so that the last batch divides evenly.
    """

    order: Order | None = None
    hidden: float = 0.0
    seed: int = 0
    devices: int = 1

    def epoch(self, number: int, count: int) -> np.ndarray:
        """Image indices of one epoch, from `count` images."""
        rng = np.random.default_rng((self.seed, number))
        chosen = np.arange(count) if self.order is None else self.order(rng)
        return chosen[: len(chosen) // self.devices * self.devices]

    def lungs_visible(self, number: int, batch: int, count: int) -> np.ndarray:
        """bool (count,): False for images of a batch whose lungs are hidden."""
        return np.random.default_rng((self.seed, number, batch)).random(count) >= self.hidden


class Feed(keras.utils.PyDataset):
    """Yields (float32 (batch, size, size, 1), float32 (batch, 1)[, float32 (batch,) sample weights]), begun with epoch `epoch`.

    With `subtype` targets and weights are dicts of the outputs `probability` and `bacterial`; unknown subtypes get weight 0.
    """

    def __init__(
        self,
        part: Part,
        spec: InputSpec,
        batch_size: int,
        draws: Draws = Draws(),
        *,
        sample_weight: np.ndarray | None = None,
        subtype: bool = False,
        epoch: int = 0,
    ):
        super().__init__()
        self.part, self.spec, self.batch_size, self.draws = part, spec, batch_size, draws
        self.sample_weight, self.subtype, self.epoch = sample_weight, subtype, epoch
        self.chosen = draws.epoch(epoch, len(part.labels))

    def on_epoch_end(self) -> None:
        self.epoch += 1
        self.chosen = self.draws.epoch(self.epoch, len(self.part.labels))

    def __len__(self) -> int:
        return -(-len(self.chosen) // self.batch_size)

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        chosen = self.chosen[index * self.batch_size : (index + 1) * self.batch_size]
        visible = self.draws.lungs_visible(self.epoch, index, len(chosen))
        x = np.stack([self._input(i, shown) for i, shown in zip(chosen, visible, strict=True)])
        y = np.where(visible, self.part.labels[chosen], 0.5).astype(np.float32)[:, np.newaxis]
        weight = None if self.sample_weight is None else self.sample_weight[chosen].astype(np.float32)
        if not self.subtype:
            return (x, y) if weight is None else (x, y, weight)
        kind = self.part.bacterial[chosen].astype(np.float32)[:, np.newaxis]
        known = np.isfinite(kind) & visible[:, np.newaxis]
        weight = np.ones(len(chosen), np.float32) if weight is None else weight
        weights = {"probability": weight, "bacterial": known[:, 0].astype(np.float32)}
        return x, {"probability": y, "bacterial": np.where(known, kind, 0.0)}, weights

    def _input(self, i: int, visible: bool) -> np.ndarray:
        """The network's input for image `i`, with its lungs visible or hidden."""
        image = self.part.images[i] if visible else lungs_hidden(self.part.images[i], self.part.mask(i))
        return model_input(image, self.spec, self.part.boxes[i] if self.part.boxes else None)
