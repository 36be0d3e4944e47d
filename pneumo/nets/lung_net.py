"""The lung segmenter's network, a small U-Net (Ronneberger et al., MICCAI 2015), and its export to ONNX."""

from pathlib import Path

import keras
import numpy as np
from keras import layers

from pneumo.nets.onnx_writer import GraphWriter

SIDE = 112  # of the input, pixels
_WIDTHS = (8, 16, 32, 48, 64)  # channels from fine to coarse; the coarsest cells see the whole chest


def build_lung_net(side: int = SIDE, widths: tuple[int, ...] = _WIDTHS) -> keras.Model:
    """float32 (n, side, side, 1), standardised -> logits of lung, same shape. `side`: a multiple of 2 ** (len(widths) - 1)."""
    image = layers.Input((side, side, 1), name="radiograph")
    x, skips = image, []
    for number, width in enumerate(widths):
        if number:
            skips.append(x)
            x = layers.MaxPooling2D(2)(x)
        x = _convolved(_convolved(x, width), width)
    for width, skip in zip(reversed(widths[:-1]), reversed(skips), strict=True):
        x = layers.UpSampling2D(2, interpolation="nearest")(_convolved(x, width))
        x = _convolved(_convolved(layers.Concatenate()([x, skip]), width), width)
    return keras.Model(image, layers.Conv2D(1, 1, name="logit")(x), name="lungs")


def _convolved(x: keras.KerasTensor, width: int) -> keras.KerasTensor:
    x = layers.Conv2D(width, 3, padding="same", use_bias=False)(x)
    return layers.ReLU()(layers.BatchNormalization(momentum=0.95)(x))


def write_lung_graph(model: keras.Model, target: Path) -> None:
    """Write `radiograph` float32 (n, side, side, 1) -> `logit` (n, side, side). Raises ModelError for an unknown layer."""
    writer, side = _Folding(model), model.input_shape[1]
    names = writer.network(model)
    writer.add("Squeeze", [names[id(model.output)], writer.constant([1], np.int64)], output="logit")
    writer.save(target, model.name, side, {"logit": ["n", side, side]})


class _Folding(GraphWriter):
    def __init__(self, model: keras.Model) -> None:
        super().__init__()
        self._norms = {id(layer.input): layer for layer in model.layers if isinstance(layer, layers.BatchNormalization)}

    def layer(self, layer: layers.Layer, inputs: list[str]) -> str:
        match layer:
            case layers.Conv2D():
                folded = _folded(layer, self._norms.get(id(layer.output)))
                return self.convolution(layer, inputs[0], [self.constant(values) for values in folded])
            case layers.BatchNormalization():
                return inputs[0]
        return super().layer(layer, inputs)


def _folded(layer: layers.Conv2D, norm: layers.BatchNormalization | None) -> tuple[np.ndarray, np.ndarray]:
    """(kernel (out, in, h, w), bias (out,)) of a convolution with the batch norm that follows it."""
    kernel = np.array(layer.kernel).transpose(3, 2, 0, 1)
    bias = np.array(layer.bias) if layer.use_bias else np.zeros(len(kernel), np.float32)
    if norm is not None:
        scale = np.array(norm.gamma) / np.sqrt(np.array(norm.moving_variance) + norm.epsilon)
        kernel, bias = kernel * scale[:, None, None, None], (bias - np.array(norm.moving_mean)) * scale + np.array(norm.beta)
    return np.ascontiguousarray(kernel, np.float32), bias.astype(np.float32)
