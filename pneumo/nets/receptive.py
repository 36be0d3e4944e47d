"""Receptive field centres of the last feature maps, to place heatmaps over the image."""

import math

import keras
from keras import layers


def cell_centres(model: keras.Model) -> tuple[float, float]:
    """Centres of the first and the last cell of the features under the head, as fractions of the input's side.

    After Dumoulin and Visin, "A guide to convolution arithmetic" (2016): a window of size k, stride s and leading padding
    p moves the first centre by ((k - 1) / 2 - p) cells and spreads cells s times as far. Keras' ResNet50 pads before its
    strides, so its 6 cells over 192 pixels are centred at 0, 32 ... 160, half a cell off a regular 6 x 6 grid.
    """
    size = model.input_shape[1]
    state = {}  # tensor id -> (first centre, distance of cells), input pixels; branches of a block agree
    for layer in model.layers:
        if isinstance(layer, layers.InputLayer):
            state[id(layer.output)] = (0.0, 1.0)
            continue
        tensor = layer.input[0] if isinstance(layer.input, list) else layer.input
        if isinstance(layer, layers.GlobalAveragePooling2D | layers.Flatten):
            first, step = state[id(tensor)]
            cells = tensor.shape[1]
            return (first + 0.5) / size, (first + step * (cells - 1) + 0.5) / size
        first, step = state[id(tensor)]
        if isinstance(layer, layers.ZeroPadding2D):
            first -= layer.padding[0][0] * step
        elif isinstance(layer, layers.Conv2D | layers.MaxPooling2D | layers.AveragePooling2D):
            kernel = layer.kernel_size[0] if isinstance(layer, layers.Conv2D) else layer.pool_size[0]
            stride = layer.strides[0]
            length = tensor.shape[1]
            same = max((math.ceil(length / stride) - 1) * stride + kernel - length, 0) // 2  # an odd cell is at the end
            first += ((kernel - 1) / 2 - (same if layer.padding == "same" else 0)) * step
            step *= stride
        state[id(layer.output)] = (first, step)
    raise ValueError("expected a network with a pooling or flattening head")
