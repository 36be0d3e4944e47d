"""Unpacking: the set lands as target/train/NORMAL/..., hostile and damaged archives leave nothing behind."""

import errno
import io
import json
import random
import shutil
import stat
import struct
import zipfile
from collections import Counter

import pytest

from pneumo.data import unpack as module
from pneumo.data.records import scan
from pneumo.data.unpack import MANIFEST, Limits, Stopped, find_root, unpack_dataset
from pneumo.errors import DataError
from pneumo.synthetic.phantom import write_set

FILES = {
    "train/NORMAL/IM-0001-0001.jpeg": b"normal one",
    "train/PNEUMONIA/person1_virus_1.jpeg": b"viral" * 50,
    "test/NORMAL/IM-0002-0001.jpeg": b"normal two",
    "test/PNEUMONIA/person2_bacteria_1.jpeg": b"bacterial",
}
VAL = {"val/NORMAL/IM-0003-0001.jpeg": b"normal three"}
SMALL = Limits(members=40, member_bytes=200_000, total_bytes=300_000, ratio=50, ratio_from=10_000)


def pack(path, files, prefix="", method=zipfile.ZIP_DEFLATED):
    """Write a zip of name -> bytes; a key may also be a ZipInfo."""
    with zipfile.ZipFile(path, "w", method) as bundle:
        for name, content in files.items():
            bundle.writestr(prefix + name if isinstance(name, str) else name, content)
    return path


def tree(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def images(folder):
    return {name: content for name, content in tree(folder).items() if name != MANIFEST}


def entry(name, mode=0o644 | stat.S_IFREG):
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    return info


def alter(path, signature, offset, fmt, value, name):
    """Change a header field of one member in place: `signature` PK\\1\\2 (central directory) or PK\\3\\4 (before the data)."""
    raw, start = bytearray(path.read_bytes()), 0
    head = 46 if signature == b"PK\1\2" else 30
    while (start := raw.index(signature, start)) >= 0:
        if raw[start + head : start + head + len(name)] == name.encode():
            struct.pack_into(fmt, raw, start + offset, value)
            return path.write_bytes(raw)
        start += 4


@pytest.mark.parametrize("prefix", ["", "chest_xray/", "CellData/chest_xray/"])
@pytest.mark.parametrize("files", [FILES, FILES | VAL], ids=["mendeley", "kaggle"])
def test_the_set_lands_without_leading_folders(tmp_path, prefix, files):
    target = tmp_path / "deep" / "set"
    assert unpack_dataset(pack(tmp_path / "set.zip", files, prefix), target) == target
    assert images(target) == files
    assert json.loads((target / MANIFEST).read_text()) == {"origin": "set.zip", "images": len(files)}
    assert [path.name for path in target.parent.iterdir()] == ["set"]


def test_copies_and_side_files_are_left_out(tmp_path):
    junk = {
        "__MACOSX/train/NORMAL/IM-0009-0001.jpeg": b"mac",
        "__MACOSX/train/PNEUMONIA/person9_virus_1.jpeg": b"mac",
        "__MACOSX/chest_xray/train/NORMAL/._IM-0001-0001.jpeg": b"mac",
        "chest_xray/.DS_Store": b"mac",
        "chest_xray/train/.DS_Store": b"mac",
        "chest_xray/train/NORMAL/._IM-0001-0001.jpeg": b"mac",
        "chest_xray/__MACOSX/chest_xray/._train": b"mac",
        "CellData/OCT/train/NORMAL/scan.jpeg": b"an eye",
        "CellData/OCT/train/CNV/scan.jpeg": b"an eye",
    }
    nested = {f"chest_xray/chest_xray/{name}": content for name, content in FILES.items()}
    archive = pack(tmp_path / "set.zip", junk | nested | {f"chest_xray/{name}": content for name, content in FILES.items()})
    assert images(unpack_dataset(archive, tmp_path / "set")) == FILES


def test_a_real_phantom_set_comes_back_as_it_was(tmp_path):
    count = write_set(tmp_path / "made", 1)
    archive = shutil.make_archive(tmp_path / "made", "zip", tmp_path, "made")
    target = unpack_dataset(archive, tmp_path / "set")
    made = {name: content for name, content in tree(tmp_path / "made").items() if name != "SYNTHETIC.txt"}
    assert images(target) == made
    assert len(scan(target)) == count


def test_progress_runs_from_nothing_to_all(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "CHUNK", 64)
    monkeypatch.setattr(module.time, "monotonic", iter(range(10_000)).__next__)  # one second a look at the clock
    seen = []
    unpack_dataset(pack(tmp_path / "set.zip", FILES), tmp_path / "set", seen.append)
    total = sum(map(len, FILES.values()))
    assert {(step.stage, step.total) for step in seen} == {("unpack", total)}
    done = [step.done for step in seen]
    assert done == sorted(done)
    assert (done[0], done[1], done[-1]) == (0, 10, total)
    assert len(done) == 8  # the start, three short files, four pieces of the file of 250 bytes
    assert seen[0].bytes_per_second != seen[0].bytes_per_second  # NaN: nothing was measured yet
    assert seen[1].bytes_per_second == pytest.approx(5)  # 10 bytes, two looks at the clock after the meter began
    assert seen[1].seconds_left == pytest.approx((total - 10) / 5)
    assert seen[-1].seconds_left == 0


LINK = entry("train/NORMAL/IM-0009-0001.jpeg", 0o777 | stat.S_IFLNK)
HOSTILE = {
    "path escape": ({"../evil.jpeg": b"x"}, "could lead out"),
    "escape inside": ({"train/NORMAL/../../../evil.jpeg": b"x"}, "could lead out"),
    "absolute": ({"/tmp/evil.jpeg": b"x"}, "could lead out"),
    "drive letter": ({"C:/evil.jpeg": b"x"}, "could lead out"),
    "backslash": ({"train\\..\\..\\evil.jpeg": b"x"}, "could lead out"),
    "network share": ({"\\\\host\\share\\evil.jpeg": b"x"}, "could lead out"),
    "empty part": ({"train//NORMAL/a.jpeg": b"x"}, "could lead out"),
    "line break": ({"train/NORMAL/a\n.jpeg": b"x"}, "could lead out"),
    "symlink": ({LINK: b"/etc/passwd"}, "link or a device"),
    "device": ({entry("train/NORMAL/a.jpeg", 0o600 | stat.S_IFCHR): b""}, "link or a device"),
    "case clash": ({"train/normal/im-0001-0001.JPEG": b"x"}, "only in letter case"),
    "accent clash": ({"train/NORMAL/\u00e9.jpeg": b"x", "train/NORMAL/e\u0301.jpeg": b"y"}, "only in letter case"),
    "bomb": ({"train/NORMAL/a.jpeg": bytes(150_000)}, "grows more than 50-fold"),
    "large member": ({"train/NORMAL/a.jpeg": bytes(200_001)}, "more than 200,000 bytes"),
    "large total": ({f"train/NORMAL/{n}.jpeg": random.Random(n).randbytes(110_000) for n in range(3)}, "it would unpack to 330,"),
    "too many": ({f"train/NORMAL/{n}.jpeg": b"" for n in range(40)}, "it has 44 entries; expected at most 40"),
}


def refused(archive, tmp_path, match, limits=SMALL):
    before = set(tmp_path.iterdir())
    with pytest.raises(DataError, match=match):
        unpack_dataset(archive, tmp_path / "set", limits=limits)
    assert set(tmp_path.iterdir()) == before  # neither the set nor a draft


@pytest.mark.parametrize(("extra", "match"), HOSTILE.values(), ids=HOSTILE)
def test_hostile_archives_are_refused(tmp_path, extra, match):
    refused(pack(tmp_path / "set.zip", FILES | extra), tmp_path, match)


VICTIM = "train/PNEUMONIA/person1_virus_1.jpeg"  # 250 bytes
LIES = {
    "fewer bytes than there are": ([(b"PK\1\2", 24, "<I", 100), (b"PK\3\4", 22, "<I", 100)], "damaged or cut short"),
    "more bytes than there are": ([(b"PK\1\2", 24, "<I", 251), (b"PK\3\4", 22, "<I", 251)], "does not have the 251 bytes"),
    "encrypted": ([(b"PK\1\2", 8, "<H", 1), (b"PK\3\4", 6, "<H", 1)], "is encrypted"),
    "wrong sum": ([(b"PK\1\2", 16, "<I", 7)], "damaged or cut short"),
    "zero byte in the name": ([(b"PK\1\2", 46 + 20, "c", b"\0"), (b"PK\3\4", 30 + 20, "c", b"\0")], "could lead out"),
    "unbounded method": ([(b"PK\1\2", 10, "<H", zipfile.ZIP_LZMA)], "other than stored or deflated"),
    "more packed bytes than the archive has": ([(b"PK\1\2", 20, "<I", 1 << 24)], "lie over each other"),
}


@pytest.mark.parametrize(("changes", "match"), LIES.values(), ids=LIES)
def test_headers_that_lie_are_refused(tmp_path, changes, match):
    archive = pack(tmp_path / "set.zip", FILES)
    for change in changes:
        alter(archive, *change, VICTIM)
    refused(archive, tmp_path, match)


def test_a_bomb_writes_no_more_than_it_declares(tmp_path, monkeypatch):
    """Its header says 100 bytes; 20 MB would come out."""
    archive = pack(tmp_path / "set.zip", FILES | {VICTIM: bytes(20_000_000)})
    alter(archive, b"PK\1\2", 24, "<I", 100, VICTIM)
    written = []
    monkeypatch.setattr(module.Meter, "add", lambda self, count: written.append(count))
    refused(archive, tmp_path, "damaged or cut short")
    assert sum(written) <= sum(map(len, FILES.values()))


def test_a_stream_longer_than_its_header_is_stopped(tmp_path, monkeypatch):
    """If a future zipfile ignored the header's size, `unpack_dataset` would still stop."""
    archive, reads = pack(tmp_path / "set.zip", FILES), []

    class Endless(io.BytesIO):
        def read(self, count):
            reads.append(count)
            return bytes(count if len(reads) < 99 else 0)

    monkeypatch.setattr(zipfile.ZipFile, "open", lambda self, info: Endless())
    refused(archive, tmp_path, "does not have the 10 bytes it declares")
    assert len(reads) == 1


@pytest.mark.parametrize("keep", [0, 10, 400, -1], ids="{} bytes".format)
def test_cut_archives_are_refused(tmp_path, keep):
    raw = pack(tmp_path / "set.zip", FILES).read_bytes()
    (tmp_path / "set.zip").write_bytes(raw[:keep])
    refused(tmp_path / "set.zip", tmp_path, "damaged or cut short")


def test_random_damage_never_passes(tmp_path):
    """Either all images are unchanged, or the archive is refused: no other error and no other bytes."""
    rng, good = random.Random(0), pack(tmp_path / "set.zip", FILES).read_bytes()
    outcomes = Counter()
    for _ in range(80):
        raw = bytearray(good)
        for _ in range(rng.randint(1, 3)):
            raw[rng.randrange(len(raw))] = rng.randrange(256)
        (tmp_path / "set.zip").write_bytes(raw)
        try:
            target = unpack_dataset(tmp_path / "set.zip", tmp_path / "set", limits=SMALL)
        except DataError:
            outcomes["refused"] += 1
            assert not (tmp_path / "set").exists()
        else:
            outcomes["passed"] += 1
            assert set(images(target).values()) == set(FILES.values())  # a harmless byte, such as one of a date or a name
            shutil.rmtree(target)
    assert outcomes["refused"] > 30
    assert outcomes["passed"] > 5


@pytest.mark.parametrize(
    ("files", "match"),
    [
        ({"readme.txt": b"hello"}, "not the chest X-ray set"),
        ({name: content for name, content in FILES.items() if "test/" not in name}, "no image in test/NORMAL, test/PNEUMONIA"),
        ({name: content for name, content in FILES.items() if "test/P" not in name}, "no image in test/PNEUMONIA"),
    ],
)
def test_another_set_is_not_taken_for_this_one(tmp_path, files, match):
    refused(pack(tmp_path / "set.zip", files), tmp_path, match)


def test_missing_archive(tmp_path):
    refused(tmp_path / "set.zip", tmp_path, r"set\.zip could not be written or read: No such file")


def test_occupied_target_stays_as_it_was(tmp_path):
    archive, target = pack(tmp_path / "set.zip", FILES), tmp_path / "set"
    target.mkdir()
    assert images(unpack_dataset(archive, target)) == FILES  # an empty folder is fine
    before = tree(target)
    with pytest.raises(DataError, match="not an empty folder"):
        unpack_dataset(archive, target)
    assert tree(target) == before
    with pytest.raises(DataError, match="not an empty folder"):
        unpack_dataset(archive, archive)


def test_a_mount_point_is_refused_before_any_work(tmp_path, monkeypatch):
    monkeypatch.setattr(module.os.path, "ismount", lambda path: True)
    refused(tmp_path / "set.zip", tmp_path, "top of a disk")


def test_a_folder_is_accepted_where_mount_points_are_unsupported(tmp_path, monkeypatch):
    def unsupported(self):  # as on Windows before Python 3.12
        raise NotImplementedError("Path.is_mount() is unsupported on this system")

    monkeypatch.setattr(module.Path, "is_mount", unsupported)
    assert images(unpack_dataset(pack(tmp_path / "set.zip", FILES), tmp_path / "set")) == FILES


def test_full_disk_before_and_while_writing(tmp_path, monkeypatch):
    archive = pack(tmp_path / "set.zip", FILES)
    with monkeypatch.context() as patch:
        patch.setattr(module.shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10**9, 10**9, 1_000_000))
        refused(archive, tmp_path, "expected 268 MB free, found 1 MB")

    class Full(io.BytesIO):
        def write(self, data):
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(module, "open", lambda *args: Full(), raising=False)
    refused(archive, tmp_path, "is full")


def test_cancelled_and_killed_runs_leave_no_set(tmp_path):
    archive, answers = pack(tmp_path / "set.zip", FILES), iter([False, False, True])
    with pytest.raises(Stopped):
        unpack_dataset(archive, tmp_path / "set", cancelled=lambda: next(answers))
    assert [path.name for path in tmp_path.iterdir()] == ["set.zip"]
    left = tmp_path / ".set.draft" / "train" / "NORMAL"  # what a killed process leaves
    left.mkdir(parents=True)
    (left / "half.jpeg").write_bytes(b"half")
    assert images(unpack_dataset(archive, tmp_path / "set")) == FILES
    assert not (tmp_path / ".set.draft").exists()


@pytest.mark.parametrize(
    ("prefixes", "root"),
    [(["a/chest_xray/", "chest_xray/"], "chest_xray/"), (["b/", "a/"], "a/"), ([""], ""), (["x/train/"], "x/train/")],
)
def test_find_root_takes_the_shallowest(prefixes, root):
    assert find_root(prefix + name for prefix in prefixes for name in FILES) == root
