"""A graph of three kernels, two of which produce the map, and a graph whose map does not depend on them."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from tiny_model import make_registry

from pneumo.registry.models import read_card
from pneumo.studies.randomisation import kernels, randomisation_test, rank_correlation


@pytest.fixture
def card(tmp_path):
    return read_card("tiny", make_registry(tmp_path / "models"))


@pytest.fixture
def inputs():
    return np.random.default_rng(0).random((6, 16, 16, 1), np.float32)


def network(folder, learned):
    """input -> first kernel -> second kernel -> map, its kernels as external data; a third kernel serves another output.

    With `learned` False the kernels do not reach the map, which is the image itself in cells.
    """
    rng = np.random.default_rng(1)
    shapes = {"first/kernel": (8, 1, 3, 3), "second/kernel": (1, 8, 1, 1), "other/kernel": (1, 8, 1, 1)}
    values = {name: rng.standard_normal(shape).astype(np.float16) for name, shape in shapes.items()}
    (folder / "model.keras").write_bytes(b"head" + b"".join(value.tobytes() for value in values.values()))
    tensors, offset = [], 4
    for name, value in values.items():
        tensor = TensorProto(name=name, data_type=TensorProto.FLOAT16, dims=value.shape, data_location=TensorProto.EXTERNAL)
        for key, entry in (("location", "model.keras"), ("offset", offset), ("length", value.nbytes)):
            tensor.external_data.add(key=key, value=str(entry))
        tensors.append(tensor)
        offset += value.nbytes
    node = helper.make_node
    nodes = [
        node("Transpose", ["radiograph"], ["planes"], perm=[0, 3, 1, 2]),
        *(node("Cast", [name], [f"{name}32"], to=TensorProto.FLOAT) for name in values),
        node("Conv", ["planes", "first/kernel32"], ["features"], auto_pad="SAME_UPPER"),
        node("Conv", ["features", "second/kernel32"], ["sum"]),
        node("Conv", ["features", "other/kernel32"], ["elsewhere"]),
        node("AveragePool", ["sum" if learned else "planes"], ["cells"], kernel_shape=[4, 4], strides=[4, 4]),
        node("Squeeze", ["cells", "one"], ["map"]),
        node("ReduceMean", ["sum"], ["logit"], axes=[1, 2, 3], keepdims=0),
        node("ReduceMean", ["elsewhere"], ["bacterial"], axes=[1, 2, 3], keepdims=0),
    ]
    info = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "three",
        [info("radiograph", TensorProto.FLOAT, ["n", 16, 16, 1])],
        [
            info("logit", TensorProto.FLOAT, ["n"]),
            info("map", TensorProto.FLOAT, ["n", 4, 4]),
            info("bacterial", TensorProto.FLOAT, ["n"]),
        ],
        initializer=[*tensors, numpy_helper.from_array(np.array([1]), "one")],
    )
    path = folder / "model.onnx"
    path.write_bytes(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9).SerializeToString())
    return path


def test_kernels_of_the_map_from_the_top_down(tmp_path):
    path = network(tmp_path, learned=True)
    assert kernels(onnx.load(path).graph) == ["second/kernel", "first/kernel"]


def test_a_learned_map_is_lost(tmp_path, card, inputs):
    path = network(tmp_path, learned=True)
    stored = [(tmp_path / name).read_bytes() for name in ("model.onnx", "model.keras")]
    layers = randomisation_test(card, path, inputs)
    assert [layer["name"] for layer in layers] == ["second", "first"]
    assert all(abs(layer["correlation"]) < 0.6 for layer in layers)
    assert layers == randomisation_test(card, path, inputs)
    assert [(tmp_path / name).read_bytes() for name in ("model.onnx", "model.keras")] == stored


def test_a_map_that_does_not_depend_on_its_kernels_has_none(tmp_path, card, inputs):
    assert randomisation_test(card, network(tmp_path, learned=False), inputs) == []


def test_an_untouched_map_would_correlate_fully(tmp_path, card, inputs, monkeypatch):
    path = network(tmp_path, learned=True)
    monkeypatch.setattr("pneumo.studies.randomisation._redrawn", lambda model, names, seed: model)
    for layer in randomisation_test(card, path, inputs):
        assert layer["correlation"] == pytest.approx(1.0)
        assert layer["signed"] == pytest.approx(1.0)


def test_flat_maps_are_undefined(tmp_path, card, inputs):
    layers = randomisation_test(card, network(tmp_path, learned=True), 0 * inputs)
    assert [(layer["correlation"], layer["signed"]) for layer in layers] == [(None, None)] * 2


def test_rank_correlation():
    rising = np.arange(4.0).reshape(1, 2, 2)
    maps = np.concatenate([rising, rising, rising, rising])
    others = np.concatenate([rising**3, -rising, np.array([[[1.0, 0.0], [3.0, 2.0]]]), np.ones((1, 2, 2))])
    np.testing.assert_allclose(rank_correlation(maps, others), [1.0, -1.0, 0.6, np.nan])
