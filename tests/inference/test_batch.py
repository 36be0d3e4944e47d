import io
import os
import zipfile

import pytest
from makers import dicom_bytes, png_bytes, ramp
from tiny_model import make_registry

from pneumo.cli.main import main
from pneumo.imaging.decoding.pool import DecoderPool
from pneumo.inference.batch import files_below, read_files
from pneumo.inference.predictor import Predictor

PNG, DICOM = png_bytes(ramp()), dicom_bytes(ramp())


@pytest.fixture
def predictor(tmp_path, monkeypatch) -> Predictor:
    monkeypatch.setenv("PNEUMO_MODELS_DIR", str(make_registry(tmp_path / "models")))
    return Predictor.load("tiny")


@pytest.fixture
def folder(tmp_path):
    study = tmp_path / "study"
    (study / "S1").mkdir(parents=True)
    (study / "S1" / "IM0001").write_bytes(DICOM)
    (study / "S1" / "1.2.840.5").write_bytes(DICOM)
    (study / "DICOMDIR").write_bytes(DICOM)
    (study / "note").write_bytes(b"no image")
    (study / "x.png").write_bytes(PNG)
    with zipfile.ZipFile(study / "more.zip", "w") as bundle:
        bundle.writestr("a/ramp.png", PNG)
        bundle.writestr("a/cut.png", PNG[:50])
        bundle.writestr("readme.txt", "read me")
    return study


def test_files_below_take_dicom_without_suffix_and_archives(folder):
    assert list(files_below([str(folder)])) == [f"{folder}/{name}" for name in ("S1/1.2.840.5", "S1/IM0001", "more.zip", "x.png")]


def test_an_archive_is_read_member_by_member(folder, predictor):
    told = []
    findings = dict(read_files([str(folder / "more.zip"), str(folder / "x.png")], predictor, lambda *skipped: told.append(skipped)))
    assert {name.removeprefix(f"{folder}/"): finding.status for name, finding in findings.items()} == {
        "more.zip/a/ramp.png": "ok",
        "more.zip/a/cut.png": "error",
        "x.png": "ok",
    }
    assert told == [(str(folder / "more.zip"), 1)]


def test_relative_paths_start_at_the_given_folder(folder, predictor):
    decoders = DecoderPool(1)
    given = ["more.zip", "S1/IM0001", str(folder / "x.png"), "absent.png"]
    findings = list(read_files(given, predictor, folder=str(folder), decoders=decoders))
    assert [(name, finding.status) for name, finding in findings] == [
        ("more.zip/a/ramp.png", "ok"),
        ("more.zip/a/cut.png", "error"),
        ("S1/IM0001", "ok"),
        (str(folder / "x.png"), "ok"),
        ("absent.png", "error"),
    ]
    assert decoders._idle.qsize() == 1  # the given decoders were used
    decoders.close()


def test_an_archive_that_cannot_be_opened_is_one_error_and_the_others_are_read(folder, predictor):
    (folder / "bad.zip").write_bytes((folder / "more.zip").read_bytes()[:60])
    findings = list(read_files([str(folder / "bad.zip"), str(folder / "absent.zip"), str(folder / "x.png")], predictor))
    assert [finding.status for _, finding in findings] == ["error", "error", "ok"]
    assert "cut short" in findings[0][1].reasons[0]
    assert "cannot be opened" in findings[1][1].reasons[0]


def test_predict_reads_a_zip_and_writes_heatmaps_only_into_their_folder(predictor, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as bundle:
        bundle.writestr("../../" + "long" * 100 + ".png", PNG)
    (tmp_path / "study.zip").write_bytes(buffer.getvalue())
    assert main(["predict", "study.zip", "--format", "csv", "--heatmap", "heat"]) == 0
    (written,) = tmp_path.rglob("*.png")
    assert written.parent == tmp_path / "heat"
    assert "study.zip/" in capsys.readouterr().out


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes are POSIX only")
def test_nothing_is_taken_from_a_pipe_before_its_turn(predictor, tmp_path):
    import threading

    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    threading.Thread(target=pipe.write_bytes, args=(PNG,), daemon=True).start()
    ((_, finding),) = read_files([str(pipe)], predictor)
    assert finding.status == "ok"
