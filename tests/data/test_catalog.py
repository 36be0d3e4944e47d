import csv
import hashlib
import os

import numpy as np
import pytest
from makers import dicom_bytes, jpeg_bytes, png_bytes, png_of_zeros

from pneumo.data import catalog as module
from pneumo.data.catalog import SYNTHETIC_NOTE, describe, make_catalog, write_catalog
from pneumo.errors import DataError

GREY = np.tile(np.arange(80, dtype=np.uint8), (70, 1))


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("PNEUMO_CACHE_DIR", str(tmp_path / "cache"))
    root = tmp_path / "Röntgen set"
    for place, data in {
        "Train/normal/IM-0001-0001.jpeg": jpeg_bytes(GREY),
        "Train/Healthy/IM-0002-0001.png": png_bytes(GREY),
        "Train/PNEUMONIA/person3_virus_4.jpeg": jpeg_bytes(GREY[:, ::-1]),
        "test/PNEUMONIA/person9_bacteria_1.dcm": dicom_bytes(GREY),
    }.items():
        path = root / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return root


def by_path(catalog):
    return {entry.record.path: entry for entry in catalog.entries}


def test_every_fact_of_every_image(root):
    catalog = make_catalog(root)
    assert catalog.problems == ()
    assert catalog.counts() == {("train", "NORMAL"): 2, ("train", "PNEUMONIA"): 1, ("test", "PNEUMONIA"): 1}
    entry = by_path(catalog)["Train/PNEUMONIA/person3_virus_4.jpeg"]
    data = (root / "Train/PNEUMONIA/person3_virus_4.jpeg").read_bytes()
    assert (entry.sha256, entry.size_bytes) == (hashlib.sha256(data).hexdigest(), len(data))
    assert (entry.width, entry.height) == (80, 70)
    assert (entry.record.subtype, entry.record.patient, entry.record.series) == ("viral", "virus-3", "virus")
    assert by_path(catalog)["test/PNEUMONIA/person9_bacteria_1.dcm"].width == 80
    assert not catalog.is_public_set()


def test_everything_odd_is_named(root):
    (root / "extra").mkdir()
    (root / "Train" / "covid").mkdir()
    (root / "test" / "NORMAL").mkdir()
    (root / "Train" / "normal" / "notes.txt").write_text("x")
    (root / "Train" / "normal" / "broken.png").write_text("no picture")
    os.symlink(root / "nowhere.png", root / "Train" / "normal" / "link.png")
    catalog = make_catalog(root)
    assert len(catalog.entries) == 4
    text = "\n".join(catalog.problems)
    for part in (
        "extra/: unknown folder",
        "train/covid",
        "test/NORMAL: holds no image",
        "notes.txt: not named like an image",
        "broken.png: This is a text file",
        "link.png: no file behind the name",
    ):
        assert part in text


def test_unchanged_files_are_not_opened_again(root, monkeypatch):
    first = make_catalog(root)
    changed = root / "Train/normal/IM-0001-0001.jpeg"
    changed.write_bytes(jpeg_bytes(GREY[:66]))
    looked = []
    size = module._size
    monkeypatch.setattr(module, "_size", lambda path, data: looked.append(path.name) or size(path, data))
    second = make_catalog(root)
    assert looked == ["IM-0001-0001.jpeg"]
    assert by_path(second)["Train/normal/IM-0001-0001.jpeg"].height == 66
    assert by_path(second).keys() == by_path(first).keys()


def test_a_deleted_file_leaves_the_catalog(root):
    make_catalog(root)
    (root / "Train/normal/IM-0001-0001.jpeg").unlink()
    assert len(make_catalog(root).entries) == 3


def test_csv(root):
    rows = [
        ("path", "label", "patient", "split"),
        ("Train/normal/IM-0001-0001.jpeg", "Healthy", "child 7", "train"),
        ("Train/PNEUMONIA/person3_virus_4.jpeg", "pneumonia", "", "TEST"),
        ("absent.png", "NORMAL", "x", "train"),
        ("Train/normal/IM-0001-0001.jpeg", "cat", "x", "train"),
    ]
    with open(root / "list.csv", "w", newline="") as file:
        csv.writer(file).writerows(rows)
    catalog = make_catalog(root / "list.csv")
    assert [(e.record.label, e.record.patient, e.record.split) for e in catalog.entries] == [
        ("NORMAL", "child 7", "train"),
        ("PNEUMONIA", "virus-3", "test"),
    ]
    assert "absent.png: no such file" in catalog.problems[0] + catalog.problems[1]
    assert "line 5" in catalog.problems[0] + catalog.problems[1]


def test_csv_without_a_column(root):
    (root / "list.csv").write_text("path,label\na,b\n")
    with pytest.raises(DataError, match="lacks the columns patient, split"):
        make_catalog(root / "list.csv")


def test_saved_catalog_has_all_columns(root, tmp_path):
    write_catalog(tmp_path / "catalog.csv", make_catalog(root))
    with open(tmp_path / "catalog.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["path", "label", "subtype", "patient", "split", "sha256", "size_bytes", "width", "height"]
    assert {row["width"] for row in rows} == {"80"}


@pytest.mark.slow
def test_ten_thousand_files_in_one_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("PNEUMO_CACHE_DIR", str(tmp_path / "cache"))
    folder = tmp_path / "set" / "train" / "NORMAL"
    folder.mkdir(parents=True)
    data = jpeg_bytes(GREY)
    for number in range(10_000):
        (folder / f"IM-{number:05}-0001.jpeg").write_bytes(data)
    assert len(make_catalog(tmp_path / "set").entries) == 10_000


@pytest.mark.slow
def test_files_too_large_in_bytes_or_pixels_do_not_stop_the_others(root):
    with open(root / "Train/normal/IM-0007-0001.png", "wb") as file:
        file.truncate(6 << 30)
    (root / "Train/normal/IM-0008-0001.png").write_bytes(png_of_zeros(30_000, 30_000))  # more than Pillow opens at all
    catalog = make_catalog(root)
    assert len(catalog.entries) == 4
    assert any("IM-0007" in problem and "has 6,144 MB" in problem for problem in catalog.problems)
    assert any("IM-0008" in problem and "30000 x 30000" in problem for problem in catalog.problems)


def test_a_saved_patient_is_no_formula(root, tmp_path):
    (root / "Train/normal/=HYPERLINK(1).jpeg").write_bytes(jpeg_bytes(GREY))
    write_catalog(tmp_path / "catalog.csv", make_catalog(root))
    with open(tmp_path / "catalog.csv", newline="", encoding="utf-8") as file:
        assert "'=HYPERLINK(1)" in [row["patient"] for row in csv.DictReader(file)]


def test_what_a_set_is_called(tmp_path):
    counts = {("train", "NORMAL"): 1349, ("validation", "PNEUMONIA"): 3883, ("test", "NORMAL"): 234, ("test", "PNEUMONIA"): 390}
    rows = [{"part": part, "label": label} for (part, label), count in counts.items() for _ in range(count)]
    assert describe(tmp_path, rows).startswith("Kermany et al.")
    assert describe(tmp_path, rows[1:]) == "5855 images of the user's own"
    (tmp_path / SYNTHETIC_NOTE).touch()
    assert describe(tmp_path, rows) == "5856 synthetic phantoms, no patient"
