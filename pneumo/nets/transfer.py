"""Transfer learning: a Keras backbone with a new head, weights loaded by name, freezing by stage."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pneumo.errors import ConfigError
from pneumo.imaging.preprocess import InputSpec

if TYPE_CHECKING:
    import keras

log = logging.getLogger(__name__)

STAGES = ("conv1", "conv2", "conv3", "conv4", "conv5")
# Spread of the pixels that a backbone's ImageNet weights expect: grey levels for ResNet50. DenseNet169 is the family of CheXNet
# (Rajpurkar et al. 2017).
_DEVIATIONS = {"ResNet50": 58.0, "DenseNet169": 1.0}


@dataclass(frozen=True)
class TransferSettings:
    dense: int = 256
    dropout: float = 0.3
    trainable_from: str = "conv3"  # first fine-tuned stage: conv1 ... conv5


def build(application: str, settings: TransferSettings, spec: InputSpec, backbone_weights: str = "imagenet") -> keras.Model:
    """A flat model: input (size, size, 1) in [0, 1]; output (1,) probability of pneumonia.

    Flat, so that Grad-CAM and the serving graph reach every layer. `application`: the backbone's name in keras.applications.
    `backbone_weights`: "imagenet" (Keras downloads them), "none" (random), or the path of a Keras weights file.
    """
    import keras  # not above: the app reads the settings without loading Keras
    from keras import layers

    inputs = keras.Input((spec.size, spec.size, 1), name="radiograph")
    # Each image to mean 0 and deviation 1: exposure, window and detector gain then tell the network nothing.
    x = layers.LayerNormalization(axis=[1, 2, 3], center=False, scale=False, name="standardise")(inputs)
    x = layers.Rescaling(_DEVIATIONS[application], name="imagenet_scale")(x)
    x = layers.Concatenate(name="grey_to_bgr")([x, x, x])
    imagenet = "imagenet" if backbone_weights == "imagenet" else None
    base = getattr(keras.applications, application)(include_top=False, weights=imagenet, input_tensor=x)
    if backbone_weights not in ("imagenet", "none"):
        load_backbone(base, Path(backbone_weights))
    x = layers.GlobalAveragePooling2D(name="pooled")(base.output)
    x = layers.Dense(settings.dense, activation="relu", name="hidden")(x)
    x = layers.Dropout(settings.dropout, name="dropout")(x)
    # float32 also in mixed precision: half a float cannot tell 0.9999 from 1.
    outputs = layers.Dense(1, activation="sigmoid", dtype="float32", name="probability")(x)
    return keras.Model(inputs, outputs, name=application.lower())


def freeze_backbone(model: keras.Model, trainable_from: str | None) -> None:
    """Make only the head trainable (None), or also every stage from `trainable_from` on, batch norms included."""
    if trainable_from is not None and trainable_from not in STAGES:
        raise ConfigError(f"trainable_from is {trainable_from!r}; expected one of {', '.join(STAGES)}.")
    for layer in model.layers:
        # conv3_block1_2_conv -> conv3; DenseNet's transition pool3 belongs to conv3, its last norm bn to conv5; the head to none.
        stage = "conv5" if layer.name == "bn" else layer.name.split("_")[0].replace("pool", "conv")
        if stage in STAGES:
            layer.trainable = trainable_from is not None and stage >= trainable_from


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
