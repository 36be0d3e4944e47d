"""Keras network -> ONNX graph that gives logit and Grad-CAM in one pass, its weights left where they are: in model.keras.

Keras' own ONNX export folds batch norms into new kernels, which would store every weight twice (and float16 kernels no
longer the same numbers). Here the graph is written layer by layer, a weight is *external data*: an offset into
model.keras beside it, so one copy of the weights serves both, and both verify by one hash.

Grad-CAM (Selvaraju et al., ICCV 2017) for a head of pooling or flattening and dense layers has a closed form: the
gradient of the logit at the last feature maps is a product of the dense kernels, masked where a ReLU was off. The graph
computes it forward, without automatic differentiation.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import onnx
from keras import layers
from onnx import TensorProto, helper

from pneumo.errors import ModelError
from pneumo.nets.compact import stored_arrays
from pneumo.nets.load import load_network

_OPSET = 17
_IR_VERSION = 9


def write_serving_graph(weights: Path, target: Path) -> None:
    """Write `target` (.onnx) for the compact model.keras at `weights`, in the same folder.

    Input `radiograph` float32 (n, size, size, 1). Outputs: `logit` (n,) and `map` (n, h, w), the signed Grad-CAM
    (positive: towards PNEUMONIA; no ReLU, no scaling); `features` (n, channels), the last feature maps averaged over space;
    for a network with a second output (see nets/subtype.py) also `bacterial` (n,), its logit. Raises ModelError for a layer
    it does not know.
    """
    model = load_network(weights)
    writer = _Writer(weights, stored_arrays(weights))
    size = model.input_shape[1]
    names = {}
    for layer in model.layers:
        if isinstance(layer, layers.InputLayer):
            names[id(layer.output)] = writer.add("Transpose", ["radiograph"], perm=[0, 3, 1, 2])
            continue
        inputs = layer.input if isinstance(layer.input, list) else [layer.input]
        names[id(layer.output)] = _forward(writer, layer, [names[id(tensor)] for tensor in inputs])
    _outputs(writer, model, names)
    info = helper.make_tensor_value_info
    side, channels = _features(model).shape[1], _features(model).shape[3]
    bacterial = [info("bacterial", TensorProto.FLOAT, ["n"])] if len(model.outputs) > 1 else []
    graph = helper.make_graph(
        writer.nodes, model.name,
        [info("radiograph", TensorProto.FLOAT, ["n", size, size, 1])],
        [info("logit", TensorProto.FLOAT, ["n"]), info("map", TensorProto.FLOAT, ["n", side, side]),
         info("features", TensorProto.FLOAT, ["n", channels]), *bacterial],
        initializer=writer.initializers,
    )  # fmt: skip
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR_VERSION)
    target.write_bytes(made.SerializeToString())


class _Writer:
    """Collects nodes and initializers; `add` returns the name of the node's one output."""

    def __init__(self, weights: Path, stored: list[tuple[np.ndarray, int, int]]):
        self.weights, self.stored = weights, stored
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []
        self._placed: dict[str, str] = {}

    def add(self, kind: str, inputs: list[str], output: str | None = None, **attributes: Any) -> str:
        output = output or f"{kind}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def constant(self, values: npt.ArrayLike, dtype: npt.DTypeLike = np.float32) -> str:
        name = f"constant_{len(self.initializers)}"
        self.initializers.append(onnx.numpy_helper.from_array(np.asarray(values, dtype), name))
        return name

    def weight(self, variable: keras.Variable, perm: list[int] | None = None) -> str:
        """A Keras variable as float32, transposed by `perm`; its bytes are looked up in model.keras by value."""
        if variable.path not in self._placed:
            value = np.array(variable)
            place = next(((a, o, n) for a, o, n in self.stored if a.shape == value.shape and np.array_equal(a, value)), None)
            if place is None:
                raise ModelError(f"The weight {variable.path} is not in {self.weights.name} as it was loaded.")
            array, offset, length = place
            tensor = TensorProto(name=variable.path, data_type=helper.np_dtype_to_tensor_dtype(array.dtype),
                                 dims=array.shape, data_location=TensorProto.EXTERNAL)  # fmt: skip
            for key, entry in (("location", self.weights.name), ("offset", offset), ("length", length)):
                tensor.external_data.add(key=key, value=str(entry))
            self.initializers.append(tensor)
            self._placed[variable.path] = self.add("Cast", [variable.path], to=TensorProto.FLOAT)
        name = self._placed[variable.path]
        return self.add("Transpose", [name], perm=perm) if perm else name

    def activate(self, name: str, function: Callable[..., Any]) -> str:
        if function is keras.activations.linear:
            return name
        if function is keras.activations.relu:
            return self.add("Relu", [name])
        for kind, known in (("Elu", keras.activations.elu), ("Tanh", keras.activations.tanh)):
            if function is known:
                return self.add(kind, [name])
        raise ModelError(f"The activation {getattr(function, '__name__', function)} cannot be exported; use relu, elu or tanh.")


def _forward(w: _Writer, layer: layers.Layer, inputs: list[str]) -> str:
    """Append one layer, features as (n, channels, h, w). Dense gives its pre-activation when it is an output."""
    x = inputs[0]
    match layer:
        case layers.LayerNormalization():
            centred = w.add("Sub", [x, w.add("ReduceMean", [x], axes=[1, 2, 3])])
            variance = w.add("ReduceMean", [w.add("Mul", [centred, centred])], axes=[1, 2, 3])
            return w.add("Div", [centred, w.add("Sqrt", [w.add("Add", [variance, w.constant(layer.epsilon)])])])
        case layers.Rescaling():
            return w.add("Add", [w.add("Mul", [x, w.constant(layer.scale)]), w.constant(layer.offset)])
        case layers.Concatenate():
            return w.add("Concat", inputs, axis=1)
        case layers.Add():
            return w.add("Add", inputs)
        case layers.ZeroPadding2D():
            (top, bottom), (left, right) = layer.padding
            return w.add("Pad", [x, w.constant([0, 0, top, left, 0, 0, bottom, right], np.int64)])
        case layers.Conv2D():
            bias = [w.weight(layer.bias)] if layer.use_bias else []
            y = w.add("Conv", [x, w.weight(layer.kernel, [3, 2, 0, 1]), *bias], strides=list(layer.strides), **_padding(layer))
            return w.activate(y, layer.activation)
        case layers.BatchNormalization():
            vectors = [layer.gamma, layer.beta, layer.moving_mean, layer.moving_variance]
            return w.add("BatchNormalization", [x, *(w.weight(v) for v in vectors)], epsilon=layer.epsilon)
        case layers.MaxPooling2D() | layers.AveragePooling2D():
            kind = "MaxPool" if isinstance(layer, layers.MaxPooling2D) else "AveragePool"
            return w.add(kind, [x], kernel_shape=list(layer.pool_size), strides=list(layer.strides), **_padding(layer))
        case layers.GlobalAveragePooling2D():
            return w.add("ReduceMean", [x], axes=[2, 3], keepdims=0)
        case layers.Flatten():
            return w.add("Flatten", [w.add("Transpose", [x], perm=[0, 2, 3, 1])])
        case layers.Activation() | layers.ReLU():
            return w.activate(x, getattr(layer, "activation", keras.activations.relu))
        case layers.Dropout():
            return x
        case layers.Dense():
            y = w.add("Add", [w.add("MatMul", [x, w.weight(layer.kernel)]), w.weight(layer.bias)], output=f"{layer.name}/before")
            return y if layer.activation is keras.activations.sigmoid else w.activate(y, layer.activation)
    raise ModelError(f"The layer {layer.name} ({type(layer).__name__}) cannot be exported to the serving graph.")


def _padding(layer: layers.Layer) -> dict[str, str]:
    return {"auto_pad": "SAME_UPPER" if layer.padding == "same" else "VALID"}


def _features(model: keras.Model) -> keras.KerasTensor:
    """The last feature maps: what the head pools or flattens."""
    for layer in model.layers:
        if isinstance(layer, layers.GlobalAveragePooling2D | layers.Flatten):
            return layer.input
    raise ModelError("The network has no pooling or flattening head, which Grad-CAM needs.")


def _outputs(w: _Writer, model: keras.Model, names: dict[int, str]) -> None:
    """Append `logit`, `map`, `features` and, where the network has it, `bacterial`.

    The gradient of `logit` alone at the features, averaged over space, weighs the feature maps.
    """
    features = _features(model)
    for output, name in zip(model.outputs, ("logit", "bacterial"), strict=False):
        w.add("Squeeze", [names[id(output)], w.constant([1], np.int64)], output=name)
    w.add("ReduceMean", [names[id(features)]], output="features", axes=[2, 3], keepdims=0)
    ends = [id(output) for output in model.outputs]
    dense = [layer for layer in model.layers if isinstance(layer, layers.Dense)]
    last = next(layer for layer in dense if id(layer.output) == ends[0])
    gradient = w.weight(last.kernel, [1, 0])  # (1, units): d logit / d input of the last dense layer
    for layer in reversed([layer for layer in dense if id(layer.output) not in ends]):
        if layer.activation is not keras.activations.relu:
            raise ModelError(f"The dense layer {layer.name} must use relu for the closed form of Grad-CAM.")
        on = w.add("Cast", [w.add("Greater", [f"{layer.name}/before", w.constant(0.0)])], to=TensorProto.FLOAT)
        gradient = w.add("MatMul", [w.add("Mul", [on, gradient]), w.weight(layer.kernel, [1, 0])])
    height, width, channels = features.shape[1:]
    if any(isinstance(layer, layers.Flatten) for layer in model.layers):
        shaped = w.add("Reshape", [gradient, w.constant([-1, height, width, channels], np.int64)])
        weights = w.add("ReduceMean", [shaped], axes=[1, 2], keepdims=0)
    else:  # mean pooling spreads each gradient evenly over height x width places
        weights = w.add("Div", [gradient, w.constant(float(height * width))])
    column = w.add("Unsqueeze", [w.add("Unsqueeze", [weights, w.constant([-1], np.int64)]), w.constant([-1], np.int64)])
    weighted = w.add("Mul", [names[id(features)], column])
    w.add("ReduceSum", [weighted, w.constant([1], np.int64)], output="map", keepdims=0)
