import csv
import io
import json
import logging
import os
import re
import sys

import numpy as np
import pytest
from PIL import Image
from tiny_model import make_registry, put

from pneumo.cli import main as cli
from pneumo.cli import predict
from pneumo.cli.main import main
from pneumo.imaging.overlay import png

pytestmark = pytest.mark.usefixtures("ungated")

CONTRACT = {
    "file",
    "sha256",
    "status",
    "reasons",
    "warnings",
    "verdict",
    "label",
    "zone",
    "probability",
    "prevalence",
    "likelihood_ratio",
    "threshold",
    "operating_point",
    "subtype",
    "heatmap",
    "model",
    "model_sha256",
    "site_profile",
    "seconds",
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """White (PNEUMONIA), black (NORMAL), a text named .jpg and a note; a registry with one model."""
    monkeypatch.setenv("PNEUMO_MODELS_DIR", str(make_registry(tmp_path / "models")))
    images = tmp_path / "in box"
    (images / "deeper").mkdir(parents=True)
    (images / "black.png").write_bytes(png(np.zeros((80, 100), np.uint8)))
    (images / "deeper" / "weiß.png").write_bytes(png(np.full((80, 100), 255, np.uint8)))
    (images / "broken.jpg").write_text("a letter")
    (images / "note.txt").write_text("not looked at")
    return images


def lines(capsys):
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_json_of_a_folder(folder, capsys):
    assert main(["predict", str(folder), "--format", "json"]) == 1  # one could not be read
    rows = {row["file"]: row for row in lines(capsys)}
    assert list(rows) == [f"{folder}/black.png", f"{folder}/broken.jpg", f"{folder}/deeper/weiß.png"]
    black, broken, white = rows.values()
    assert set(black) == CONTRACT
    assert (black["label"], black["zone"], white["label"], white["zone"]) == ("NORMAL", "rule-out", "PNEUMONIA", "rule-in")
    assert white["probability"] == pytest.approx(1 / (1 + np.exp(-5)), abs=1e-6)
    assert (white["threshold"], white["operating_point"], white["model"]) == (0.5, "balanced", "tiny")
    assert broken["status"] == "error"
    assert "text file" in broken["reasons"][0]
    assert broken["label"] is broken["zone"] is broken["probability"] is None


@pytest.fixture
def telling(folder, tmp_path, monkeypatch):
    """The same files, with a model that tells bacterial from viral: sigmoid(1 / 4) for white."""
    monkeypatch.setenv("PNEUMO_MODELS_DIR", str(make_registry(tmp_path / "telling", subtype=True)))
    return folder


def test_subtype_where_pneumonia_is_called(telling, capsys):
    main(["predict", str(telling), "--format", "json"])
    black, broken, white = lines(capsys)
    bacterial = 1 / (1 + np.exp(-0.25))
    assert white["subtype"] == pytest.approx({"bacterial": bacterial, "viral": 1 - bacterial}, abs=1e-6)
    assert black["subtype"] is broken["subtype"] is None


def test_subtype_in_csv_is_its_json_text(telling, capsys):
    main(["predict", str(telling), "--format", "csv"])
    rows = list(csv.DictReader(capsys.readouterr().out.splitlines()))
    assert [row["subtype"] for row in rows[:2]] == ["", ""]
    assert json.loads(rows[2]["subtype"])["bacterial"] == pytest.approx(0.5622, abs=1e-4)


def test_subtype_of_a_model_that_does_not_tell(folder, capsys):
    main(["predict", str(folder), "--format", "json"])
    assert [row["subtype"] for row in lines(capsys)] == [None, None, None]


def test_all_read_is_exit_0_and_the_path_stays_as_given(folder, capsys, monkeypatch):
    monkeypatch.chdir(folder)
    assert main(["predict", "black.png", "--format", "json", "--operating-point", "rule-in"]) == 0
    (row,) = lines(capsys)
    assert (row["file"], row["threshold"]) == ("black.png", 0.75)


def test_rejected_is_no_error(folder, capsys):
    icon = folder / "icon.png"
    icon.write_bytes(png(np.zeros((8, 8), np.uint8)))
    assert main(["predict", str(icon), "--format", "json"]) == 0
    assert lines(capsys)[0]["status"] == "rejected"


def test_a_missing_file_is_one_line_and_the_others_are_read(folder, capsys):
    assert main(["predict", str(folder / "absent.png"), str(folder / "black.png"), "--format", "json"]) == 1
    first, second = lines(capsys)
    assert (first["status"], second["status"]) == ("error", "ok")


def test_heatmap_and_output_file(folder, tmp_path, capsys):
    out, heat = tmp_path / "out.csv", tmp_path / "heat"
    main(["predict", str(folder), "--format", "csv", "--output", str(out), "--heatmap", str(heat)])
    assert capsys.readouterr().out == ""
    with open(out, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert set(rows[0]) == CONTRACT
    assert [bool(row["heatmap"]) for row in rows] == [True, False, True]
    picture = np.asarray(Image.open(rows[2]["heatmap"]))
    bands = (picture.shape[0] - 80) // 16
    assert picture.shape == (80 + 16 * bands, 100, 3)
    overlay = next(picture[16 * n : 16 * n + 80] for n in range(1, bands) if (picture[16 * n, 0] == 255).all())
    assert (overlay[40, 50] != 255).any()  # heat in the middle
    assert (overlay[2, 2] == 255).all()  # none where the network does not look


HOSTILE = ["=cmd|' C calc'!A0.png", "a\nok  NORMAL.png", "b\x1b]0;title\x07.png", "c\u202egnp.png", "y" * 240 + ".png"]


@pytest.fixture
def hostile(folder):
    """Names that do harm when printed, one that is not UTF-8, a file of 6 GB, and ordinary files."""
    if sys.platform != "linux":
        pytest.skip("names that other systems do not take")
    for name in [*HOSTILE, os.fsdecode(b"M\xfcller.png")]:
        (folder / name).write_bytes((folder / "black.png").read_bytes())
    with open(folder / "large.png", "wb") as file:
        file.truncate(6 << 30)
    return folder


@pytest.mark.parametrize("kind", ["table", "csv", "json"])
@pytest.mark.parametrize("manifest", [False, True])
def test_hostile_names_and_a_huge_file_do_not_stop_a_run(hostile, tmp_path, capsys, kind, manifest, monkeypatch):
    monkeypatch.chdir(hostile)  # so that each cell begins with the name
    words = ["predict", *sorted(os.listdir(".")), "--format", kind, "--heatmap", str(tmp_path / "heat")]
    words += ["--manifest", str(tmp_path / "done.jsonl")] if manifest else []
    rows = len(os.listdir("."))
    for _ in range(1 + manifest):
        assert main(words) == 1
        out, err = capsys.readouterr()
        assert out.encode("utf-8")
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", out + err)
        assert len(out.splitlines()) == rows + (kind != "json")
        assert ("M\\\\xfcller.png" if kind == "json" else "M\\xfcller.png") in out
        assert "large.png: The file has 6,144 MB; at most 50 MB are read." in err
    assert len(list((tmp_path / "heat").iterdir())) == rows - 3  # note.txt, broken.jpg, large.png
    if manifest:
        assert (tmp_path / "done.jsonl").read_bytes().decode("utf-8")
    if kind == "csv":
        names = [row["file"] for row in csv.DictReader(out.splitlines())]
        assert not [name for name in names if name.startswith(("=", "+", "-", "@"))]
        assert "'=cmd|' C calc'!A0.png" in names
    if kind == "json":
        names = {json.loads(line)["file"] for line in out.splitlines()}
        assert {*HOSTILE, "M\\xfcller.png", "black.png"} <= names


def test_a_terminal_with_another_encoding_does_not_stop_a_run(folder, monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", stream)
    assert main(["predict", str(folder)]) == 1
    stream.flush()
    text = stream.buffer.getvalue().decode("ascii")
    assert "wei\\xdf.png" in text
    assert len(text.splitlines()) == 4


def test_log_lines_contain_no_terminal_commands(capsys):
    handlers = logging.getLogger().handlers
    kept, handlers[:] = handlers[:], []
    try:
        cli._log_to_stderr()
        logging.getLogger("pneumo").warning("read %s", "a\x1b[31m\nb")
    finally:
        handlers[:] = kept
    assert capsys.readouterr().err == "read a\\x1b[31m\\nb\n"


def test_an_unreadable_folder_is_a_row(folder, capsys, monkeypatch):
    real = os.scandir

    def scandir(path):
        if str(path).endswith("deeper"):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    assert main(["predict", str(folder), "--format", "json"]) == 1
    out, err = capsys.readouterr()
    rows = {json.loads(line)["file"]: json.loads(line) for line in out.splitlines()}
    assert list(rows) == [f"{folder}/black.png", f"{folder}/broken.jpg", f"{folder}/deeper"]
    assert "The folder cannot be opened" in rows[f"{folder}/deeper"]["reasons"][0]
    assert f"{folder}/deeper: The folder cannot be opened" in err


def test_other_files_in_a_folder_are_counted(folder, capsys):
    main(["predict", str(folder)])
    assert f"{folder}: 1 files in it are no images and were passed over" in capsys.readouterr().err


def test_table_names_every_file(folder, capsys):
    main(["predict", str(folder)])
    text = capsys.readouterr().out
    assert "PNEUMONIA" in text
    assert "broken.jpg" in text


@pytest.mark.parametrize("words", [["predict"], ["predict", "x", "--operating-point", "none"], ["predict", "x", "--formt", "json"]])
def test_wrong_usage_is_exit_2(folder, words):
    try:
        code = main(words)
    except SystemExit as leaving:
        code = leaving.code
    assert code == 2


def test_an_unknown_model_is_reported(folder, capsys):
    assert main(["predict", "x", "--model", "none"]) == 1
    assert "tiny" in capsys.readouterr().err


def test_models_list_and_verify(folder, tmp_path, capsys):
    assert main(["models", "list"]) == 0
    assert "0.900" in capsys.readouterr().out
    assert main(["models", "verify"]) == 0
    (tmp_path / "models" / "tiny" / "model.onnx").write_bytes(b"")
    assert main(["models", "verify"]) == 1
    assert "altered" in capsys.readouterr().out


def test_models_list_and_show_without_a_test_split(folder, tmp_path, capsys):
    path = tmp_path / "models" / "tiny" / "metrics.json"
    put(path, json.dumps({"validation": json.loads(path.read_text())["test"]}))
    assert main(["models", "list"]) == 0
    assert "not evaluated" in capsys.readouterr().out
    assert main(["models", "show", "tiny"]) == 0
    assert "was not evaluated on a test split" in capsys.readouterr().out


def test_a_warning_has_a_line_of_its_own():
    stream = io.StringIO()
    write = predict._table_writer(stream)
    row = {"status": "ok", "verdict": "NORMAL", "probability": 0.1, "zone": "rule-out", "file": "a\nb.png"}
    write({**row, "warnings": ["turned"]})
    _, answer, warning = stream.getvalue().splitlines()
    assert answer.split("  ")[-1] == r"Low: speaks against pneumonia a\nb.png"
    assert warning.split() == ["warning", "turned"]
