import os
import sys

import pytest

from pneumo.data.records import Record, scan, walk
from pneumo.errors import DataError


def make(root, *paths):
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(b"")
    return root


def test_scan_in_a_fixed_order(tmp_path):
    make(
        tmp_path,
        "test/PNEUMONIA/person9_virus_9.jpeg",
        "val/NORMAL/NORMAL2-IM-0001-0001.jpeg",
        "train/PNEUMONIA/person2_virus_1.jpeg",
        "train/PNEUMONIA/person1_bacteria_1.jpeg",
        "train/NORMAL/IM-0003-0001.jpeg",
    )
    assert scan(tmp_path) == [
        Record("train/NORMAL/IM-0003-0001.jpeg", "NORMAL", "none", "IM-0003", "train"),
        Record("train/PNEUMONIA/person1_bacteria_1.jpeg", "PNEUMONIA", "bacterial", "bacteria-1", "train"),
        Record("train/PNEUMONIA/person2_virus_1.jpeg", "PNEUMONIA", "viral", "virus-2", "train"),
        Record("val/NORMAL/NORMAL2-IM-0001-0001.jpeg", "NORMAL", "none", "NORMAL2-IM-0001", "val"),
        Record("test/PNEUMONIA/person9_virus_9.jpeg", "PNEUMONIA", "viral", "virus-9", "test"),
    ]


@pytest.mark.parametrize(
    ("path", "label"),
    [
        ("train/normal/a.png", "NORMAL"),
        ("train/Healthy/a.JPG", "NORMAL"),
        ("Train/HEALTHY/a.dcm", "NORMAL"),
        ("TRAIN/Pneumonia/a.JPEG", "PNEUMONIA"),
        ("train/pNEUMONIA/a name with spaces.Jpeg", "PNEUMONIA"),
        ("train/PNEUMONIA/Röntgen 小儿 — 3.DCM", "PNEUMONIA"),
    ],
)
def test_any_letter_case_and_any_alphabet(tmp_path, path, label):
    (record,) = scan(make(tmp_path, path))
    assert (record.path, record.label, record.split) == (path, label, "train")


def test_other_files_are_ignored(tmp_path):
    make(
        tmp_path,
        "train/NORMAL/a.png",
        "train/NORMAL/.DS_Store",
        "train/NORMAL/._a.png",
        "train/NORMAL/notes.txt",
        "train/unsure/b.png",
        "train/c.png",
        "other/NORMAL/d.png",
    )
    assert [record.path for record in scan(tmp_path)] == ["train/NORMAL/a.png"]


def test_other_folders_by_name(tmp_path):
    make(tmp_path, "hospital/2026/NORMAL/a.png", "train/NORMAL/b.png")
    assert scan(tmp_path, ("hospital/2026",)) == [Record("hospital/2026/NORMAL/a.png", "NORMAL", "none", "a", "hospital/2026")]


@pytest.mark.parametrize(
    ("folder", "match"), [("empty", "No images found"), ("missing", "No data folder"), ("wrong", "No images found.*train/NORMAL")]
)
def test_nothing_to_scan(tmp_path, folder, match):
    (tmp_path / "empty").mkdir()
    make(tmp_path / "wrong", "NORMAL/a.png")
    with pytest.raises(DataError, match=match):
        scan(tmp_path / folder)


@pytest.mark.skipif(sys.platform != "linux", reason="names that other systems do not take")
def test_unprintable_names_are_reported_and_left_out(tmp_path):
    odd = [os.fsdecode(b"train/NORMAL/M\xfcller.png"), "train/NORMAL/a\nb.png", "train/NORMAL/\x1b[31m.png"]
    make(tmp_path, "train/NORMAL/IM-0003-0001.jpeg", "train/NORMAL/Müller\u202f1.png", *odd)
    records, problems = walk(tmp_path)
    assert [record.path for record in records] == ["train/NORMAL/IM-0003-0001.jpeg", "train/NORMAL/Müller\u202f1.png"]
    for name in odd:
        assert any(problem.startswith(f"{name}: its name has letters that do not print") for problem in problems)


def test_unprintable_names_in_a_csv_are_reported_and_left_out(tmp_path):
    make(tmp_path, "train/x.png")
    (tmp_path / "set.csv").write_text('path,label,patient,split\ntrain/x.png,NORMAL,1,train\n"a\nb.png",NORMAL,1,train\n')
    records, problems = walk(tmp_path / "set.csv")
    assert [record.path for record in records] == ["train/x.png"]
    assert len(problems) == 1
    assert "rename it" in problems[0]
