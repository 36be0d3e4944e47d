"""Keras' ResNet50 with a new head: transfer learning in two stages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pneumo.imaging.preprocess import InputSpec
from pneumo.nets.transfer import TransferSettings

if TYPE_CHECKING:
    import keras

_IMAGENET_DEVIATION = 58.0  # grey levels; its weights expect mean-free pixels of about this spread


def build(settings: TransferSettings, spec: InputSpec, backbone_weights: str = "imagenet") -> keras.Model:
    """See `backbone.build_on`."""
    import keras  # not above: the app reads the settings without loading Keras

    from pneumo.nets.backbone import build_on

    return build_on(keras.applications.ResNet50, "resnet50", _IMAGENET_DEVIATION, settings, spec, backbone_weights)
