"""Keras' DenseNet169 with a new head: the family of CheXNet (Rajpurkar et al. 2017)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pneumo.imaging.preprocess import InputSpec
from pneumo.nets.transfer import TransferSettings

if TYPE_CHECKING:
    import keras


def build(settings: TransferSettings, spec: InputSpec, backbone_weights: str = "imagenet") -> keras.Model:
    """See `backbone.build_on`. Its weights expect pixels of mean 0 and deviation 1."""
    import keras  # not above: the app reads the settings without loading Keras

    from pneumo.nets.backbone import build_on

    return build_on(keras.applications.DenseNet169, "densenet169", 1.0, settings, spec, backbone_weights)
