"""Lung network -> ONNX file of its own. Batch norms are folded into the kernels before them: half the nodes, the same numbers."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnx
from keras import layers
from onnx import TensorProto, helper, numpy_helper

from pneumo.errors import ModelError

_OPSET, _IR_VERSION = 17, 9


def write_lung_graph(model: keras.Model, target: Path) -> None:
    """Write `model` (see nets/lung_net.py) to `target`: `radiograph` float32 (n, side, side, 1) -> `logit` (n, side, side).

    Raises ModelError for a layer it does not know.
    """
    nodes: list[onnx.NodeProto] = []
    initializers: list[onnx.TensorProto] = []
    names: dict[int, str] = {}

    def add(kind: str, inputs: list[str], **attributes: Any) -> str:
        nodes.append(helper.make_node(kind, inputs, [f"{kind}_{len(nodes)}"], **attributes))
        return str(nodes[-1].output[0])

    def constant(values: np.ndarray) -> str:
        initializers.append(numpy_helper.from_array(values, f"constant_{len(initializers)}"))
        return initializers[-1].name

    norms = {id(layer.input): layer for layer in model.layers if isinstance(layer, layers.BatchNormalization)}
    for layer in model.layers:
        match layer:
            case layers.InputLayer():
                found = add("Transpose", ["radiograph"], perm=[0, 3, 1, 2])
            case layers.Conv2D():
                kernel, bias = _folded(layer, norms.get(id(layer.output)))
                found = add("Conv", [names[id(layer.input)], constant(kernel), constant(bias)], auto_pad="SAME_UPPER")
            case layers.BatchNormalization():
                found = names[id(layer.input)]
            case layers.ReLU():
                found = add("Relu", [names[id(layer.input)]])
            case layers.MaxPooling2D():
                found = add("MaxPool", [names[id(layer.input)]], kernel_shape=[2, 2], strides=[2, 2])
            case layers.UpSampling2D():
                scales = constant(np.array([1, 1, 2, 2], np.float32))
                found = add("Resize", [names[id(layer.input)], "", scales], mode="nearest", nearest_mode="floor",
                            coordinate_transformation_mode="asymmetric")  # fmt: skip
            case layers.Concatenate():
                found = add("Concat", [names[id(tensor)] for tensor in layer.input], axis=1)
            case _:
                raise ModelError(f"The layer {layer.name} ({type(layer).__name__}) cannot be exported to the lung graph.")
        names[id(layer.output)] = found
    last = helper.make_node("Squeeze", [names[id(model.output)], constant(np.array([1], np.int64))], ["logit"])
    side = model.input_shape[1]
    graph = helper.make_graph(
        [*nodes, last], model.name,
        [helper.make_tensor_value_info("radiograph", TensorProto.FLOAT, ["n", side, side, 1])],
        [helper.make_tensor_value_info("logit", TensorProto.FLOAT, ["n", side, side])],
        initializer=initializers,
    )  # fmt: skip
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR_VERSION)
    onnx.checker.check_model(made)
    target.write_bytes(made.SerializeToString())


def _folded(layer: layers.Conv2D, norm: layers.BatchNormalization | None) -> tuple[np.ndarray, np.ndarray]:
    """(kernel (out, in, h, w), bias (out,)) of a convolution with the batch norm that follows it."""
    kernel = np.array(layer.kernel).transpose(3, 2, 0, 1)
    bias = np.array(layer.bias) if layer.use_bias else np.zeros(len(kernel), np.float32)
    if norm is not None:
        scale = np.array(norm.gamma) / np.sqrt(np.array(norm.moving_variance) + norm.epsilon)
        kernel, bias = kernel * scale[:, None, None, None], (bias - np.array(norm.moving_mean)) * scale + np.array(norm.beta)
    return np.ascontiguousarray(kernel, np.float32), bias.astype(np.float32)
