"""A second output beside the probability of pneumonia: bacterial against viral."""

import keras
from keras import layers


def with_subtype(net: keras.Model) -> keras.Model:
    """The same network (its layers and weights are shared, not copied) with outputs [probability, bacterial], each (n, 1).

    `bacterial` in [0, 1] is the chance that a pneumonia is bacterial rather than viral, from the features that the last
    layer reads. To be learned from pneumonia cases alone; of a healthy child it says nothing. Raises ValueError unless
    `net` has one output, made by a dense layer.
    """
    if len(net.outputs) != 1 or not isinstance(net.layers[-1], layers.Dense):
        raise ValueError(f"expected a network with one output, by a dense layer; received the outputs {net.output_names}")
    bacterial = layers.Dense(1, activation="sigmoid", dtype="float32", name="bacterial")(net.layers[-1].input)
    return keras.Model(net.input, [net.output, bacterial], name=net.name)
