"""A model with a known rule, from which every figure of a second opinion follows, and readings to compare with."""

import dataclasses

import numpy as np
import onnx
from onnx import TensorProto, helper
from readings import reading_of
from tiny_model import SPEC, make_registry

from pneumo.files import sha256
from pneumo.imaging.preprocess import model_input
from pneumo.inference.finding import Reading
from pneumo.inference.predictor import Predictor
from pneumo.inference.second_opinion import SecondOpinion, Vote
from pneumo.registry.models import read_card, write_card
from pneumo.reporting import second_opinion_words as words

CALLED, HEALTHY = (
    reading_of(0.9, low=0.5, high=0.5),
    reading_of(0.1, low=0.5, high=0.5),
)  # two zones, none in between


def warnings(opinion: SecondOpinion, votes: list[Vote], reading: Reading) -> tuple[str, ...]:
    """The sentences of warning when no rates are stored."""
    return tuple(caution.sentence for caution in words.cautions(opinion, votes, reading, {}))


def lungs() -> np.ndarray:
    """Two upright fields, bool (224, 224)."""
    mask = np.zeros((224, 224), bool)
    mask[70:160, 50:95] = mask[70:160, 130:175] = True
    return mask


def reader_of(root, mask: np.ndarray) -> Predictor:
    """A model with logit = 20 (mean grey inside `mask` - 0.5); its map is the grey of each 8 x 8 cell - 0.5."""
    make_registry(root)
    weight = model_input((mask * 255).astype(np.uint8), SPEC)
    weight = (weight >= 0.99).astype(np.float32)  # cells wholly inside
    weight *= 20.0 / weight.sum()
    info, node = helper.make_tensor_value_info, helper.make_node
    graph = helper.make_graph(
        [
            node("Sub", ["radiograph", "half"], ["centred"]),
            node("Mul", ["centred", "weight"], ["weighted"]),
            node("ReduceSum", ["weighted", "axes"], ["logit"], keepdims=0),
            node("Transpose", ["centred"], ["planes"], perm=[0, 3, 1, 2]),
            node("AveragePool", ["planes"], ["cells"], kernel_shape=[8, 8], strides=[8, 8]),
            node("Squeeze", ["cells", "one"], ["map"]),
            node("ReduceMean", ["planes"], ["features"], axes=[2, 3], keepdims=0),
        ],
        "reader",
        [info("radiograph", TensorProto.FLOAT, ["n", 32, 32, 1])],
        [
            info("logit", TensorProto.FLOAT, ["n"]),
            info("map", TensorProto.FLOAT, ["n", 4, 4]),
            info("features", TensorProto.FLOAT, ["n", 1]),
        ],
        initializer=[
            helper.make_tensor("half", TensorProto.FLOAT, [], [0.5]),
            helper.make_tensor("weight", TensorProto.FLOAT, weight.shape, weight.ravel()),
            helper.make_tensor("axes", TensorProto.INT64, [3], [1, 2, 3]),
            helper.make_tensor("one", TensorProto.INT64, [1], [1]),
        ],
    )
    path = root / "tiny" / "model.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)
    card = read_card("tiny", root)
    write_card(dataclasses.replace(card, files={**card.files, "model.onnx": sha256(path)}), root / "tiny", ("model.onnx",))
    predictor = Predictor.load("tiny", root)
    predictor.reference = None  # similar cases have their own tests
    return predictor
