"""Damaged, replaced or malicious model folders: each is refused by name and gives no answer.

The registry holds two tiny models; `tiny` is the better one and so the default. The changes are those that an accident or an
attacker could make on disk. Where a later check is tested, manifest and card are updated to match.
"""

import io
import json
import pickle
import re
import shutil
import zipfile
from pathlib import Path

import keras
import numpy as np
import onnx
import pytest
import tiny_model
from onnx import TensorProto, helper, numpy_helper
from opened_app import open_app
from tiny_model import make_registry

from pneumo.cli.main import main
from pneumo.errors import ConfigError, ModelError
from pneumo.files import sha256
from pneumo.imaging.overlay import png
from pneumo.inference.lung_fields import LungFinder
from pneumo.inference.predictor import Predictor
from pneumo.inference.reference import FILE as REFERENCE
from pneumo.registry.models import default_model

LUNGS = Path(__file__).parents[2] / "models" / "lungs"
WHITE = ("white.png", png(np.full((80, 120), 255, np.uint8)), "image/png")
LATER_YEAR = "a preprocessing of another year"


@pytest.fixture
def root(tmp_path, monkeypatch):
    root = make_registry(make_registry(tmp_path / "models"), "other")
    change_card(root, selection_loss=0.01)
    monkeypatch.setenv("PNEUMO_MODELS_DIR", str(root))
    return root


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
    """Remove one line of the card without updating the manifest. Without this line the gate was once off."""
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


@pytest.mark.parametrize("how", TAMPERED)
def test_tampered_models_are_refused_by_name(root, how, capsys):
    tamper, words = TAMPERED[how]
    assert Predictor.load("tiny").card.id == "tiny"
    tamper(root)
    with pytest.raises(ModelError, match=rf"(?s)(?=.*'tiny').*{words}"):
        Predictor.load("tiny")
    assert main(["models", "verify"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("\t")[0] for line in lines] == ["other", "tiny", "lungs"]
    assert lines[0].startswith("other\tok")
    assert "'tiny'" in lines[1]
    assert not (root / "trace").exists()  # no pickle was run


@pytest.mark.parametrize("how", ["flipped graph", "another's card"])
def test_predict_reports_a_broken_default(root, how, tmp_path, capsys, caplog):
    TAMPERED[how][0](root)
    (tmp_path / "white.png").write_bytes(WHITE[1])
    code = main(["predict", str(tmp_path / "white.png"), "--format", "json"])
    captured = capsys.readouterr()
    if how == "flipped graph":  # by its card still the default: no other model takes its place
        assert (code, captured.out) == (1, "")
        assert "'tiny' does not verify" in captured.err
    else:
        assert json.loads(captured.out)["model"] == "other"
        assert "Model 'tiny': id is 'other'" in caplog.text
        assert "The default is now other" in caplog.text
    assert main(["predict", str(tmp_path / "white.png"), "--model", "tiny"]) == 1
    assert "'tiny'" in capsys.readouterr().err


def diagnose():
    app = open_app()
    assert not app.exception
    return app


def drop(app):
    app.file_uploader[0].set_value([WHITE]).run()
    assert not app.exception
    return app


@pytest.mark.slow
@pytest.mark.parametrize("how", ["flipped graph", "another's card", "a pickle for a graph", "no weights"])
def test_the_app_names_the_model_it_uses_instead(root, how):
    TAMPERED[how][0](root)
    app = drop(diagnose())
    assert "'tiny'" in app.error[0].value
    assert "Answers below come from the model other, which verifies." in [warning.value for warning in app.warning]
    assert "probability of pneumonia" in " ".join(element.proto.body for element in app.get("html"))


@pytest.mark.slow
def test_the_app_gives_no_answer_when_no_model_verifies(root):
    for model in ("tiny", "other"):
        flip(root / model / "model.onnx")
    app = diagnose()
    assert any("'tiny' does not verify" in error.value for error in app.error)
    assert any("'other' does not verify" in error.value for error in app.error)
    assert "No model can answer" in app.error[-1].value
    drop(app)
    assert "probability of pneumonia" not in " ".join(element.proto.body for element in app.get("html"))


@pytest.mark.slow
def test_files_changed_while_the_app_runs_are_verified_again(root):
    app = drop(diagnose())
    assert app.warning == [] or "other" not in app.warning[0].value
    flip(root / "tiny" / "model.onnx")
    app.run()
    assert "'tiny' does not verify" in app.error[0].value
    assert "Answers below come from the model other, which verifies." in [warning.value for warning in app.warning]


def test_a_graph_replaced_after_hashing_is_not_loaded(root, monkeypatch):
    """The bytes that are loaded are those that were hashed, even if the file on disk has changed since."""
    original, image = Predictor.load("tiny"), np.full((224, 224), 200, np.uint8)
    from pneumo.inference import predictor as module

    def replace_graph(*arguments):
        model = original_verified(*arguments)
        (root / "tiny" / "model.onnx").write_bytes(graph())
        return model

    original_verified = module.verified
    monkeypatch.setattr(module, "verified", replace_graph)
    loaded = Predictor.load("tiny")
    assert loaded.answer(image).logit == original.answer(image).logit
    monkeypatch.undo()
    assert original.answer(image).logit == loaded.answer(image).logit  # a loaded model continues to serve
    monkeypatch.setenv("PNEUMO_MODELS_DIR", str(root))
    with pytest.raises(ModelError, match="altered"):
        Predictor.load("tiny")


@pytest.mark.slow
def test_a_model_removed_while_in_use(root):
    app = diagnose()
    shutil.rmtree(root / "tiny")
    drop(app)
    assert app.session_state["model"] == "other"
    assert default_model() == "other"


# Only training, promotion and reproduction load model.keras, always in Keras' safe mode.


def lambda_model(path, trace):
    """A .keras file with a Lambda layer that creates the file `trace` when it is loaded."""
    inputs = keras.Input((48, 48, 1))
    bad = keras.layers.Lambda(lambda x: [open(trace, "w").close(), x][1])(inputs)
    keras.Model(inputs, keras.layers.Dense(1)(keras.layers.Flatten()(bad))).save(path)
    Path(trace).unlink(missing_ok=True)  # building the model runs the layer once


def pickle_model(path, trace):
    path.write_bytes(pickle.dumps(Harm(trace)))


def zipped_pickle_model(path, trace):
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("config.json", pickle.dumps(Harm(trace)))
        file.writestr("metadata.json", "{}")


@pytest.mark.parametrize("make", [lambda_model, pickle_model, zipped_pickle_model])
def test_no_code_in_a_keras_file_is_run(make, tmp_path):
    from pneumo.nets.serving_graph import write_serving_graph
    from pneumo.training.config import make_config
    from pneumo.training.model_builder import build_network, load_layers
    from pneumo.training.promote import promote_run

    trace, bad = tmp_path / "trace", tmp_path / "best.keras"
    make(bad, str(trace))
    config = make_config("cnn", {"filters": "4,8", "dense": 8, "size": 48})
    (tmp_path / "config.json").write_text(json.dumps(config.to_dict()))
    with pytest.raises(ModelError, match=r"best\.keras .*cannot be loaded.*safe mode"):
        promote_run(tmp_path, "bad", tmp_path, "test", root=tmp_path / "models")
    with pytest.raises(ConfigError, match="No earlier network"):
        load_layers(build_network(config), bad)
    with pytest.raises(ModelError, match="cannot be loaded"):
        write_serving_graph(bad, tmp_path / "out.onnx")
    assert list((tmp_path / "models").iterdir()) == []
    assert not trace.exists()


# Lung segmenter


@pytest.fixture
def lungs(tmp_path, root):
    shutil.copytree(LUNGS, root / "lungs")
    return root / "lungs"


def test_the_lung_segmenter_is_verified_as_well(lungs, capsys):
    assert main(["models", "verify"]) == 0
    assert "lungs\tok\tsigned by the project (key " in capsys.readouterr().out
    described = json.loads((lungs / "lungs.json").read_text())
    graph_file = (lungs / "lungs.onnx").read_bytes()

    def refused(words):
        with pytest.raises(ModelError, match=words):
            LungFinder.load(lungs)
        capsys.readouterr()
        assert main(["models", "verify"]) == 1
        assert "lungs\t" in capsys.readouterr().out

    def describe(**changes):
        tiny_model.put(lungs / "lungs.json", json.dumps({**described, **changes}))

    flip(lungs / "lungs.onnx")
    refused(r"lungs\.onnx was altered. Restore")
    (lungs / "lungs.onnx").write_bytes(pickle.dumps(Harm(lungs / "trace")))
    describe(sha256=sha256(lungs / "lungs.onnx"))
    refused(r"lungs\.onnx is no graph")
    (lungs / "lungs.onnx").write_bytes(graph("verdict"))
    describe(sha256=sha256(lungs / "lungs.onnx"))
    refused(r"lungs\.onnx is another kind")
    (lungs / "lungs.onnx").write_bytes(graph_file)
    describe(preprocessing=LATER_YEAR)
    refused("another preprocessing")
    (lungs / "lungs.onnx").unlink()
    refused(r"lungs\.onnx is missing")
    (lungs / "lungs.onnx").write_bytes(graph_file)
    tiny_model.put(lungs / "lungs.json", "[]")
    refused(r"lungs\.json is damaged")
    (lungs / "MANIFEST").unlink()
    refused("MANIFEST is missing")
    assert not (lungs / "trace").exists()
