import pytest
from tiny_model import make_registry

from pneumo.cli import doctor
from pneumo.cli.main import main
from pneumo.errors import ExchangeError


@pytest.fixture(autouse=True)
def models(tmp_path, monkeypatch):
    monkeypatch.setattr(doctor, "_protections", lambda: (True, "tried elsewhere"))  # it starts processes
    monkeypatch.setenv("PNEUMO_DATA_DIR", str(tmp_path / "data"))
    for name in ("PNEUMO_PACS", "PNEUMO_STOW_URL", "PNEUMO_RECORD"):
        monkeypatch.delenv(name, raising=False)
    root = make_registry(tmp_path / "models")
    monkeypatch.setenv("PNEUMO_MODELS_DIR", str(root))
    return root


def rows(capsys) -> dict[str, tuple[str, str]]:
    return {what: (state, words) for what, state, words in (line.split("\t") for line in capsys.readouterr().out.splitlines())}


def test_what_works_and_what_is_not_set_up(capsys):
    assert main(["doctor"]) == 0
    said = rows(capsys)
    assert said["answer"][0] == "yes"
    assert "tiny" in said["answer"][1]
    assert said["train"][0] == "yes"
    assert "pneumo data download" in said["data set"][1]
    assert [said[what][0] for what in ("data set", "send", "keep a record")] == ["-", "-", "-"]


def test_a_model_that_does_not_verify_fails(models, capsys):
    (models / "tiny" / "model.onnx").write_bytes(b"altered")
    assert main(["doctor"]) == 1
    state, words = rows(capsys)["answer"]
    assert state == "NO"
    assert "tiny" in words


def test_settings_that_do_not_fit_are_named(monkeypatch, capsys):
    monkeypatch.setenv("PNEUMO_PACS", "pacs")
    assert main(["doctor"]) == 1
    assert rows(capsys)["send"][0] == "NO"


def test_the_archive_is_asked_only_on_request(monkeypatch, capsys):
    def echo(archive, settings):
        raise ExchangeError(f"{archive.ae_title} does not answer.")

    monkeypatch.setattr("pneumo.exchange.dimse.echo", echo)
    monkeypatch.setenv("PNEUMO_PACS", "pacs.example.org:104:ARCHIVE")
    assert main(["doctor"]) == 0
    assert rows(capsys)["send"][1].startswith("capture, report by C-STORE to pacs.example.org; not encrypted; not tried")
    assert main(["doctor", "--connect"]) == 1
    assert rows(capsys)["send"] == ("NO", "ARCHIVE does not answer.")


def test_a_new_record_is_no_fault(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PNEUMO_RECORD", f"sqlite:///{tmp_path / 'record.db'}")
    assert main(["doctor"]) == 0
    assert rows(capsys)["keep a record"] == ("yes", "switched on; no case is kept yet")
