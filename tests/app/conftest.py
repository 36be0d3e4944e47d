from functools import partial

import pytest
from phantom_sets import copy_set
from tiny_model import make_registry

from pneumo.inference.finding import read
from pneumo.inference.predictor import Predictor
from pneumo.training.jobs import queue


@pytest.fixture
def tiny(tmp_path, monkeypatch) -> Predictor:
    """The model `tiny`; its registry has `other` as well, with a subtype output."""
    root = make_registry(tmp_path / "models")
    make_registry(root, "other", subtype=True)
    monkeypatch.setenv("PNEUMO_MODELS_DIR", str(root))
    return Predictor.load("tiny")


@pytest.fixture
def record_folder(tmp_path, monkeypatch):
    """Where the record is kept, in record.sqlite."""
    monkeypatch.setenv("PNEUMO_MODELS_DIR", str(make_registry(tmp_path / "models")))
    monkeypatch.setattr("pneumo.inference.batch.read", partial(read, gated=False))  # so that plain grey pictures get answers
    monkeypatch.setenv("PNEUMO_RECORD", f"sqlite:///{tmp_path / 'record.sqlite'}")
    monkeypatch.delenv("PNEUMO_RECORD_DAYS", raising=False)
    return tmp_path


@pytest.fixture(scope="module")
def phantoms(tmp_path_factory):
    root = tmp_path_factory.mktemp("phantoms") / "set"
    copy_set(root, patients=10)
    return root


@pytest.fixture
def runs(tmp_path, phantoms, monkeypatch):
    """An empty folder of runs, beside a registry and phantoms to train on; no worker starts."""
    monkeypatch.setenv("PNEUMO_MODELS_DIR", str(make_registry(tmp_path / "models")))
    monkeypatch.setenv("PNEUMO_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("PNEUMO_DATA_DIR", str(phantoms))
    monkeypatch.setenv("PNEUMO_RUNS_DIR", str(tmp_path / "runs"))
    monkeypatch.setattr(queue, "ensure_worker", lambda runs: None)
    (tmp_path / "runs").mkdir()
    return tmp_path / "runs"


@pytest.fixture
def calls(monkeypatch):
    """The jobs that the Train page asked for, in order; none of them is started."""
    made = []
    for name in ("submit", "cancel", "resume", "delete", "start_promotion"):
        monkeypatch.setattr(queue, name, lambda *words, name=name: made.append((name, *words)))
    return made
