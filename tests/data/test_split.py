import hashlib

import numpy as np
import pytest
from makers import png_bytes

from pneumo.data.records import Record, scan
from pneumo.data.split import PARTS, near_duplicates, read_manifest, split_records, write_manifest
from pneumo.errors import DataError
from pneumo.files import sha256
from pneumo.labels import identify
from pneumo.synthetic.phantom import make_phantom, phantom_png


def record(label: str, stem: str, folder: str = "train") -> Record:
    return Record(f"{folder}/{label}/{stem}.jpeg", label, *identify(stem), folder)


def dataset() -> list[Record]:
    """300 healthy children with 1 image, 200 bacterial with 1 to 3, 120 viral with 2; 60 more in test, 8 in val."""
    images = [record("NORMAL", f"IM-{i:04}-0001") for i in range(300)]
    images += [record("PNEUMONIA", f"person{i}_bacteria_{k}") for i in range(200) for k in range(1 + i % 3)]
    images += [record("PNEUMONIA", f"person{i}_virus_{k}") for i in range(120) for k in range(2)]
    images += [record("NORMAL", f"NORMAL2-IM-{i:04}-0001", "val") for i in range(8)]
    images += [record("NORMAL", f"IM-{i:04}-0001", "test") for i in range(1000, 1030)]
    return images + [record("PNEUMONIA", f"person{i}_virus_1", "test") for i in range(1000, 1030)]


RECORDS = dataset()


def test_every_image_has_one_part_and_test_is_the_official_folder():
    parts = split_records(RECORDS)
    assert set(parts) == {r.path for r in RECORDS}
    assert set(parts.values()) == set(PARTS) - {"excluded"}
    assert {path for path, part in parts.items() if part == "test"} == {r.path for r in RECORDS if r.split == "test"}


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_no_patient_is_in_two_parts(seed):
    parts, homes = split_records(RECORDS, seed=seed), {}
    for r in RECORDS:
        homes.setdefault(r.patient, set()).add(parts[r.path])
    assert max(map(len, homes.values())) == 1


@pytest.mark.parametrize("subtype", ["none", "bacterial", "viral"])
def test_each_stratum_gives_a_tenth(subtype):
    parts = split_records(RECORDS, seed=3)
    pool = [parts[r.path] for r in RECORDS if r.split != "test" and r.subtype == subtype]
    for part in ("validation", "calibration"):
        assert pool.count(part) / len(pool) == pytest.approx(0.10, abs=0.02)


def test_pneumonia_of_unknown_kind_is_a_stratum_of_its_own():
    images = [record("NORMAL", f"h{i}") for i in range(100)] + [record("PNEUMONIA", f"s{i}") for i in range(50)]
    parts = split_records(images, seed=1)
    for label, total in (("NORMAL", 100), ("PNEUMONIA", 50)):
        held = [r for r in images if r.label == label and parts[r.path] == "validation"]
        assert len(held) == total / 10


def test_seed_repeats_and_order_does_not_matter():
    assert split_records(RECORDS, seed=1) == split_records(RECORDS[::-1], seed=1)
    assert split_records(RECORDS, seed=1) != split_records(RECORDS, seed=2)


@pytest.mark.parametrize("seed", range(6))
def test_linked_images_stay_together_across_patients_and_strata(seed):
    by_stratum = [
        [r.path for r in RECORDS if r.split == "train" and r.subtype == subtype][::20] for subtype in ("none", "bacterial", "viral")
    ]
    groups = [list(group) for group in zip(*by_stratum, strict=False)]
    groups += [[groups[0][0], groups[1][1]], [groups[2][2], groups[1][0]]]  # a chain over groups
    assert len(groups) > 10
    parts = split_records(RECORDS, groups, seed)
    assert set(parts) == {r.path for r in RECORDS}
    for group in groups:
        assert len({parts[path] for path in group}) == 1
    homes = {}
    for r in RECORDS:
        homes.setdefault(r.patient, set()).add(parts[r.path])
    assert max(map(len, homes.values())) == 1


def test_twin_of_a_test_image_is_not_learned_from():
    twin, test = "train/PNEUMONIA/person5_bacteria_0.jpeg", "test/NORMAL/IM-1003-0001.jpeg"
    parts = split_records(RECORDS, [[twin, test]])
    assert (parts[test], parts[twin]) == ("test", "excluded")
    assert {parts[r.path] for r in RECORDS if r.patient == "bacteria-5"} == {"excluded"}
    assert sum(part == "test" for part in parts.values()) == 60


def test_images_in_the_wrong_class_folder_still_get_a_part():
    odd = record("NORMAL", "person7777_bacteria_1")
    assert split_records([*RECORDS, odd])[odd.path] in PARTS


def test_nearly_identical_pictures_are_twins(tmp_path, monkeypatch):
    monkeypatch.setenv("PNEUMO_CACHE_DIR", str(tmp_path / "cache"))
    folder = tmp_path / "train" / "NORMAL"
    folder.mkdir(parents=True)
    for name, seed in (("a", 1), ("b", 2), ("c", 3)):
        (folder / f"{name}.png").write_bytes(phantom_png(make_phantom(seed=seed, height=120, width=150)))
    (folder / "d.png").write_bytes((folder / "a.png").read_bytes())
    picture = np.rint(make_phantom(seed=3, height=120, width=150).pixels * 230).astype(np.uint8)  # c, darker, no mark
    (folder / "e.png").write_bytes(png_bytes(picture))
    pairs = {tuple(pair) for pair in near_duplicates(tmp_path, scan(tmp_path))}
    assert ("train/NORMAL/a.png", "train/NORMAL/d.png") in pairs
    assert ("train/NORMAL/c.png", "train/NORMAL/e.png") in pairs
    assert ("train/NORMAL/a.png", "train/NORMAL/c.png") not in pairs


def test_manifest_round_trip_and_hash(tmp_path):
    odd = record("NORMAL", 'a, "b" é')
    records = [odd, *RECORDS]
    parts = split_records(records)
    first = write_manifest(tmp_path / "one.csv", records, parts)
    second = write_manifest(tmp_path / "two.csv", records, dict(reversed(parts.items())))
    assert first == second == sha256(tmp_path / "one.csv") == hashlib.sha256((tmp_path / "two.csv").read_bytes()).hexdigest()
    rows = read_manifest(tmp_path / "one.csv")
    assert rows[0] == {"path": odd.path, "label": "NORMAL", "subtype": "none", "patient": 'a, "b" é', "part": parts[odd.path]}
    assert {row["path"]: row["part"] for row in rows} == parts
    parts[odd.path] = "test"
    assert write_manifest(tmp_path / "one.csv", records, parts) != first


def test_hash_is_the_same_on_every_machine(tmp_path):
    records = [record("NORMAL", "IM-0001-0001"), record("PNEUMONIA", "person1_virus_1", "test")]
    write_manifest(tmp_path / "split.csv", records, split_records(records))
    assert (tmp_path / "split.csv").read_bytes() == (
        b"path,label,subtype,patient,part\n"
        b"train/NORMAL/IM-0001-0001.jpeg,NORMAL,none,IM-0001,validation\n"
        b"test/PNEUMONIA/person1_virus_1.jpeg,PNEUMONIA,viral,virus-1,test\n"
    )


@pytest.mark.parametrize(
    ("content", "match"),
    [(None, "cannot be read: No such file"), ("", "no split manifest"), ("path,label\na,b\n", "path, label, subtype")],
)
def test_invalid_manifests_are_refused(tmp_path, content, match):
    path = tmp_path / "split.csv"
    if content is not None:
        path.write_text(content)
    with pytest.raises(DataError, match=match):
        read_manifest(path)
