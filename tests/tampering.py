"""Ways to alter a model folder."""

import io
import json
import pickle
import re
from pathlib import Path

import numpy as np
import onnx
import tiny_model
from onnx import TensorProto, helper, numpy_helper

from pneumo.files import sha256
from pneumo.imaging.overlay import png
from pneumo.registry.model_folder import REFERENCE

LUNGS = Path(__file__).parents[1] / "models" / "lungs"


WHITE = ("white.png", png(np.full((80, 120), 255, np.uint8)), "image/png")


LATER_YEAR = "a preprocessing of another year"


def npz(**arrays) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def card(root, model="tiny"):
    return json.loads((root / model / "card.json").read_text())


def change_card(root, model="tiny", **changes):
    """Change the card and reseal the folder, so that only the card's content can be wrong."""
    tiny_model.put(root / model / "card.json", json.dumps({**card(root, model), **changes}))


def put(root, name, data):
    """Write a file of `tiny` and its hash to the card, so that only the file's content can be wrong."""
    (root / "tiny" / name).write_bytes(data)
    change_card(root, files={**card(root)["files"], name: sha256(root / "tiny" / name)})


def a_line_less(root):
    """Remove one line of the card without updating the manifest. An earlier version then had no gate."""
    path = root / "tiny" / "card.json"
    path.write_text(re.sub(r',\s*"reference.npz": "[0-9a-f]+"', "", path.read_text()))


def altered_figures(root):
    path = root / "tiny" / "metrics.json"
    path.write_text(path.read_text().replace('"value": 0.9', '"value": 1.0', 1))


def anothers_card(root):
    tiny_model.put(root / "tiny" / "card.json", (root / "other" / "card.json").read_text())


def change_points(root, **points):
    change_card(root, cuts={**card(root)["cuts"], **points})


def cut_short(path):
    path.write_bytes(path.read_bytes()[:-9])


def without_reference(root):
    """Remove the same line and reseal the folder."""
    change_card(root, files={name: digest for name, digest in card(root)["files"].items() if name != REFERENCE})


def flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


class Harm:
    """Creates the file `trace` when unpickled."""

    def __init__(self, trace):
        self.trace = trace

    def __reduce__(self):
        return open, (str(self.trace), "w")


def graph(output="logit", size=32, features=True) -> bytes:
    """A valid graph with other outputs or another input size than the card states."""
    outputs = [output, "map", "features"] if features else [output, "map"]
    built = helper.make_graph(
        [
            helper.make_node("ReduceMean", ["radiograph"], [output], axes=[1, 2, 3], keepdims=0),
            helper.make_node("ReduceMean", ["radiograph"], ["features"], axes=[1, 2], keepdims=0),
            helper.make_node("Identity", ["radiograph"], ["map"]),
        ],
        "other",
        [helper.make_tensor_value_info("radiograph", TensorProto.FLOAT, ["n", size, size, 1])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
    )
    return helper.make_model(built, opset_imports=[helper.make_opsetid("", 17)], ir_version=9).SerializeToString()


def with_outside_weights(folder: Path) -> bytes:
    """A graph with its weights in a separate file that has no hash in the card."""
    built = helper.make_graph(
        [
            helper.make_node("Mul", ["radiograph", "w"], ["map"]),
            helper.make_node("ReduceMean", ["map"], ["logit"], axes=[1, 2, 3], keepdims=0),
        ],
        "outside",
        [helper.make_tensor_value_info("radiograph", TensorProto.FLOAT, ["n", 32, 32, 1])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ("logit", "map")],
        [numpy_helper.from_array(np.ones((32, 32, 1), np.float32), "w")],
    )
    model = helper.make_model(built, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, folder / "model.onnx", save_as_external_data=True, location="weights.bin", size_threshold=0)
    return (folder / "model.onnx").read_bytes()


# Name: (change to `tiny`, pattern of the refusal besides the model's name).
TAMPERED = {
    "flipped weights": (lambda root: flip(root / "tiny" / "model.keras"), r"model\.keras was altered. Restore"),
    "flipped graph": (lambda root: flip(root / "tiny" / "model.onnx"), r"model\.onnx was altered. Restore"),
    "flipped reference": (lambda root: flip(root / "tiny" / REFERENCE), r"reference\.npz was altered. Restore"),
    "no weights": (lambda root: (root / "tiny" / "model.keras").unlink(), r"model\.keras is missing. Restore"),
    "no graph": (lambda root: (root / "tiny" / "model.onnx").unlink(), r"model\.onnx is missing. Restore"),
    "no reference": (lambda root: (root / "tiny" / REFERENCE).unlink(), r"reference\.npz is missing. Restore"),
    "a folder for a graph": (lambda root: [(root / "tiny/model.onnx").unlink(), (root / "tiny/model.onnx").mkdir()], "is missing"),
    "another's card": (lambda root: anothers_card(root), "id is 'other'"),
    "card without a hash": (lambda root: change_card(root, files={"model.keras": "0"}), r"no hash of model\.onnx.*Restore"),
    "card cut short": (lambda root: tiny_model.put(root / "tiny" / "card.json", '{"id": "ti'), "card .* damaged. Restore"),
    "a card without end": (lambda root: tiny_model.put(root / "tiny" / "card.json", "[" * 99999), "card .* damaged. Restore"),
    "card of wrong kinds": (lambda root: change_card(root, input=5), "card .* damaged. Restore"),
    "no manifest": (lambda root: (root / "tiny" / "MANIFEST").unlink(), "MANIFEST is missing. .*models sign tiny"),
    "a manifest of nothing": (lambda root: (root / "tiny" / "MANIFEST").write_text(""), "MANIFEST is damaged. Restore"),
    "a manifest cut short": (lambda root: cut_short(root / "tiny" / "MANIFEST"), "MANIFEST is damaged. Restore"),
    "a file more": (lambda root: (root / "tiny" / "notes.txt").write_text("x"), r"MANIFEST does not list notes\.txt. Remove"),
    "a folder more": (lambda root: (root / "tiny" / "old").mkdir(), "MANIFEST does not list old. Remove"),
    "a file less": (lambda root: (root / "tiny" / "metrics.json").unlink(), r"metrics\.json is missing. Restore"),
    "altered figures": (lambda root: altered_figures(root), r"metrics\.json was altered. Restore"),
    "a line less in the card": (lambda root: a_line_less(root), r"card\.json was altered. Restore"),
    "no reference in the card": (lambda root: without_reference(root), r"no hash of reference\.npz.*Restore"),
    "weights of another card": (lambda root: tiny_model.put(root / "tiny" / "model.keras", b"others"), r"model\.keras was altered"),
    "a way out of the folder": (
        lambda root: change_card(root, files={**card(root)["files"], "../x": "0" * 64}),
        "files is .*expected plain names",
    ),
    "an inverted model": (
        lambda root: change_card(root, calibration={"temperature": -1, "bias": 0}),
        "temperature is -1, expected more than 0",
    ),
    "no temperature": (
        lambda root: change_card(root, calibration={"temperature": 0.0, "bias": 0}),
        r"temperature is 0\.0, expected more than 0",
    ),
    "an endless bias": (
        lambda root: change_card(root, calibration={"temperature": 1, "bias": float("inf")}),
        "bias is inf, expected a finite",
    ),
    "a threshold that is none": (lambda root: change_points(root, balanced=float("nan")), "balanced is nan, expected a finite"),
    "a threshold of true": (lambda root: change_points(root, balanced=True), "expected numbers"),
    "zones the wrong way round": (lambda root: change_points(root, **{"rule-out": 9.0}), "do not rise in this order"),
    "no rule-out": (lambda root: change_card(root, cuts={"balanced": 0.5}), "expected cuts for rule-out, balanced"),
    "no heat": (lambda root: change_card(root, heatmap_scale=0), "heatmap_scale is 0, expected more than 0"),
    "heat elsewhere": (lambda root: change_card(root, heatmap_centres=[0.5, 40]), "heatmap_centres is .*expected two fractions"),
    "a size of 0": (lambda root: change_card(root, input={"size": 0, "margin": 16}), "size is 0, expected a side of 1 to"),
    "all of it margin": (lambda root: change_card(root, input={"size": 32, "margin": 112}), "margin is 112, expected less"),
    "the best of all losses": (lambda root: change_card(root, selection_loss=-1), "selection_loss is -1, expected 0 or more"),
    "a loss that is none": (lambda root: change_card(root, selection_loss=float("nan")), "selection_loss is nan"),
    "a number no float holds": (lambda root: change_card(root, heatmap_scale=10**400), "card .* damaged"),
    "perhaps mirrored": (lambda root: change_card(root, mirrored="no"), "mirrored is 'no', expected true or false"),
    "thresholds in words": (lambda root: change_card(root, cuts={"balanced": "low"}), "card .* damaged. Restore"),
    "wrong classes": (lambda root: change_card(root, classes=["PNEUMONIA", "NORMAL"]), "classes .* expected .* Promote"),
    "another preprocessing": (lambda root: change_card(root, preprocessing=LATER_YEAR), "preprocessing .* expected .* Promote"),
    "another version": (lambda root: change_card(root, card_version=3), "card version is 3, expected 2. Promote"),
    "a later field": (lambda root: change_card(root, ensemble=["a", "b"]), "ensemble.* Promote"),
    "a pickle for a graph": (lambda root: put(root, "model.onnx", pickle.dumps(Harm(root / "trace"))), r"model\.onnx is no graph"),
    "a pickle for a reference": (
        lambda root: put(root, REFERENCE, pickle.dumps(Harm(root / "trace"))),
        rf"{REFERENCE} does not fit",
    ),
    "a pickle within a reference": (
        lambda root: put(root, REFERENCE, npz(files=np.array([Harm(root / "trace")], object))),
        rf"{REFERENCE} does not fit",
    ),
    "one array for a reference": (lambda root: put(root, REFERENCE, array_file()), rf"{REFERENCE} does not fit"),
    "a reference of another version": (lambda root: put(root, REFERENCE, npz(files=np.zeros(3))), rf"{REFERENCE} does not fit"),
    "text for a graph": (lambda root: put(root, "model.onnx", b"Dear colleague"), r"model\.onnx is no graph"),
    "a graph of other outputs": (lambda root: put(root, "model.onnx", graph("verdict")), r"model\.onnx is another kind"),
    "a graph of another size": (lambda root: put(root, "model.onnx", graph(size=48)), r"model\.onnx is another kind"),
    "a graph without features": (lambda root: put(root, "model.onnx", graph(features=False)), r"model\.onnx is another kind"),
    "weights outside": (lambda root: put(root, "model.onnx", with_outside_weights(root / "tiny")), r"model\.onnx is no graph"),
}


def array_file() -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.zeros(3))
    return buffer.getvalue()
