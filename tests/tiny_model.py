"""A registry with one model small enough to reason about: logit = 20 (mean grey - 0.5), map = mean grey - 0.5 of 4 x 4 cells.

Features: mean grey - 0.5 of the upper and the lower half. Its gate refuses nothing. The folder is sealed, unsigned.
With `subtype` it has a second output: the logit of bacterial is the mean grey, divided by four in its calibration.
"""

import json
import math
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper

from pneumo.evaluation.calibration import Calibration
from pneumo.files import sha256
from pneumo.imaging.preprocess import VERSION, InputSpec
from pneumo.inference.reference import Reference
from pneumo.labels import LABELS
from pneumo.registry.model_folder import REFERENCE
from pneumo.registry.models import SERVED, ModelCard, write_card
from pneumo.registry.seal import seal_folder

SPEC = InputSpec(size=32, margin=16)
TRAIN_FILES = ["train/NORMAL/IM-0001-0001.png", "train/PNEUMONIA/person7_virus_1.png", "train/PNEUMONIA/<b>8.png"]
FIGURE = {"value": 0.9, "low": 0.85, "high": 0.95}


def cuts_at(**probabilities: float) -> dict[str, float]:
    """Cuts of the log likelihood ratio that give these probabilities at even odds, by operating point with _ for -."""
    return {name.replace("_", "-"): math.log(p / (1 - p)) for name, p in probabilities.items()}


def make_registry(root: Path, model: str = "tiny", subtype: bool = False) -> Path:
    """Write models/<model> with a card whose hashes match, and with invented test metrics."""
    folder = root / model
    folder.mkdir(parents=True)
    (folder / "model.keras").write_bytes(b"stands for weights")
    (folder / "model.onnx").write_bytes(_graph(subtype).SerializeToString())
    tiny_reference().save(folder / REFERENCE)
    card = ModelCard(
        id=model,
        architecture="tiny",
        classes=LABELS,
        input=SPEC,
        preprocessing=VERSION,
        calibration=Calibration(temperature=2.0, bias=0.0),
        cuts={"balanced": 0.0, "rule-out": -math.log(3), "rule-in": math.log(3)},  # at even odds 0.5, 0.25 and 0.75
        heatmap_scale=0.5,
        heatmap_centres=(0.125, 0.875),
        selection_loss=0.1,
        training={"seed": 0},
        epochs_run=1,
        best_epoch=1,
        manifest_sha256="0" * 64,
        data="generated",
        versions={},
        commit="test",
        created="2026-01-01",
        files={name: sha256(folder / name) for name in SERVED},
        subtype_calibration=Calibration(temperature=4.0) if subtype else None,
    )
    write_card(card, folder)
    names = ("auc", "accuracy", "sensitivity", "specificity", "precision", "recall", "f1")
    figures = dict.fromkeys(names, FIGURE)
    points = {name: {"threshold": cut, **figures} for name, cut in card.operating_points.items()}
    test = {
        "n": 10,
        "patients": 9,
        **figures,
        "brier": 0.1,
        "ece": 0.02,
        "prevalence": 0.5,
        "calibration": {"intercept": FIGURE, "slope": FIGURE},
        "confusion_matrix": [[4, 1], [0, 5]],
    }
    if subtype:
        kinds = ("accuracy", "sensitivity", "specificity")
        test["subtype"] = {"n": 5, "auc": {"value": 0.8, "low": 0.7, "high": 0.85}, **dict.fromkeys(kinds, FIGURE)}
    (folder / "metrics.json").write_text(json.dumps({"test": {**test, "operating_points": points}}))
    seal_folder(folder)
    return root


def put(path: Path, data: str | bytes) -> None:
    """Write a file of a model folder and seal the folder again, so that only the file's content can be refused."""
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    seal_folder(path.parent)


def tiny_reference(odds: float = 0.0) -> Reference:
    """Three train images. Every image has log odds `odds` of not being a chest; refused above 1."""
    one = np.ones(1, np.float32)
    return Reference(
        np.array(TRAIN_FILES),
        np.array([0, 1, 1], np.uint8),
        np.array([0, 2, 1], np.uint8),
        np.array([(1, 0), (0, 1), (-1, -1)], np.float32),
        np.zeros(2, np.float32),
        np.eye(2, dtype=np.float32),
        one,
        np.zeros(784, np.float32),
        np.zeros((1, 784), np.float32),
        one,
        np.ones(3, np.float32),
        np.append(np.zeros(10), odds).astype(np.float32),
        np.ones(2, np.float32),
        np.zeros((5, 785), np.float32),
    )


def _graph(subtype: bool) -> onnx.ModelProto:
    info, node = helper.make_tensor_value_info, helper.make_node
    nodes = [
        node("Sub", ["radiograph", "half"], ["centred"]),
        node("ReduceMean", ["centred"], ["mean"], axes=[1, 2, 3], keepdims=0),
        node("Mul", ["mean", "twenty"], ["logit"]),
        node("Transpose", ["centred"], ["planes"], perm=[0, 3, 1, 2]),
        node("AveragePool", ["planes"], ["cells"], kernel_shape=[8, 8], strides=[8, 8]),
        node("Squeeze", ["cells", "one"], ["map"]),
        node("AveragePool", ["planes"], ["halves"], kernel_shape=[16, 32], strides=[16, 32]),
        node("Flatten", ["halves"], ["features"]),
        *([node("ReduceMean", ["radiograph"], ["bacterial"], axes=[1, 2, 3], keepdims=0)] if subtype else []),
    ]
    constants = [
        helper.make_tensor("half", TensorProto.FLOAT, [], [0.5]),
        helper.make_tensor("twenty", TensorProto.FLOAT, [], [20.0]),
        helper.make_tensor("one", TensorProto.INT64, [1], [1]),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [info("radiograph", TensorProto.FLOAT, ["n", 32, 32, 1])],
        [
            info("logit", TensorProto.FLOAT, ["n"]),
            info("map", TensorProto.FLOAT, ["n", 4, 4]),
            info("features", TensorProto.FLOAT, ["n", 2]),
            *([info("bacterial", TensorProto.FLOAT, ["n"])] if subtype else []),
        ],
        initializer=constants,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
