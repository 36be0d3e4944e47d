"""Export a Keras network to an ONNX graph with logit and Grad-CAM in one pass; its weights stay in model.keras.

Keras' own ONNX export folds batch norms into new kernels, which would store every weight twice. Here each weight is *external
data*, an offset into model.keras.

Grad-CAM (Selvaraju et al., ICCV 2017) for a head of pooling or flattening and dense layers has a closed form: the
gradient of the logit at the last feature maps is a product of the dense kernels, masked by the ReLUs.
"""

from pathlib import Path

import keras
import numpy as np
from keras import layers
from onnx import TensorProto, helper

from pneumo.errors import ModelError
from pneumo.nets.compact import stored_arrays
from pneumo.nets.load import load_network
from pneumo.nets.onnx_writer import GraphWriter


def write_serving_graph(weights: Path, target: Path) -> None:
    """Write `target` (.onnx) for the compact model.keras at `weights`, in the same folder.

    Input `radiograph` float32 (n, size, size, 1). Outputs: `logit` (n,) and `map` (n, h, w), the signed Grad-CAM
    (positive: towards PNEUMONIA; no ReLU, no scaling); `features` (n, channels), the last feature maps averaged over space;
    for a network with a second output (see nets/subtype.py) also `bacterial` (n,), its logit. Raises ModelError for an
    unknown layer.
    """
    model = load_network(weights)
    writer = ExternalWriter(weights)
    _outputs(writer, model, writer.network(model))
    side, channels = _features(model).shape[1], _features(model).shape[3]
    outputs = {"logit": ["n"], "map": ["n", side, side], "features": ["n", channels]}
    if len(model.outputs) > 1:
        outputs["bacterial"] = ["n"]
    writer.save(target, model.name, model.input_shape[1], outputs)


class ExternalWriter(GraphWriter):
    """Refers to weights in the compact model.keras, found by value."""

    def __init__(self, weights: Path) -> None:
        super().__init__()
        self._file, self._stored = weights.name, stored_arrays(weights)
        self._placed: dict[str, str] = {}

    def weight(self, variable: keras.Variable, perm: list[int] | None = None) -> str:
        if variable.path not in self._placed:
            value = np.array(variable)
            place = next(((a, o, n) for a, o, n in self._stored if a.shape == value.shape and np.array_equal(a, value)), None)
            if place is None:
                raise ModelError(f"The weight {variable.path} is not in {self._file} as it was loaded.")
            array, offset, length = place
            kind = helper.np_dtype_to_tensor_dtype(array.dtype)
            tensor = TensorProto(name=variable.path, data_type=kind, dims=array.shape, data_location=TensorProto.EXTERNAL)
            for key, entry in (("location", self._file), ("offset", offset), ("length", length)):
                tensor.external_data.add(key=key, value=str(entry))
            self.initializers.append(tensor)
            self._placed[variable.path] = self.add("Cast", [variable.path], to=TensorProto.FLOAT)
        name = self._placed[variable.path]
        return self.add("Transpose", [name], perm=perm) if perm else name


def _features(model: keras.Model) -> keras.KerasTensor:
    """The last feature maps, the input of the head's pooling or flattening."""
    for layer in model.layers:
        if isinstance(layer, layers.GlobalAveragePooling2D | layers.Flatten):
            return layer.input
    raise ModelError("The network has no pooling or flattening head, which Grad-CAM needs.")


def _outputs(w: GraphWriter, model: keras.Model, names: dict[int, str]) -> None:
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
    else:  # mean pooling distributes each gradient evenly over height x width cells
        weights = w.add("Div", [gradient, w.constant(float(height * width))])
    column = w.add("Unsqueeze", [w.add("Unsqueeze", [weights, w.constant([-1], np.int64)]), w.constant([-1], np.int64)])
    weighted = w.add("Mul", [names[id(features)], column])
    w.add("ReduceSum", [weighted, w.constant([1], np.int64)], output="map", keepdims=0)
