import os
import tracemalloc
from pathlib import Path

import pytest

from pneumo.errors import ImageError
from pneumo.imaging.decoding import image_file
from pneumo.imaging.decoding.decode import MAX_BYTES
from pneumo.imaging.decoding.image_file import image_bytes


class Counted:
    """Notes how many bytes are asked for."""

    def __init__(self, file, asked):
        self.file, self.asked = file, asked

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()

    def fileno(self):
        return self.file.fileno()

    def read(self, size=-1):
        self.asked.append(size)
        return self.file.read(size)


@pytest.fixture
def asked(monkeypatch):
    sizes = []
    monkeypatch.setattr(image_file, "open", lambda path, mode: Counted(Path(path).open(mode), sizes), raising=False)  # noqa: SIM115
    return sizes


def test_a_file_as_it_is(tmp_path, asked):
    (tmp_path / "x").write_bytes(b"abc")
    assert image_bytes(tmp_path / "x") == image_bytes(str(tmp_path / "x")) == b"abc"
    assert asked == [4, 4]  # one byte more than it has: it may grow meanwhile


def test_of_six_gigabytes_nothing_is_read(tmp_path, asked):
    with open(tmp_path / "scan.dcm", "wb") as file:
        file.truncate(6 << 30)  # sparse: takes no room
    with pytest.raises(ImageError, match=r"has 6,144 MB; at most 50 MB are read"):
        image_bytes(tmp_path / "scan.dcm")
    assert asked == []


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="a device of POSIX")
def test_of_what_never_ends_no_more_than_the_limit_and_one_byte_is_read(asked):
    with pytest.raises(ImageError, match="does not end; at most 50 MB"):
        image_bytes("/dev/zero")
    assert sum(asked) == MAX_BYTES + 1


@pytest.mark.parametrize(
    ("path", "told"), [("gone", "The file cannot be opened: No such file"), ("x" * 300, "name too long"), ("a\0b", "null"),
                       (".", "The folder cannot be opened")]
)  # fmt: skip
def test_what_cannot_be_opened_says_so(path, told, tmp_path):
    with pytest.raises(ImageError, match=told):
        image_bytes(tmp_path / path)


def test_a_small_file_takes_little_memory(tmp_path):
    """With the memory of 50 MB made and written over for each, the 5,856 files of the public set took minutes."""
    path = tmp_path / "small.png"
    path.write_bytes(b"x" * 1000)
    tracemalloc.start()
    try:
        assert image_bytes(path) == b"x" * 1000
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()
