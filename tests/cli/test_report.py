import io
import json
import os
import sys
import zipfile

import numpy as np
import pytest
from pypdf import PdfReader
from signed_models import sign
from tiny_model import cuts_at, make_registry, put
from tiny_reference import change_card

from pneumo.cli.main import main
from pneumo.imaging.overlay import png
from pneumo.inference.gate import REJECT, Gate

pytestmark = pytest.mark.usefixtures("ungated")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An X-ray named like a patient, and a registry with one model."""
    monkeypatch.setenv("PNEUMO_MODELS_DIR", str(make_registry(tmp_path / "models")))
    (tmp_path / "Beeblebrox.png").write_bytes(png(np.full((80, 100), 255, np.uint8)))
    return tmp_path


def words(path) -> str:
    (page,) = PdfReader(path).pages
    return " ".join(page.extract_text().split())


def test_report_of_the_default_model(folder, capsys):
    out = folder / "out.pdf"
    assert main(["report", str(folder / "Beeblebrox.png"), "--output", str(out)]) == 0
    assert capsys.readouterr().out.splitlines() == [str(out)]
    said = words(out)
    assert "PNEUMONIA High: speaks for pneumonia (rule-in)" in said
    assert "Model tiny" in said
    assert "agreement: not stated" in said
    assert "Beeblebrox" not in said
    raw = PdfReader(io.BytesIO(out.read_bytes()))
    assert b"Beeblebrox" not in b"".join([out.read_bytes(), str(raw.metadata).encode()])
    assert [path.name for path in folder.glob("out*")] == ["out.pdf"]


def test_every_flag_appears_in_the_report(folder):
    out = folder / "out.pdf"
    words_typed = ["--note", "crackles", "--agreement", "agree", "--reference", "Bed 4", "--operating-point", "rule-in"]
    assert main(["report", str(folder / "Beeblebrox.png"), "--model", "tiny", "--output", str(out), *words_typed]) == 0
    said = words(out)
    for part in ("note: crackles", "agreement: agree, with the answer PNEUMONIA", "Reference Bed 4", "threshold 0.75"):
        assert part in said


@pytest.mark.parametrize(
    ("content", "told"),
    [(b"Dear colleague", "not read"), (png(np.zeros((8, 8), np.uint8)), "not answered"), (None, "cannot be opened")],
)
def test_without_an_answer_there_is_no_report(folder, capsys, content, told):
    given, out = folder / "given.png", folder / "out.pdf"
    if content is not None:
        given.write_bytes(content)
    assert main(["report", str(given), "--output", str(out)]) == 1
    captured = capsys.readouterr()
    assert told in captured.err
    assert captured.out == ""
    assert not out.exists()


@pytest.mark.parametrize("command", [["report", "--output", "out.pdf"], ["second-opinion"]])
def test_an_archive_of_two_x_rays_is_refused(folder, capsys, monkeypatch, command):
    monkeypatch.chdir(folder)
    with zipfile.ZipFile("study.zip", "w") as archive:
        for name in ("1.png", "2.png"):
            archive.write("Beeblebrox.png", name)
    assert main([*command, "study.zip"]) == 1
    assert "study.zip holds 2 X-rays; expected one. Unpack it and give one file." in capsys.readouterr().err
    assert not (folder / "out.pdf").exists()


@pytest.mark.parametrize("command", [["report", "--output", "out.pdf"], ["second-opinion"]])
def test_reasons_are_sentences_in_a_row(folder, capsys, monkeypatch, command):
    monkeypatch.chdir(folder)
    two = Gate(REJECT, ("It is dark.", "It is turned."))
    monkeypatch.setattr("pneumo.inference.finding.check", lambda *_: two)
    assert main([*command, "Beeblebrox.png"]) == 1
    assert "It is dark. It is turned." in capsys.readouterr().err


@pytest.mark.skipif(sys.platform != "linux", reason="names that other systems do not take")
@pytest.mark.parametrize("command", [["report", "--output", "out.pdf"], ["second-opinion"]])
@pytest.mark.parametrize("readable", [True, False])
def test_a_hostile_name_stops_no_command_and_does_not_control_the_terminal(folder, capsys, monkeypatch, command, readable):
    monkeypatch.chdir(folder)
    given = folder / os.fsdecode(b"M\xfcller \x1b[31m\nforged.png")
    given.write_bytes((folder / "Beeblebrox.png").read_bytes() if readable else b"Dear colleague")
    assert main([*command, given.name]) == (0 if readable else 1)
    out, err = capsys.readouterr()
    assert (out + err).encode("utf-8")
    assert "\x1b" not in out + err
    if not readable:
        assert r"M\xfcller \x1b[31m\nforged.png: not read" in err
    elif command == ["second-opinion"]:
        assert json.loads(out)["file"] == "M\\xfcller \x1b[31m\nforged.png"


@pytest.mark.parametrize("flags", [["--operating-point", "best"], ["--output", "{folder}/Beeblebrox.png"]])
def test_wrong_usage(folder, capsys, flags):
    before = (folder / "Beeblebrox.png").read_bytes()
    given = ["report", str(folder / "Beeblebrox.png"), "--output", str(folder / "out.pdf")]
    assert main([*given, *(flag.format(folder=folder) for flag in flags)]) == 2
    assert "best" in (told := capsys.readouterr().err) or "overwrite" in told
    assert (folder / "Beeblebrox.png").read_bytes() == before
    assert not (folder / "out.pdf").exists()


@pytest.mark.parametrize("out", ["absent/out.pdf", "Beeblebrox.png/out.pdf", "models"])
def test_an_output_path_that_cannot_be_written(folder, capsys, out):
    assert main(["report", str(folder / "Beeblebrox.png"), "--output", str(folder / out)]) == 1
    assert "cannot be written" in capsys.readouterr().err
    assert not list(folder.rglob("*.draft"))


def test_damaged_metrics_make_no_report(folder, capsys):
    put(folder / "models" / "tiny" / "metrics.json", "{")
    assert main(["report", str(folder / "Beeblebrox.png"), "--output", str(folder / "out.pdf")]) == 1
    assert "metrics.json of model 'tiny' is damaged" in capsys.readouterr().err


def test_the_second_opinion_is_included_unless_left_out(folder, monkeypatch):
    """A second model, signed, that calls nothing PNEUMONIA."""
    root = make_registry(folder / "models", "strict")
    change_card(root, "strict", cuts=cuts_at(balanced=0.9999, rule_out=0.9999, rule_in=0.9999), selection_loss=0.2)
    sign(monkeypatch, root, "strict")
    out = folder / "out.pdf"
    given = ["report", str(folder / "Beeblebrox.png"), "--model", "tiny", "--output", str(out)]
    assert main(given) == 0
    assert "Second opinion" in words(out)
    assert "The models disagree: 1 of 2 says NORMAL (strict)." in words(out)
    monkeypatch.setattr("pneumo.cli.second_opinion.compute_second_opinion", lambda *_: pytest.fail("asked"))
    assert main([*given, "--no-second-opinion"]) == 0
    assert "Second opinion" not in words(out)


def test_a_damaged_segmenter_does_not_prevent_the_report(folder):
    (folder / "models" / "lungs").mkdir()
    (folder / "models" / "lungs" / "lungs.json").write_text("{")
    assert main(["report", str(folder / "Beeblebrox.png"), "--output", str(folder / "out.pdf")]) == 0
    assert "Second opinion" in words(folder / "out.pdf")
