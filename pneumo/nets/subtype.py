"""A second output beside the probability of pneumonia: bacterial against viral."""

import keras
from keras import layers


def with_subtype(net: keras.Model) -> keras.Model:
    """The same network, sharing its layers, with outputs [probability, bacterial], each (n, 1).

    `bacterial` in [0, 1] is the probability of bacterial rather than viral given pneumonia, to be trained on pneumonia cases only.
    Raises ValueError unless `net` has one dense output.
    """
    if len(net.outputs) != 1 or not isinstance(net.layers[-1], layers.Dense):
        raise ValueError(f"expected a network with one output, by a dense layer; received the outputs {net.output_names}")
    bacterial = layers.Dense(1, activation="sigmoid", dtype="float32", name="bacterial")(net.layers[-1].input)
    return keras.Model(net.input, [net.output, bacterial], name=net.name)
