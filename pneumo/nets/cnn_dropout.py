"""A deeper plain network: blocks of two convolutions and max-pooling with dropout, then fully connected layers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pneumo.imaging.preprocess import InputSpec

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class CnnDropoutSettings:
    filters: tuple[int, ...] = (32, 64, 128, 128)  # one block each
    kernel_size: int = 3
    block_dropout: float = 0.15
    dense: tuple[int, ...] = (256, 64)
    dense_dropout: float = 0.4


def build(settings: CnnDropoutSettings, spec: InputSpec, backbone_weights: str = "none") -> keras.Model:
    """Input (size, size, 1) in [0, 1]; output (1,) probability of pneumonia. `backbone_weights` does not apply."""
    import keras  # not above: the app reads the settings without loading Keras
    from keras import layers

    inputs = keras.Input((spec.size, spec.size, 1), name="radiograph")
    # Each image to mean 0 and deviation 1: exposure, window and detector gain then tell the network nothing.
    x = layers.LayerNormalization(axis=[1, 2, 3], center=False, scale=False, name="standardise")(inputs)
    for block, filters in enumerate(settings.filters, start=1):
        for half in "ab":
            x = layers.Conv2D(filters, settings.kernel_size, padding="same", activation="relu", name=f"conv{block}{half}")(x)
        x = layers.MaxPooling2D(name=f"pool{block}")(x)
        x = layers.Dropout(settings.block_dropout, name=f"block_dropout{block}")(x)
    x = layers.Flatten(name="flatten")(x)
    for number, units in enumerate(settings.dense, start=1):
        x = layers.Dense(units, activation="relu", name=f"hidden{number}")(x)
        x = layers.Dropout(settings.dense_dropout, name=f"dense_dropout{number}")(x)
    # float32 also in mixed precision: half a float cannot tell 0.9999 from 1.
    outputs = layers.Dense(1, activation="sigmoid", dtype="float32", name="probability")(x)
    return keras.Model(inputs, outputs, name="cnn_dropout")
