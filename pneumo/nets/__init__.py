"""Architectures by name. A new one is one file and one line here. Keras loads when one is built."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from pneumo.errors import ConfigError
from pneumo.imaging.preprocess import InputSpec
from pneumo.nets import cnn, cnn_dropout, transfer

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Architecture:
    """`build(settings, spec, backbone_weights)` returns an uncompiled model: (size, size, 1) in [0, 1] -> probability."""

    build: Callable[..., keras.Model]
    settings: type  # frozen dataclass of its settings
    spec: InputSpec  # the input it is meant for


ARCHITECTURES = {
    "cnn": Architecture(cnn.build, cnn.CnnSettings, InputSpec(128, 0, True)),
    "cnn-dropout": Architecture(cnn_dropout.build, cnn_dropout.CnnDropoutSettings, InputSpec(128, 0, True)),
    "resnet50": Architecture(partial(transfer.build, "ResNet50"), transfer.TransferSettings, InputSpec(192, 0, True)),
    "densenet169": Architecture(partial(transfer.build, "DenseNet169"), transfer.TransferSettings, InputSpec(192, 0, True)),
}


def architecture(name: str) -> Architecture:
    """Look an architecture up. Raises ConfigError with the list and the nearest guess."""
    if name in ARCHITECTURES:
        return ARCHITECTURES[name]
    near = difflib.get_close_matches(name, ARCHITECTURES, n=1)
    guess = f" Did you mean {near[0]}?" if near else ""
    raise ConfigError(f"Unknown architecture {name!r}; expected one of {', '.join(ARCHITECTURES)}.{guess}")
