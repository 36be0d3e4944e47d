"""Altered models in the app and on the command line: another one answers, and its name is said; no code in a model runs."""

import json
import pickle
import shutil
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest
import tiny_model
from opened_app import open_app
from tampering import LATER_YEAR, TAMPERED, WHITE, Harm, flip, graph

from pneumo.cli.main import main
from pneumo.errors import ConfigError, ModelError
from pneumo.files import sha256
from pneumo.inference.lung_fields import LungFinder
from pneumo.inference.predictor import Predictor
from pneumo.registry.models import default_model

pytestmark = pytest.mark.usefixtures("ungated")


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
    assert "probability of pneumonia" in " ".join(element.proto.body for element in (*app.get("html"), *app.markdown))


@pytest.mark.slow
def test_the_app_gives_no_answer_when_no_model_verifies(root):
    for model in ("tiny", "other"):
        flip(root / model / "model.onnx")
    app = diagnose()
    assert any("'tiny' does not verify" in error.value for error in app.error)
    assert any("'other' does not verify" in error.value for error in app.error)
    assert "No model can answer" in app.error[-1].value
    drop(app)
    assert "probability of pneumonia" not in " ".join(element.proto.body for element in (*app.get("html"), *app.markdown))


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
