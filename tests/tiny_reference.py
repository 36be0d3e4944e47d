"""A reference for the model of tiny_model, so that its gate and its similar cases have something to go by."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper

from pneumo.files import sha256
from pneumo.inference.reference import FILE, Reference
from pneumo.registry import read_card, write_card

FILES = ["train/NORMAL/IM-0001-0001.png", "train/PNEUMONIA/person7_virus_1.png", "train/PNEUMONIA/<b>8.png"]


def with_reference(root: Path, model: str = "tiny", odds: float = 0.0) -> None:
    """Features: mean grey of the upper and the lower half; three train images. Every image has these log odds; refused above 1."""
    folder = root / model
    graph = onnx.load(folder / "model.onnx")
    graph.graph.node.extend([
        helper.make_node("AveragePool", ["planes"], ["halves"], kernel_shape=[16, 32], strides=[16, 32]),
        helper.make_node("Flatten", ["halves"], ["features"]),
    ])  # fmt: skip
    graph.graph.output.append(helper.make_tensor_value_info("features", TensorProto.FLOAT, ["n", 2]))
    onnx.save(graph, folder / "model.onnx")
    one = np.ones(1, np.float32)
    Reference(
        np.array(FILES), np.array([0, 1, 1], np.uint8), np.array([0, 2, 1], np.uint8),
        np.array([(1, 0), (0, 1), (-1, -1)], np.float32), np.zeros(2, np.float32), np.eye(2, dtype=np.float32), one,
        np.zeros(784, np.float32), np.zeros((1, 784), np.float32), one, np.ones(3, np.float32),
        np.append(np.zeros(10), odds).astype(np.float32), np.ones(2, np.float32), np.zeros((5, 785), np.float32),
    ).save(folder / FILE)  # fmt: skip
    change_card(root, model, files={name: sha256(folder / name) for name in ("model.keras", "model.onnx", FILE)})


def change_card(root: Path, model: str, **fields: Any) -> None:
    write_card(dataclasses.replace(read_card(model, root), **fields), root / model)
