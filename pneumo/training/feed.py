"""Batches for Keras from canonical images (an array, or a CachedImages), arranged anew and repeatably for each epoch."""

from typing import Any

import keras
import numpy as np

from pneumo.arrays import Images
from pneumo.imaging.preprocess import InputSpec, model_input
from pneumo.training.parts import Order
from pneumo.training.repaint import Repaint


class Feed(keras.utils.PyDataset):
    """Yields (float32 (batch, size, size, 1), float32 (batch, 1)[, float32 (batch,) sample weights]).

    `order` gives the indices of an epoch's images from a generator seeded by (seed, epoch): a resumed run sees what an
    unbroken one would. Without it: every image once, as they stand. With `bacterial` (1, 0, or NaN where it is unknown)
    targets and weights are dicts of the outputs `probability` and `bacterial`, the unknown weighing nothing. `repaint` shows some
    images painted over (training/repaint.py); one without lungs has the label 0.5, and its kind is unknown.
    `devices` share each batch: an epoch leaves out as many images as it takes for the last batch to be shared evenly, too.
    """

    def __init__(self, images: Images, labels: np.ndarray, spec: InputSpec, batch_size: int, *, order: Order | None = None,
                 sample_weight: np.ndarray | None = None, bacterial: np.ndarray | None = None, repaint: Repaint | None = None,
                 seed: int = 0, epoch: int = 0, devices: int = 1):  # fmt: skip
        super().__init__()
        self.images, self.labels, self.spec, self.batch_size = images, labels, spec, batch_size
        self.order, self.sample_weight, self.bacterial = order, sample_weight, bacterial
        self.repaint, self.seed, self.epoch, self.devices = repaint, seed, epoch, devices
        self._arrange()

    def _arrange(self) -> None:
        rng = np.random.default_rng((self.seed, self.epoch))
        self.chosen = np.arange(len(self.labels)) if self.order is None else self.order(rng)
        self.chosen = self.chosen[: len(self.chosen) // self.devices * self.devices]

    def on_epoch_end(self) -> None:
        self.epoch += 1
        self._arrange()

    def __len__(self) -> int:
        return -(-len(self.chosen) // self.batch_size)

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        chosen = self.chosen[index * self.batch_size : (index + 1) * self.batch_size]
        shown, seen = self._shown(index, chosen)
        x = np.stack([model_input(image, self.spec) for image in shown])
        y = np.where(seen, self.labels[chosen], 0.5).astype(np.float32)[:, np.newaxis]
        weight = None if self.sample_weight is None else self.sample_weight[chosen].astype(np.float32)
        if self.bacterial is None:
            return (x, y) if weight is None else (x, y, weight)
        kind = self.bacterial[chosen].astype(np.float32)[:, np.newaxis]
        known = np.isfinite(kind) & seen[:, np.newaxis]
        weights = {"probability": np.ones(len(chosen), np.float32) if weight is None else weight,
                   "bacterial": known[:, 0].astype(np.float32)}  # fmt: skip
        return x, {"probability": y, "bacterial": np.where(known, kind, 0.0)}, weights

    def _shown(self, index: int, chosen: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
        """The images of batch `index`, and bool (batch,): whether their lungs can be seen."""
        if self.repaint is None:
            return [self.images[i] for i in chosen], np.ones(len(chosen), bool)
        rng = np.random.default_rng((self.seed, self.epoch, index))
        shown = [self.repaint(self.images, i, rng) for i in chosen]
        return [image for image, _ in shown], np.array([seen for _, seen in shown])
