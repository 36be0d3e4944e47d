"""The whole set downloaded and unpacked: Mendeley's archive, and Kaggle's."""

import io
import json
import shutil
import sys
import types
import zipfile

import pytest
from remote_files import BODY, QUICK, digest, get, tree

from pneumo.data.download import KAGGLE, MENDELEY, Stopped, download_dataset, kaggle
from pneumo.data.unpack import MANIFEST
from pneumo.errors import DataError

FILES = {
    "train/NORMAL/IM-0001-0001.jpeg": b"normal one",
    "train/PNEUMONIA/person1_virus_1.jpeg": b"viral",
    "test/NORMAL/IM-0002-0001.jpeg": b"normal two",
    "test/PNEUMONIA/person2_bacteria_1.jpeg": b"bacterial",
}


def packed(files=FILES):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as bundle:
        for name, content in files.items():
            bundle.writestr(f"chest_xray/{name}", content)
    return buffer.getvalue()


def test_wrong_sum_deletes_the_part_and_names_both(remote, tmp_path):
    expected = digest(b"something else")
    with pytest.raises(DataError, match=f"expected SHA-256 {expected}, received {digest(BODY)}"):
        get(remote, tmp_path, sha256=expected)
    assert tree(tmp_path) == {}


def test_a_checksum_given_by_hand_needs_no_listing(remote, tmp_path):
    remote.listing = "<html>gone</html>"
    assert get(remote, tmp_path, sha256=f" {digest(BODY)}\n").read_bytes() == BODY
    assert "/listing" not in remote.asked
    with pytest.raises(DataError, match="64 hexadecimal digits, received 'abc'"):
        get(remote, tmp_path, sha256="abc")


@pytest.mark.parametrize(
    ("listing", "match"),
    [
        ("[]", "set.zip is not in the list of files at .*, which has nothing"),
        ('[{"filename": "a.zip", "content_details": {}}]', "which has a.zip"),
        ('[{"filename": "set.zip", "content_details": {}}]', "No checksum and size"),
        ('[{"filename": "set.zip", "content_details": {"sha256_hash": null, "size": 1}}]', "No checksum and size"),
        ('[{"filename": "set.zip", "content_details": {"sha256_hash": "abc", "size": 1}}]', "64 hexadecimal digits"),
        ('{"message": "not found"}', "No checksum and size"),
        ("<html>log in</html>", "No checksum and size"),
    ],
)
def test_a_useless_listing_names_the_workaround(remote, tmp_path, listing, match):
    remote.listing = listing
    with pytest.raises(DataError, match=f"(?s){match}.*--sha256"):
        get(remote, tmp_path)
    assert remote.asked == ["/listing"]


def test_download_dataset_leaves_the_set_and_nothing_else(remote, tmp_path):
    remote.body = packed()
    seen = []
    folder = download_dataset(tmp_path / "data", remote.source, seen.append, patience=QUICK)
    assert folder == tmp_path / "data"
    made = tree(tmp_path)
    assert json.loads(made.pop(f"data/{MANIFEST}")) == {"origin": "set.zip", "images": 4}
    assert made == {f"data/{name}": content for name, content in FILES.items()}
    assert [path.name for path in tmp_path.iterdir()] == ["data"]
    stages = [step.stage for step in seen]
    assert sorted(set(stages), key=stages.index) == ["download", "check", "unpack"]
    remote.asked.clear()
    assert download_dataset(folder, remote.source, patience=QUICK) == folder
    assert remote.asked == []  # a set already there needs no server


def test_a_run_stopped_between_fetch_and_unpack_is_continued(remote, tmp_path):
    remote.body = packed()
    stages = []
    with pytest.raises(Stopped):
        download_dataset(
            tmp_path / "data",
            remote.source,
            lambda step: stages.append(step.stage),
            patience=QUICK,
            cancelled=lambda: (tmp_path / ".data.draft").exists(),
        )
    assert stages[-1] == "check"
    assert tree(tmp_path) == {".data.download/set.zip": remote.body}
    download_dataset(tmp_path / "data", remote.source, patience=QUICK)
    assert remote.ranges == [None]  # not fetched again
    assert tree(tmp_path / "data").keys() == {*FILES, MANIFEST}


def test_an_occupied_folder_is_refused_before_loading(remote, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(DataError, match="not an empty folder"):
        download_dataset(tmp_path, remote.source, patience=QUICK)
    assert remote.asked == []
    assert tree(tmp_path) == {"notes.txt": b"mine"}


def test_a_folder_that_lost_images_is_reported(remote, tmp_path):
    remote.body = packed()
    folder = download_dataset(tmp_path / "data", remote.source, patience=QUICK)
    shutil.rmtree(folder / "test" / "NORMAL")
    with pytest.raises(DataError, match="no image in test/NORMAL"):
        download_dataset(folder, remote.source, patience=QUICK)


def test_mendeleys_archive_is_fetched_over_https():
    assert MENDELEY.url.startswith("https://data.mendeley.com/")
    assert MENDELEY.listing.startswith("https://data.mendeley.com/")
    assert MENDELEY.file_name == "ChestXRay2017.zip"


def play_kagglehub(monkeypatch, answer):
    def dataset_download(handle):
        assert handle == KAGGLE == "paultimothymooney/chest-xray-pneumonia"
        if isinstance(answer, Exception):
            raise answer
        return str(answer)

    monkeypatch.setitem(sys.modules, "kagglehub", types.SimpleNamespace(dataset_download=dataset_download))


def test_kaggle_copies_the_set_without_its_duplicates(tmp_path, monkeypatch):
    files = FILES | {"val/NORMAL/IM-0003-0001.jpeg": b"normal three"}
    junk = {"chest_xray/__MACOSX/chest_xray/train/NORMAL/._IM-0001-0001.jpeg": b"mac", "chest_xray/train/.DS_Store": b"mac"}
    copies = {f"{root}/{name}": content for root in ("chest_xray", "chest_xray/chest_xray") for name, content in files.items()}
    junk |= {f"__MACOSX/{name}": b"mac" for name in FILES}
    for name, content in (copies | junk).items():
        path = tmp_path / "cache" / "versions" / "2" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    before = tree(tmp_path / "cache")
    play_kagglehub(monkeypatch, tmp_path / "cache" / "versions" / "2")
    assert kaggle(tmp_path / "data") == tmp_path / "data"
    made = tree(tmp_path / "data")
    assert json.loads(made.pop(MANIFEST)) == {"origin": f"kaggle:{KAGGLE}", "images": 5}
    assert made == files
    assert tree(tmp_path / "cache") == before


def test_kaggle_without_its_package(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "kagglehub", None)
    with pytest.raises(DataError, match="pip install kagglehub"):
        kaggle(tmp_path / "data")


def test_kaggle_without_a_login_or_with_another_set(tmp_path, monkeypatch):
    play_kagglehub(monkeypatch, PermissionError("401 Unauthorized"))
    with pytest.raises(DataError, match=r"401 Unauthorized.*kaggle\.json"):
        kaggle(tmp_path / "data")
    (tmp_path / "cache").mkdir()
    play_kagglehub(monkeypatch, tmp_path / "cache")
    with pytest.raises(DataError, match="not the chest X-ray set"):
        kaggle(tmp_path / "data")
    assert not (tmp_path / "data").exists()
