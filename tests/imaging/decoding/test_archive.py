import io
import struct
import zipfile

import numpy as np
import pytest
from makers import dicom_bytes, png_bytes, png_of_zeros, ramp
from pydicom.dataset import Dataset, FileMetaDataset

from pneumo.errors import ImageError
from pneumo.imaging.decoding import archive
from pneumo.imaging.decoding.archive import Limits, is_image, members_of, open_archive, shown_name

PNG, DICOM = png_bytes(ramp()), dicom_bytes(ramp())


def zipped(files, method=zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as bundle:
        for name, data in dict(files).items():
            bundle.writestr(name, data)
    return buffer.getvalue()


def opened(data: bytes, limits: Limits | None = None):
    return open_archive(io.BytesIO(data), limits or Limits())


def outcomes(contents) -> dict[str, object]:
    """Name -> bytes, or the reason for refusing it."""
    by_name = {}
    for member in contents.members:
        try:
            by_name[member.name] = member.load()
        except ImageError as error:
            by_name[member.name] = str(error)
    return by_name


def dicomdir() -> bytes:
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.1.3.10"
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def test_an_entry_without_a_name_is_read_like_any_other():
    """Found by bench/fuzz_coverage.py: Python 3.11's is_dir raised an IndexError, which ended the run."""
    nameless = bytearray(zipped({"a": PNG, "b.png": PNG}))
    for at in (26, nameless.index(b"PK\x01\x02") + 28):  # first entry: 0 bytes of name, 1 of extra field
        nameless[at : at + 4] = struct.pack("<HH", 0, 1)
    nameless = bytes(nameless)
    assert outcomes(opened(nameless)) == {"": PNG, "b.png": PNG}
    assert [member.name for member in members_of("study.zip", nameless).members] == ["study.zip/", "study.zip/b.png"]


def test_a_study_as_exported_images_by_content_the_rest_counted():
    study = {
        "DICOMDIR": dicomdir(),
        "INDEX": dicomdir(),  # the same under another name
        "PAT0/STU0/IM000001": DICOM,
        "PAT0/STU0/1.2.840.5": DICOM,  # a UID, which has a "suffix"
        "photo": PNG,
        "scan.tif": b"II*\x00",  # not read, but reported
        "viewer/autorun.exe": b"MZ" + bytes(500),
        "viewer/bomb.log": bytes(5 << 20),  # no image: never unpacked, so no reason to refuse
        "readme.txt": b"read me",
        "__MACOSX/._photo.png": b"\x00\x05\x16\x07",
        "._photo.png": b"\x00\x05\x16\x07",
        "empty.dat": b"",
    }
    contents = opened(zipped(study))
    assert outcomes(contents) == {
        "PAT0/STU0/IM000001": DICOM,
        "PAT0/STU0/1.2.840.5": DICOM,
        "photo": PNG,
        "scan.tif": b"II*\x00",
    }
    assert contents.skipped == 8


def test_folders_are_neither_images_nor_counted():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as bundle:
        bundle.mkdir("study.png")
        bundle.writestr("study.png/x.png", PNG)
    contents = opened(buffer.getvalue())
    assert list(outcomes(contents)) == ["study.png/x.png"]
    assert contents.skipped == 0


@pytest.mark.parametrize("name", ["../../etc/x.png", "/etc/x.png", "..", "C:\\x.png", "a\\..\\x.png", "dir/../x.png"])
def test_paths_in_names_are_never_followed(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert outcomes(opened(zipped({name: PNG}))) == {name: PNG}
    assert list(tmp_path.rglob("*")) == []


def test_names_are_made_printable_and_short():
    assert shown_name("Jürgen 肺 å.png") == "Jürgen 肺 å.png"
    assert shown_name("a\x1b[31m\n\u202egnp.x") == "a?[31m??gnp.x"
    long = shown_name("x" * 5000 + ".png")
    assert (len(long), long[:4], long[-5:]) == (200, "...x", "x.png")


def test_one_bad_member_leaves_the_others_unharmed():
    good, bomb = np.random.default_rng(0).integers(0, 255, (100, 100), np.uint8), png_of_zeros(64, 64) + bytes(3 << 20)
    files = {
        "a.png": png_bytes(good),
        "bomb.png": bomb,
        "inner.zip": zipped({"x.png": PNG}),
        "inner": zipped({"x.png": PNG}),
        "big.png": PNG + np.random.default_rng(1).bytes(2 << 20),
        "z.png": PNG,
    }
    by_name = outcomes(opened(zipped(files), Limits(member_bytes=(3 << 20) + 1000, ratio=50)))
    assert by_name["a.png"] == png_bytes(good)
    assert by_name["z.png"] == PNG
    assert "50-fold" in by_name["bomb.png"]
    assert "archive within the archive" in by_name["inner.zip"]
    assert "archive within the archive" in by_name["inner"]
    assert by_name["big.png"] == files["big.png"]  # large, but as declared
    assert "would unpack to 2 MB; at most 1 MB" in outcomes(opened(zipped(files), Limits(member_bytes=1 << 20)))["big.png"]


def test_nothing_of_a_bomb_is_unpacked(monkeypatch):
    archive = zipped({"bomb.png": PNG + bytes(80 << 20), "x.png": PNG})
    unpacked = []
    real = zipfile.ZipExtFile.read
    monkeypatch.setattr(zipfile.ZipExtFile, "read", lambda file, n=-1: unpacked.append(len(data := real(file, n))) or data)
    by_name = outcomes(opened(archive))
    assert "would unpack to 80 MB" in by_name["bomb.png"]
    assert sum(unpacked) < 4096


def test_too_many_bytes_or_entries_in_total():
    archive = zipped({f"{n}.png": PNG for n in range(10)})
    with pytest.raises(ImageError, match="zip bomb"):
        opened(archive, Limits(total_bytes=9 * len(PNG)))
    assert len(opened(archive, Limits(total_bytes=10 * len(PNG))).members) == 10
    with pytest.raises(ImageError, match="more than 9 entries"):
        opened(archive, Limits(members=9))


def test_too_many_entries_are_refused_before_any_is_read(monkeypatch):
    archive = zipped({f"{n}.png": PNG for n in range(10)})
    monkeypatch.setattr(zipfile, "ZipFile", None)
    with pytest.raises(ImageError, match="more than 9 entries"):
        opened(archive, Limits(members=9))


@pytest.mark.parametrize("gap", [0, 1, 2, 3, 4, 20, 45, 46])
def test_entries_are_counted_across_the_blocks_that_are_read(gap):
    header = b"PK\x01\x02" + bytes(24) + struct.pack("<3H", 300, 20, 1) + bytes(12)  # lengths of name, extra field and comment
    data = bytes((1 << 20) - gap) + header + bytes(1 << 20) + header
    assert archive._directory(io.BytesIO(data)) == (2, 2 * (46 + 321))
    assert archive._directory(io.BytesIO(data[:-1]))[0] == 1


def test_names_that_fill_megabytes_are_refused_before_one_is_read(monkeypatch):
    archive = zipped({f"{n:03d}{'x' * 65_000}.png": b"" for n in range(260)})
    monkeypatch.setattr(zipfile, "ZipFile", None)
    with pytest.raises(ImageError, match=r"names in it take 16 MB, for 260 entries; at most 16 MB are read"):
        opened(archive)


def test_only_the_end_of_a_long_name_is_read():
    """300 MB of names took a minute."""

    class Name(str):
        def __iter__(self):
            raise AssertionError("went through the whole name")

    assert shown_name(Name("x" * 5000 + "\n.png")) == "..." + "x" * 192 + "?.png"


def test_overlapping_entries_are_a_bomb():
    """Ten directory entries that point to the same member."""
    archive = zipped({"x.png": PNG}, zipfile.ZIP_STORED)
    start = archive.index(b"PK\x01\x02")
    end = archive.index(b"PK\x05\x06")
    entry = archive[start:end]
    count = 10
    tail = b"PK\x05\x06" + struct.pack("<4H2LH", 0, 0, count, count, len(entry) * count, start, 0)
    with pytest.raises(ImageError, match="over each other"):
        opened(archive[:start] + entry * count + tail)


def encrypted(archive: bytes, name: bytes) -> bytes:
    """The archive with the encryption flag set for `name`, in its local header and in the directory."""
    data = bytearray(archive)
    for magic, flag, place in ((b"PK\x03\x04", 6, 30), (b"PK\x01\x02", 8, 46)):
        at = -1
        while (at := data.find(magic, at + 1)) >= 0:
            if data[at + place : at + place + len(name)] == name:
                data[at + flag] |= 1
    return bytes(data)


def test_encrypted_members_and_archives():
    archive = encrypted(zipped({"x.png": PNG, "y.png": PNG}), b"x.png")
    by_name = outcomes(opened(archive))
    assert "password" in by_name["x.png"]
    assert by_name["y.png"] == PNG
    with pytest.raises(ImageError, match="password"):
        opened(encrypted(archive, b"y.png"))


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_compressions_are_reported(method):
    assert "packed in a way" in outcomes(opened(zipped({"x.png": PNG}, method)))["x.png"]


def test_a_damaged_member():
    noise = np.random.default_rng(0).bytes(3000)
    archive = bytearray(zipped({"x.png": PNG[:33] + noise, "y.png": PNG}, zipfile.ZIP_STORED))
    archive[archive.index(noise) + 2500] ^= 0xFF
    by_name = outcomes(opened(bytes(archive)))
    assert "damaged" in by_name["x.png"]
    assert by_name["y.png"] == PNG


@pytest.mark.parametrize("cut", [4, 30, 100, -1, -30])
def test_an_archive_cut_short(cut):
    with pytest.raises(ImageError, match="damaged or cut short"):
        opened(zipped({"x.png": PNG, "y.png": PNG})[:cut])


def test_every_flipped_byte_is_an_answer_or_a_reason():
    """Damage anywhere is an ImageError at opening or at reading, and nothing else."""
    archive = zipped({"x.png": PNG, "y": DICOM})
    for place in range(0, len(archive), 3):
        damaged = bytearray(archive)
        damaged[place] ^= 0xA5
        try:
            outcomes(opened(bytes(damaged)))
        except ImageError:
            continue


def test_archives_without_any_image():
    with pytest.raises(ImageError, match=r"no JPEG, PNG or DICOM file \(1 of other kinds\)"):
        opened(zipped({"x.txt": b"text"}))
    with pytest.raises(ImageError, match=r"\(0 of other kinds\)"):
        opened(zipped({}))
    with pytest.raises(ImageError, match="office document"):
        opened(zipped({"[Content_Types].xml": b"", "word/media/image1.png": PNG}))


def test_a_dropped_file_gives_itself_or_its_members():
    (plain,) = members_of("a\nb.png", PNG).members
    assert (plain.name, plain.load()) == ("a?b.png", PNG)
    contents = members_of("study.zip", zipped({"x/1": DICOM, "n.txt": b""}))
    assert outcomes(contents) == {"study.zip/x/1": DICOM}
    assert contents.skipped == 1
    bad = members_of("bad.zip", zipped({"x.png": PNG})[:50])
    (refused,) = bad.members
    assert (refused.name, bad.skipped) == ("bad.zip", 0)
    with pytest.raises(ImageError, match="damaged"):
        refused.load()


def test_is_image():
    assert is_image("x.JPG", b"")
    assert is_image("1", DICOM[:1024])
    assert not is_image("x.dcm", dicomdir()[:1024])
    assert not is_image("dicomdir", DICOM[:1024])
    assert not is_image("x.txt", b"PNG")


def test_a_member_that_unpacks_to_more_than_it_declares_is_not_unpacked(monkeypatch):
    raw = bytearray(zipped({"a.png": bytes(900_000)}))
    struct.pack_into("<I", raw, raw.index(b"PK\x01\x02") + 24, 1000)  # the size in the directory
    longest, real = [], zipfile._get_decompressor

    class Counted:
        def __init__(self, inner):
            self.inner = inner

        def __getattr__(self, name):
            return getattr(self.inner, name)

        def decompress(self, data, most):
            out = self.inner.decompress(data, most)
            longest.append(len(out))
            return out

    monkeypatch.setattr(zipfile, "_get_decompressor", lambda kind: Counted(real(kind)))
    assert "damaged" in outcomes(opened(bytes(raw)))["a.png"]
    assert max(longest) < 10_000
