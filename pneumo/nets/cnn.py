"""A plain convolutional network: convolution and max-pooling blocks, one dense layer, a sigmoid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pneumo.imaging.preprocess import InputSpec

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class CnnSettings:
    filters: tuple[int, ...] = (32, 64, 128, 256)  # one block each
    kernel_size: int = 3
    activation: str = "relu"
    dense: int = 512


def build(settings: CnnSettings, spec: InputSpec, backbone_weights: str = "none") -> keras.Model:
    """Input (size, size, 1) in [0, 1]; output (1,) probability of pneumonia. `backbone_weights` does not apply.

    No padding: with an even kernel it is one-sided and shows up in every heatmap.
    """
    import keras  # not above: the app reads the settings without loading Keras
    from keras import layers

    inputs = keras.Input((spec.size, spec.size, 1), name="radiograph")
    # Each image to mean 0 and deviation 1: exposure, window and detector gain then tell the network nothing.
    x = layers.LayerNormalization(axis=[1, 2, 3], center=False, scale=False, name="standardise")(inputs)
    for number, filters in enumerate(settings.filters, start=1):
        x = layers.Conv2D(filters, settings.kernel_size, activation=settings.activation, name=f"conv{number}")(x)
        x = layers.MaxPooling2D(name=f"pool{number}")(x)
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(settings.dense, activation="relu", name="hidden")(x)
    # float32 also in mixed precision: half a float cannot tell 0.9999 from 1.
    outputs = layers.Dense(1, activation="sigmoid", dtype="float32", name="probability")(x)
    return keras.Model(inputs, outputs, name="cnn")
