"""Each file of a model folder has one name and one reader, which trusts only what the manifest lists."""

import json

import pytest
from tiny_model import make_registry

from pneumo.errors import ModelError
from pneumo.evaluation.gate_figures import GateFigures
from pneumo.registry.model_folder import CAUTIONS, GATE, METRICS, ROBUSTNESS, ModelFolder, store

SHARE = {"value": 0.1, "low": 0.0, "high": 0.2}
GROUP = {"role": "chest", "name": "X-rays", "n": 3, "rejected": SHARE, "told": SHARE}
FIGURES = {
    "split": "test",
    "model_sha256": "ab",
    "made": "2026-01-02",
    "cuts": [1.0, 2.0],
    "chest_rejected": SHARE,
    "foreign_rejected": SHARE,
    "groups": [GROUP],
}


@pytest.fixture
def folder(tmp_path):
    make_registry(tmp_path, "tiny")
    return ModelFolder.of("tiny", tmp_path)


def test_an_unknown_model_names_the_known_ones(folder):
    with pytest.raises(ModelError, match=r"No model 'other' in .*; the models there: tiny"):
        ModelFolder.of("other", folder.root)


def test_what_is_stored_is_listed_and_read(folder):
    assert not folder.holds(GATE)
    assert folder.gate() is None
    store(folder.path, GATE, FIGURES)
    assert folder.holds(GATE)
    gate = folder.gate()
    assert gate == GateFigures.from_dict(FIGURES)
    assert (gate.groups[0].n, gate.groups[0].originals, gate.groups[0].rejected) == (3, None, SHARE)
    assert "too narrow" in gate.intervals  # of a file that does not say how
    assert GateFigures.from_dict(json.loads(json.dumps(gate.to_dict()))) == gate


@pytest.mark.parametrize("name", [GATE, CAUTIONS, ROBUSTNESS, METRICS])
def test_an_altered_file_is_refused(folder, name):
    store(folder.path, name, FIGURES)
    (folder.path / name).write_text(json.dumps({**FIGURES, "split": "train"}))
    with pytest.raises(ModelError, match=f"{name} was altered"):
        getattr(folder, name.removesuffix(".json"))()


@pytest.mark.parametrize("name", [GATE, CAUTIONS])
@pytest.mark.parametrize("content", [{}, {"groups": 3, "cautions": 3}, [1]])
def test_a_file_of_another_form_is_refused_with_its_name(folder, name, content):
    store(folder.path, name, content)
    with pytest.raises(ModelError, match=f"{name} of model tiny does not fit"):
        getattr(folder, name.removesuffix(".json"))()
