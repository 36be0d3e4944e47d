"""Export Keras layers to ONNX, for the diagnostic graph and the lung graph."""

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

_OPSET = 17
_IR_VERSION = 9
_ACTIVATIONS = {keras.activations.relu: "Relu", keras.activations.elu: "Elu", keras.activations.tanh: "Tanh"}
INPUT = "radiograph"  # float32 (n, size, size, 1)


class GraphWriter:
    """Collects nodes and initializers; every method that adds a node returns the name of its one output."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []

    def add(self, kind: str, inputs: list[str], output: str | None = None, **attributes: Any) -> str:
        output = output or f"{kind}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def constant(self, values: npt.ArrayLike, dtype: npt.DTypeLike = np.float32) -> str:
        name = f"constant_{len(self.initializers)}"
        self.initializers.append(onnx.numpy_helper.from_array(np.asarray(values, dtype), name))
        return name

    def weight(self, variable: keras.Variable, perm: list[int] | None = None) -> str:
        """A Keras variable as float32, transposed by `perm`."""
        return self.constant(np.ascontiguousarray(np.array(variable).transpose(perm)))

    def network(self, model: keras.Model) -> dict[int, str]:
        """Append every layer, features as (n, channels, h, w); return tensor id -> name. Raises ModelError for an unknown layer."""
        names: dict[int, str] = {}
        for layer in model.layers:
            if isinstance(layer, layers.InputLayer):
                names[id(layer.output)] = self.add("Transpose", [INPUT], perm=[0, 3, 1, 2])
                continue
            inputs = layer.input if isinstance(layer.input, list) else [layer.input]
            names[id(layer.output)] = self.layer(layer, [names[id(tensor)] for tensor in inputs])
        return names

    def layer(self, layer: layers.Layer, inputs: list[str]) -> str:
        """Append one layer. Dense gives its pre-activation when it is an output."""
        x = inputs[0]
        match layer:
            case layers.LayerNormalization():
                centred = self.add("Sub", [x, self.add("ReduceMean", [x], axes=[1, 2, 3])])
                variance = self.add("ReduceMean", [self.add("Mul", [centred, centred])], axes=[1, 2, 3])
                return self.add("Div", [centred, self.add("Sqrt", [self.add("Add", [variance, self.constant(layer.epsilon)])])])
            case layers.Rescaling():
                return self.add("Add", [self.add("Mul", [x, self.constant(layer.scale)]), self.constant(layer.offset)])
            case layers.Concatenate():
                return self.add("Concat", inputs, axis=1)
            case layers.Add():
                return self.add("Add", inputs)
            case layers.ZeroPadding2D():
                (top, bottom), (left, right) = layer.padding
                return self.add("Pad", [x, self.constant([0, 0, top, left, 0, 0, bottom, right], np.int64)])
            case layers.Conv2D():
                bias = [self.weight(layer.bias)] if layer.use_bias else []
                return self.convolution(layer, x, [self.weight(layer.kernel, [3, 2, 0, 1]), *bias])
            case layers.BatchNormalization():
                vectors = [layer.gamma, layer.beta, layer.moving_mean, layer.moving_variance]
                return self.add("BatchNormalization", [x, *(self.weight(v) for v in vectors)], epsilon=layer.epsilon)
            case layers.MaxPooling2D() | layers.AveragePooling2D():
                kind = "MaxPool" if isinstance(layer, layers.MaxPooling2D) else "AveragePool"
                return self.add(kind, [x], kernel_shape=list(layer.pool_size), strides=list(layer.strides), **_padding(layer))
            case layers.UpSampling2D(interpolation="nearest"):
                scales = self.constant([1, 1, *layer.size])
                modes = {"mode": "nearest", "nearest_mode": "floor", "coordinate_transformation_mode": "asymmetric"}
                return self.add("Resize", [x, "", scales], **modes)
            case layers.GlobalAveragePooling2D():
                return self.add("ReduceMean", [x], axes=[2, 3], keepdims=0)
            case layers.Flatten():
                return self.add("Flatten", [self.add("Transpose", [x], perm=[0, 2, 3, 1])])
            case layers.Activation() | layers.ReLU():
                return self.activation(x, getattr(layer, "activation", keras.activations.relu))
            case layers.Dropout():
                return x
            case layers.Dense():
                product = self.add("MatMul", [x, self.weight(layer.kernel)])
                y = self.add("Add", [product, self.weight(layer.bias)], output=f"{layer.name}/before")
                return y if layer.activation is keras.activations.sigmoid else self.activation(y, layer.activation)
        raise ModelError(f"The layer {layer.name} ({type(layer).__name__}) cannot be exported to ONNX.")

    def convolution(self, layer: layers.Conv2D, x: str, weights: list[str]) -> str:
        y = self.add("Conv", [x, *weights], strides=list(layer.strides), **_padding(layer))
        return self.activation(y, layer.activation)

    def activation(self, name: str, function: Callable[..., Any]) -> str:
        if function is keras.activations.linear:
            return name
        if function in _ACTIVATIONS:
            return self.add(_ACTIVATIONS[function], [name])
        raise ModelError(f"The activation {getattr(function, '__name__', function)} cannot be exported; use relu, elu or tanh.")

    def save(self, target: Path, name: str, size: int, outputs: dict[str, list[str | int]]) -> None:
        """Write the graph from INPUT to `outputs` (name -> shape, "n" for the images), all float32."""
        info = helper.make_tensor_value_info
        inputs = [info(INPUT, TensorProto.FLOAT, ["n", size, size, 1])]
        declared = [info(key, TensorProto.FLOAT, shape) for key, shape in outputs.items()]
        graph = helper.make_graph(self.nodes, name, inputs, declared, initializer=self.initializers)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR_VERSION)
        target.write_bytes(model.SerializeToString())
        onnx.checker.check_model(str(target))


def _padding(layer: layers.Layer) -> dict[str, str]:
    return {"auto_pad": "SAME_UPPER" if layer.padding == "same" else "VALID"}
