"""Transfer learning: a Keras backbone with a new head, weights loaded by name, freezing by stage."""

import logging
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
from keras import layers

from pneumo.errors import ConfigError
from pneumo.imaging.preprocess import InputSpec
from pneumo.nets.transfer import TransferSettings

log = logging.getLogger(__name__)

STAGES = ("conv1", "conv2", "conv3", "conv4", "conv5")


def build_on(
    application: Callable[..., keras.Model], name: str, deviation: float, settings: TransferSettings, spec: InputSpec, weights: str
) -> keras.Model:
    """A flat model: input (size, size, 1) in [0, 1]; output (1,) probability of pneumonia.

    Flat, so that Grad-CAM and the serving graph reach every layer. `deviation` is the spread of pixels that the backbone's ImageNet
    weights expect. `weights`: "imagenet" (Keras downloads them), "none" (random), or the path of a Keras weights file.
    """
    inputs = keras.Input((spec.size, spec.size, 1), name="radiograph")
    # Each image to mean 0 and deviation 1: exposure, window and detector gain then tell the network nothing.
    x = layers.LayerNormalization(axis=[1, 2, 3], center=False, scale=False, name="standardise")(inputs)
    x = layers.Rescaling(deviation, name="imagenet_scale")(x)
    x = layers.Concatenate(name="grey_to_bgr")([x, x, x])
    base = application(include_top=False, weights="imagenet" if weights == "imagenet" else None, input_tensor=x)
    if weights not in ("imagenet", "none"):
        load_backbone(base, Path(weights))
    x = layers.GlobalAveragePooling2D(name="pooled")(base.output)
    x = layers.Dense(settings.dense, activation="relu", name="hidden")(x)
    x = layers.Dropout(settings.dropout, name="dropout")(x)
    # float32 also in mixed precision: half a float cannot tell 0.9999 from 1.
    outputs = layers.Dense(1, activation="sigmoid", dtype="float32", name="probability")(x)
    return keras.Model(inputs, outputs, name=name)


def freeze_backbone(model: keras.Model, trainable_from: str | None) -> None:
    """Make only the head trainable (None), or also every stage from `trainable_from` on, batch norms included."""
    if trainable_from is not None and trainable_from not in STAGES:
        raise ConfigError(f"trainable_from is {trainable_from!r}; expected one of {', '.join(STAGES)}.")
    for layer in model.layers:
        stage = _stage(layer.name)
        if stage:
            layer.trainable = trainable_from is not None and stage >= trainable_from


def _stage(name: str) -> str | None:
    """conv3_block1_2_conv -> conv3; DenseNet's transition pool3 belongs to conv3, last norm bn: conv5; head: None."""
    start = name.split("_")[0].replace("pool", "conv") if name != "bn" else "conv5"
    return start if start in STAGES else None


def load_backbone(base: keras.Model, path: Path) -> None:
    """Load an ImageNet file by layer name; log which layers were loaded."""
    if not path.is_file():
        raise ConfigError(f"No backbone weights at {path}. Expected a Keras weights file, 'imagenet' or 'none'.")
    before = {v.path: np.array(v) for v in base.variables}
    base.load_weights(str(path), **({} if path.name.endswith(".weights.h5") else {"by_name": True, "skip_mismatch": True}))
    weighted = [layer for layer in base.layers if layer.weights]
    missing = [layer.name for layer in weighted if all(np.array_equal(before[v.path], np.array(v)) for v in layer.weights)]
    log.info("backbone: %d of %d layers loaded from %s", len(weighted) - len(missing), len(weighted), path.name)
    if missing:
        log.info("backbone: keeping their random start: %s", ", ".join(missing))
