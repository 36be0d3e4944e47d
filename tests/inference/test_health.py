import pytest
from record.making import ANSWER, make_record
from tiny_model import make_registry

from pneumo.imaging.decoding import pool
from pneumo.inference.health import Health, check_health


@pytest.fixture(autouse=True)
def models(tmp_path, monkeypatch):
    root = make_registry(tmp_path / "models")
    monkeypatch.setenv("PNEUMO_MODELS_DIR", str(root))
    monkeypatch.delenv("PNEUMO_RECORD", raising=False)
    return root


def test_everything_requested_works():
    assert check_health() == Health(models=True, decoder=True, record=None)
    assert check_health().serving


def test_one_altered_model_is_enough(models, caplog):
    make_registry(models, "other")
    (models / "other" / "model.onnx").write_bytes(b"altered")
    health = check_health()
    assert (health.models, health.serving, health.failing) == (False, False, ["models"])
    assert "other" in caplog.text


def test_no_model(models, monkeypatch, tmp_path):
    monkeypatch.setenv("PNEUMO_MODELS_DIR", str(tmp_path / "none"))
    assert check_health().failing == ["models"]


@pytest.mark.parametrize("program", ["/nowhere/python", "/bin/false"])
def test_no_decoding_process(monkeypatch, program):
    monkeypatch.setattr(pool.sys, "executable", program)
    assert check_health() == Health(models=True, decoder=False, record=None)


def test_the_check_of_the_record_writes_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("PNEUMO_RECORD", f"sqlite:///{tmp_path / 'record.sqlite'}")
    assert check_health().record is True
    assert not (tmp_path / "record.sqlite").exists()  # a check creates no record
    record = make_record(tmp_path)
    record.keep([ANSWER], "a")
    before = record.verify()
    assert check_health().record is True
    assert record.verify() == before


def test_a_record_that_cannot_be_written(tmp_path, monkeypatch):
    monkeypatch.setenv("PNEUMO_RECORD", f"sqlite:///{tmp_path / 'gone' / 'record.sqlite'}")
    assert check_health().failing == ["record"]
    (tmp_path / "record.sqlite").write_bytes(b"no database" * 100)
    monkeypatch.setenv("PNEUMO_RECORD", f"sqlite:///{tmp_path / 'record.sqlite'}")
    assert check_health().failing == ["record"]
    monkeypatch.setenv("PNEUMO_RECORD", "no address")
    assert check_health().failing == ["record"]


def test_a_full_disk(tmp_path, monkeypatch):
    make_record(tmp_path).keep([ANSWER], "a")
    monkeypatch.setenv("PNEUMO_RECORD", f"sqlite:///{tmp_path / 'record.sqlite'}")
    monkeypatch.setattr("pneumo.record.database._ROOM", 1 << 60)
    assert check_health().failing == ["record"]
