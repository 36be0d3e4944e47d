import os
import sys

import pydicom
import pytest
from exchange.dx import dx_bytes
from exchange.fakes import FakeArchive, closed_port
from makers import png_bytes, ramp
from tiny_model import make_registry

from pneumo.cli.main import main


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("PNEUMO_MODELS_DIR", str(make_registry(tmp_path / "models")))
    for name in ("PNEUMO_OBJECTS", "PNEUMO_PACS", "PNEUMO_STOW_URL", "PNEUMO_AE_TITLE", "PNEUMO_SEND_TIMEOUT"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "child.dcm").write_bytes(dx_bytes(gamma=0.4))
    return tmp_path


def test_both_results_are_written(folder, capsys):
    assert main(["dicom", str(folder / "in" / "child.dcm"), "--output", str(folder / "out")]) == 0
    report, capture = [pydicom.dcmread(line) for line in capsys.readouterr().out.splitlines()]
    assert (report.Modality, capture.Modality, report.PatientID) == ("SR", "OT", "P-4711")
    names = sorted(path.name for path in (folder / "out").iterdir())
    assert [name[:6] + name[14:] for name in names] == ["child--capture.dcm", "child--report.dcm"]


def test_a_bad_file_is_reported_and_the_others_are_read(folder, capsys):
    (folder / "in" / "broken.dcm").write_bytes(bytes(128) + b"DICM" + bytes(300))
    assert main(["dicom", str(folder / "in"), str(folder / "absent.dcm"), "--output", str(folder / "out")]) == 1
    told = capsys.readouterr()
    assert len(told.out.splitlines()) == 2
    assert "broken.dcm: " in told.err
    assert "absent.dcm: " in told.err


@pytest.mark.skipif(sys.platform != "linux", reason="names that other systems do not take")
def test_odd_names_and_a_huge_file_do_not_stop_the_others(folder, capsys):
    odd = ["a" * 240 + ".dcm", os.fsdecode(b"M\xfcller.dcm"), "b\nc\x1b[31m.dcm"]
    for name in odd:
        (folder / "in" / name).write_bytes(dx_bytes(gamma=0.4))
    with open(folder / "in" / "large.dcm", "wb") as file:
        file.truncate(6 << 30)
    assert main(["dicom", str(folder / "in"), "--output", str(folder / "out")]) == 1
    told = capsys.readouterr()
    assert "large.dcm: The file has 6,144 MB" in told.err
    assert len(list((folder / "out").iterdir())) == len(told.out.splitlines()) == 8
    assert "\x1b" not in told.out + told.err


def test_a_picture_belongs_to_no_study(folder, capsys):
    (folder / "in" / "child.png").write_bytes(png_bytes(ramp(200, 200)))
    assert main(["dicom", str(folder / "in" / "child.png"), "--output", str(folder / "out")]) == 1
    assert "belongs to no study" in capsys.readouterr().err


def test_more_objects_on_request(folder, capsys, monkeypatch):
    (folder / "in" / "child.dcm").write_bytes(dx_bytes(gamma=0.4, side=448))
    monkeypatch.setenv("PNEUMO_OBJECTS", "pdf,seg")
    assert main(["dicom", str(folder / "in"), "--output", str(folder / "out")]) == 0
    written = [pydicom.dcmread(line) for line in capsys.readouterr().out.splitlines()]
    assert [result.Modality for result in written] == ["SR", "DOC", "SEG", "SEG"]
    names = sorted(path.stem.rsplit("-", 1)[1] for path in (folder / "out").iterdir())
    assert names == ["heat", "lungs", "pdf", "report"]
    assert main(["dicom", str(folder / "in"), "--output", str(folder / "other"), "--objects", "report"]) == 0
    assert len(list((folder / "other").iterdir())) == 1


WRONG = [["--send", "stow"], ["--send", "c-store"], ["--send", "mail"], ["--operating-point", "x"], ["--objects", "pdf,mail"], []]


@pytest.mark.parametrize("extra", WRONG)
def test_wrong_usage_is_exit_2(folder, extra):
    words = ["dicom", str(folder / "in"), *(["--output", str(folder / "out")] if extra else []), *extra]
    try:
        code = main(words)
    except SystemExit as leaving:
        code = leaving.code
    assert code == 2
    assert not (folder / "out").exists()


def test_sent_and_found_in_the_archive(folder, capsys, monkeypatch):
    fake = FakeArchive()
    with fake.listening() as archive:
        monkeypatch.setenv("PNEUMO_PACS", f"127.0.0.1:{archive.port}:ARCHIVE")
        assert main(["dicom", str(folder / "in"), "--output", str(folder / "out"), "--send", "c-store"]) == 0
    assert capsys.readouterr().err.count("arrived") == 2
    assert len(fake.stored) == 2


@pytest.mark.parametrize("way", ["stow", "c-store"])
def test_what_did_not_arrive_is_exit_1(folder, capsys, monkeypatch, way):
    monkeypatch.setenv("PNEUMO_PACS", f"127.0.0.1:{closed_port()}:ARCHIVE")
    monkeypatch.setenv("PNEUMO_STOW_URL", f"http://127.0.0.1:{closed_port()}")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    assert main(["dicom", str(folder / "in"), "--output", str(folder / "out"), "--send", way]) == 1
    told = capsys.readouterr()
    assert told.err.count("failed. The archive") == 2
    assert len(told.out.splitlines()) == 2  # they are still in the folder
