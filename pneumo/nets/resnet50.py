"""Keras' ResNet50 with a new head, built flat so that Grad-CAM and the serving graph see every layer."""

import logging
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from keras import layers

from pneumo.errors import ConfigError
from pneumo.imaging.preprocess import InputSpec

log = logging.getLogger(__name__)

_IMAGENET_DEVIATION = 58.0  # grey levels; the weights expect mean-free pixels of about this spread


@dataclass(frozen=True)
class ResNet50Settings:
    dense: int = 256
    dropout: float = 0.3
    trainable_from: str = "conv3"  # first stage that fine-tuning changes: conv1 ... conv5


def build(settings: ResNet50Settings, spec: InputSpec, backbone_weights: str = "imagenet") -> keras.Model:
    """Input (size, size, 1) in [0, 1]; output (1,) probability of pneumonia.

    `backbone_weights`: "imagenet" (Keras downloads them), "none" (random), or the path of a Keras weights file.
    """
    inputs = keras.Input((spec.size, spec.size, 1), name="radiograph")
    x = layers.LayerNormalization(axis=[1, 2, 3], center=False, scale=False, name="standardise")(inputs)
    x = layers.Rescaling(_IMAGENET_DEVIATION, name="imagenet_scale")(x)
    x = layers.Concatenate(name="grey_to_bgr")([x, x, x])
    named = backbone_weights if backbone_weights == "imagenet" else None
    base = keras.applications.ResNet50(include_top=False, weights=named, input_tensor=x)
    if backbone_weights not in ("imagenet", "none"):
        load_backbone(base, Path(backbone_weights))
    x = layers.GlobalAveragePooling2D(name="pooled")(base.output)
    x = layers.Dense(settings.dense, activation="relu", name="hidden")(x)
    x = layers.Dropout(settings.dropout, name="dropout")(x)
    outputs = layers.Dense(1, activation="sigmoid", name="probability")(x)
    return keras.Model(inputs, outputs, name="resnet50")


def freeze_backbone(model: keras.Model, trainable_from: str | None) -> None:
    """Let only the head learn (None), or the head and every stage from `trainable_from` on, batch norms included."""
    stages = ("conv1", "conv2", "conv3", "conv4", "conv5")
    if trainable_from is not None and trainable_from not in stages:
        raise ConfigError(f"trainable_from is {trainable_from!r}; expected one of {', '.join(stages)}.")
    for layer in model.layers:
        stage = layer.name.split("_")[0]
        if stage in stages:
            layer.trainable = trainable_from is not None and stage >= trainable_from


def load_backbone(base: keras.Model, path: Path) -> None:
    """Load an ImageNet file by layer name, and say in the log how many layers came and which did not."""
    if not path.is_file():
        raise ConfigError(f"No backbone weights at {path}. Expected a Keras weights file, 'imagenet' or 'none'.")
    before = {v.path: np.array(v) for v in base.variables}
    base.load_weights(str(path), **({} if path.name.endswith(".weights.h5") else {"by_name": True, "skip_mismatch": True}))
    weighted = [layer for layer in base.layers if layer.weights]
    missing = [layer.name for layer in weighted if all(np.array_equal(before[v.path], np.array(v)) for v in layer.weights)]
    log.info("backbone: %d of %d layers loaded from %s", len(weighted) - len(missing), len(weighted), path.name)
    if missing:
        log.info("backbone: keeping their random start: %s", ", ".join(missing))
