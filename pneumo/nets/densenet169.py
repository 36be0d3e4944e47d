"""Keras' DenseNet169 with a new head: the family of CheXNet (Rajpurkar et al. 2017)."""

import keras

from pneumo.imaging.preprocess import InputSpec
from pneumo.nets.backbone import TransferSettings, build_on


def build(settings: TransferSettings, spec: InputSpec, backbone_weights: str = "imagenet") -> keras.Model:
    """See `backbone.build_on`. Its weights expect pixels of mean 0 and deviation 1."""
    return build_on(keras.applications.DenseNet169, "densenet169", 1.0, settings, spec, backbone_weights)
