"""Augmentation as Keras layers, on any backend: variation between hospitals, drawn for every image.

Layers map float32 (batch, size, size, 1) in [0, 1] to the same and act only in training. Draws are uniform.
"""

import math
from typing import Any

import keras
from keras import ops

Tensor = Any  # of the Keras backend


class _RandomLayer(keras.layers.Layer):
    """Base layer with a strength, a seed and per-image draws."""

    def __init__(self, strength: float = 1.0, seed: int = 0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.strength, self.seed = strength, seed
        self.random = keras.random.SeedGenerator(seed)

    def call(self, images: Tensor, training: bool = False) -> Tensor:
        return self.changed(images, ops.shape(images)[0]) if training else images

    def _draw(self, batch: Tensor, reach: float) -> Tensor:
        """(batch,) uniform in [-reach, reach]."""
        return keras.random.uniform((batch,), -reach, reach, seed=self.random)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "strength": self.strength, "seed": self.seed}


@keras.saving.register_keras_serializable("pneumo")
class RandomView(_RandomLayer):
    """Flip, rotation, crop, shift, scale and aspect in one resampling.

    `strength` 1: up to 10 degrees; a crop of `crop` (share of the area) to 1, anywhere in the image; edges moved by up to 4 % (the
    lung segmenter's error); 25 % change of aspect.
    """

    def __init__(self, strength: float = 1.0, seed: int = 0, crop: float = 1.0, **kwargs: Any) -> None:
        super().__init__(strength, seed, **kwargs)
        self.crop = crop

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "crop": self.crop}

    def changed(self, images: Tensor, batch: Tensor) -> Tensor:
        size = images.shape[1]
        angle = self._draw(batch, 0.175 * self.strength)
        cropped = keras.random.uniform((batch,), 0.0, 1.0, seed=self.random) * 0.5 * math.log(self.crop) * min(self.strength, 1.0)
        scale, aspect = cropped + self._draw(batch, 0.04 * self.strength), self._draw(batch, 0.11 * self.strength)
        mirror = ops.where(self._draw(batch, 1.0) > 0, 1.0, -1.0)
        room = 0.5 * (1.0 - ops.exp(cropped)) + 0.04 * self.strength  # largest shift of the crop
        width, height = mirror * ops.exp(scale + aspect), ops.exp(scale - aspect)
        centre = (size - 1) / 2
        # Output pixel (x, y) samples a x + b y + c, d x + e y + f.
        a, b = ops.cos(angle) * width, -ops.sin(angle) * height
        d, e = ops.sin(angle) * width, ops.cos(angle) * height
        c = centre - a * centre - b * centre + self._draw(batch, 1.0) * room * size
        f = centre - d * centre - e * centre + self._draw(batch, 1.0) * room * size
        zero = ops.zeros_like(a)
        transforms = ops.stack([a, b, c, d, e, f, zero, zero], axis=1)
        return ops.image.affine_transform(images, transforms, interpolation="bilinear", fill_mode="nearest")


@keras.saving.register_keras_serializable("pneumo")
class RandomExposure(_RandomLayer):
    """Detector and window: gamma, sharpness (blurred to sharpened), contrast, brightness and noise."""

    def changed(self, images: Tensor, batch: Tensor) -> Tensor:
        def draw(reach: float) -> Tensor:
            return ops.reshape(self._draw(batch, reach * self.strength), (-1, 1, 1, 1))

        x = ops.power(ops.clip(images, 1e-4, 1.0), ops.exp(draw(0.5)))
        blurred = ops.average_pool(ops.average_pool(x, 3, 1, "same"), 3, 1, "same")
        x = x + (0.25 + draw(0.75)) * (blurred - x)
        x = (x - 0.5) * ops.exp(draw(0.3)) + 0.5 + draw(0.12)
        x = x + ops.abs(draw(0.04)) * keras.random.normal(ops.shape(x), seed=self.random)
        return ops.clip(x, 0.0, 1.0)


@keras.saving.register_keras_serializable("pneumo")
class RandomMarkers(_RandomLayer):
    """Side markers, labels and lines: up to three uniform boxes, 2 to 14 % of the side, each with probability 0.5."""

    def changed(self, images: Tensor, batch: Tensor) -> Tensor:
        size = images.shape[1]
        axis = ops.arange(size, dtype="float32") / size
        x = images
        for _ in range(3):

            def draw(low: float, high: float) -> Tensor:
                return keras.random.uniform((batch, 1), low, high, seed=self.random)

            across = ops.abs(axis[None, :] - draw(0.0, 1.0)) < draw(0.01, 0.07)
            down = ops.abs(axis[None, :] - draw(0.0, 1.0)) < draw(0.01, 0.07)
            present = draw(0.0, 1.0) < 0.5 * self.strength
            box = ops.cast(ops.logical_and(down[:, :, None], across[:, None, :]), "float32")[..., None]
            box = box * ops.cast(present, "float32")[:, :, None, None]
            x = x * (1.0 - box) + box * draw(0.0, 1.0)[:, :, None, None]
        return x


def augmentation(strength: float, seed: int, crop: float = 1.0) -> list[keras.layers.Layer]:
    """The augmentation layers; none for strength 0. `crop`: smallest share of the area shown."""
    if strength <= 0:
        return []
    return [RandomView(strength, seed, crop), RandomExposure(strength, seed + 1), RandomMarkers(strength, seed + 2)]
