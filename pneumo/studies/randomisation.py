"""Cascading randomisation test of heatmaps (Adebayo et al., NeurIPS 2018), on the serving graph, without Keras.

A heatmap that stays the same with random weights does not depend on what the network learned.
"""

import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper
from scipy.stats import rankdata

from pneumo.inference.predictor import Predictor
from pneumo.registry.models import ModelCard

SEEDS = range(5)


def randomisation_test(card: ModelCard, graph: Path, inputs: np.ndarray) -> list[dict[str, float | str | None]]:
    """[{name, correlation, signed}]: rank correlation of maps with all layers from the output down to `name` randomised.

    `inputs` float32 (n, size, size, 1). Kernels are drawn from a normal distribution with their own root mean square; biases and
    batch norms stay. The steps take 1, 2, 4, 8 ... kernels and finally all. `correlation` is Spearman's over the absolute map,
    mean over images and five draws; near 0 nothing of the map is left. `signed` uses the signed map and scatters more. None
    where every map was flat.
    """
    model = onnx.load(graph)
    names = kernels(model.graph)
    before = Predictor(card, graph).run(inputs).maps
    layers = []
    for count in _steps(len(names)):
        plain, signed = [], []
        for seed in SEEDS:
            after = _maps(card, _redrawn(model, names[:count], seed), inputs)
            plain.append(rank_correlation(np.abs(before), np.abs(after)))
            signed.append(rank_correlation(before, after))
        name = names[count - 1].removesuffix("/kernel")
        layers.append({"name": name, "correlation": finite_mean(plain), "signed": finite_mean(signed)})
    return layers


def kernels(graph: onnx.GraphProto) -> list[str]:
    """Initializers of two or more dimensions that the output `map` depends on, last used first."""
    many = {tensor.name for tensor in graph.initializer if len(tensor.dims) >= 2}
    used, needed = [], {"map"}
    for node in reversed(graph.node):
        if needed & set(node.output):
            needed |= set(node.input)
    for node in graph.node:
        used += [name for name in node.input if name in many and name in needed and name not in used]
    return used[::-1]


def rank_correlation(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Spearman's correlation, float64 (n,), of each pair of maps (n, h, w); NaN where either is flat."""
    ranks = [rankdata(maps.reshape(len(maps), -1), axis=1) for maps in (first, second)]
    a, b = (r - r.mean(axis=1, keepdims=True) for r in ranks)
    with np.errstate(invalid="ignore"):
        rho: np.ndarray = (a * b).sum(axis=1) / np.sqrt((a * a).sum(axis=1) * (b * b).sum(axis=1))
    return rho


def _steps(count: int) -> list[int]:
    steps = [2**power for power in range(count.bit_length()) if 2**power < count]
    return [*steps, count] if count else []


def _redrawn(model: onnx.ModelProto, names: list[str], seed: int) -> onnx.ModelProto:
    randomised = onnx.ModelProto()
    randomised.CopyFrom(model)
    rng = np.random.default_rng(seed)
    for tensor in randomised.graph.initializer:
        if tensor.name in names:
            values = numpy_helper.to_array(tensor)
            scale = np.sqrt(np.mean(np.square(values, dtype=np.float32)))
            drawn = (scale * rng.standard_normal(values.shape, np.float32)).astype(values.dtype)
            tensor.CopyFrom(numpy_helper.from_array(drawn, tensor.name))
    return randomised


def _maps(card: ModelCard, model: onnx.ModelProto, inputs: np.ndarray) -> np.ndarray:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "random.onnx"
        onnx.save(model, path)
        return Predictor(card, path).run(inputs).maps


def finite_mean(values: npt.ArrayLike, undefined: float | None = None) -> float | None:
    """The mean of what is finite; `undefined` where nothing is."""
    defined = np.ravel(values)[np.isfinite(np.ravel(values))]
    return float(defined.mean()) if len(defined) else undefined
