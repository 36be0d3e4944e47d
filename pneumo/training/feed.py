"""Batches for Keras from canonical images (an array, or a CachedImages), drawn by weight and repeatable epoch by epoch."""

import keras
import numpy as np

from pneumo.imaging.preprocess import InputSpec, model_input


class Feed(keras.utils.PyDataset):
    """Yields (float32 (batch, size, size, 1), float32 (batch, 1)[, float32 (batch,) sample weights]).

    With `draw` (probabilities that sum to 1) each epoch draws as many images as there are, with replacement, from a
    generator seeded by (seed, epoch): a resumed run sees what an unbroken one would. Without it: every image once, in order.
    """

    def __init__(self, images, labels, spec: InputSpec, batch_size: int, *, draw=None, sample_weight=None,
                 seed: int = 0, epoch: int = 0):  # fmt: skip
        super().__init__()
        self.images, self.labels, self.spec, self.batch_size = images, labels, spec, batch_size
        self.draw, self.sample_weight, self.seed, self.epoch = draw, sample_weight, seed, epoch
        self._arrange()

    def _arrange(self) -> None:
        self.order = np.arange(len(self.labels))
        if self.draw is not None:
            rng = np.random.default_rng((self.seed, self.epoch))
            self.order = rng.choice(self.order, len(self.order), p=self.draw)

    def on_epoch_end(self) -> None:
        self.epoch += 1
        self._arrange()

    def __len__(self) -> int:
        return -(-len(self.labels) // self.batch_size)

    def __getitem__(self, index: int):
        chosen = self.order[index * self.batch_size : (index + 1) * self.batch_size]
        x = np.stack([model_input(self.images[i], self.spec) for i in chosen])
        y = self.labels[chosen].astype(np.float32)[:, np.newaxis]
        return (x, y) if self.sample_weight is None else (x, y, self.sample_weight[chosen].astype(np.float32))
