"""Files are decoded once, to the same pixels as in serving; an interrupted write loses nothing and leaves no wrong pixels."""

import errno
import hashlib
import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock
from makers import dicom_bytes, jpeg_bytes, png_bytes, ramp

from pneumo.data import cache
from pneumo.data.cache import CachedImages, cached_images
from pneumo.errors import DataError
from pneumo.imaging.decoding.decode import decode_image
from pneumo.imaging.preprocess import InputSpec, canonical, model_input
from pneumo.training.dataset import Part
from pneumo.training.feed import Feed

ROW = 224 * 224


def noise(seed: int) -> bytes:
    return png_bytes(np.random.default_rng(seed).integers(0, 256, (224, 224), np.uint8))


def write(root: Path, files: dict[str, bytes]) -> list[str]:
    for name, data in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    return list(files)


def expected(root: Path, paths: list[str]) -> np.ndarray:
    return np.stack([canonical(decode_image((root / path).read_bytes())) for path in paths])


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "cache"


@pytest.fixture
def root(tmp_path):
    write(tmp_path / "set", {f"{seed}.png": noise(seed) for seed in range(5)})
    return tmp_path / "set"


FIVE = [f"{seed}.png" for seed in range(5)]


@pytest.fixture
def decoded(monkeypatch) -> list[bytes]:
    """The files decoded since the test began or this list was cleared."""
    seen = []
    monkeypatch.setattr(cache, "decode_image", lambda data: seen.append(data) or decode_image(data))
    return seen


def lines(folder: Path) -> list[str]:
    return (folder / "index.csv").read_text().splitlines()


def test_images_in_order_through_the_serving_decoder(tmp_path, folder):
    files = {
        "a.png": noise(0),
        "b.jpeg": jpeg_bytes(ramp(90, 300)),
        "sub/c é.dcm": dicom_bytes(ramp(100, 80, 4095, np.uint16), BitsStored=12, PhotometricInterpretation="MONOCHROME1"),
        "d.png": png_bytes(ramp(64, 64, 65535, np.uint16)),
    }
    images = cached_images(tmp_path, write(tmp_path, files), folder)
    assert (images.shape, images.dtype, len(images)) == ((4, 224, 224), np.uint8, 4)
    assert np.array_equal(images[:], expected(tmp_path, list(files)))
    assert images[2][0, 0] > 250 > 5 > images[2][0, -1]  # MONOCHROME1 is turned here too


def test_indexes_like_an_array_and_cannot_be_written_through(root, folder):
    images, whole = cached_images(root, FIVE[::-1], folder), expected(root, FIVE[::-1])
    assert np.array_equal(images[-1], whole[-1])
    assert np.array_equal(images[1:3], whole[1:3])
    assert np.array_equal(images[np.array([4, 0, 4])], whole[[4, 0, 4]])
    assert np.array_equal(images[np.arange(5) % 2 == 0], whole[::2])
    assert np.array_equal(np.stack(list(images)), whole)
    with pytest.raises(IndexError):
        images[5]
    with pytest.raises(ValueError, match="read-only"):
        images[0][0, 0] = 1


def test_the_feed_accepts_it_as_an_array(root, folder):
    images, whole = cached_images(root, FIVE, folder), expected(root, FIVE)
    x, _ = Feed(Part(images, np.array([0, 1, 0, 1, 0]), np.zeros(5, np.float32)), InputSpec(32, 16), batch_size=3)[1]
    np.testing.assert_array_equal(x, [model_input(whole[i], InputSpec(32, 16)) for i in (3, 4)])


def test_a_second_call_decodes_nothing(root, folder, decoded):
    first = cached_images(root, FIVE, folder)
    assert len(decoded) == 5
    decoded.clear()
    again = cached_images(root, FIVE[::-1], folder)
    assert decoded == []
    assert np.array_equal(again[::-1], first[:])


def test_an_added_file_appends_only_itself_and_a_changed_one_is_decoded_anew(root, folder, decoded):
    cached_images(root, FIVE, folder)
    before = (folder / "images.u8").read_bytes()
    decoded.clear()
    write(root, {"new.png": noise(7), "0.png": noise(8)})
    images = cached_images(root, ["new.png", *FIVE], folder)
    assert sorted(decoded) == sorted([noise(7), noise(8)])
    assert (folder / "images.u8").read_bytes()[: 5 * ROW] == before
    assert (folder / "images.u8").stat().st_size == 7 * ROW
    assert np.array_equal(images[:], expected(root, ["new.png", *FIVE]))


def test_identical_files_share_one_row(root, folder, decoded):
    write(root, {"twin.png": noise(3)})
    images = cached_images(root, ["3.png", "1.png", "twin.png"], folder)
    assert len(decoded) == len(lines(folder)) == 2
    assert np.array_equal(images[0], images[2])
    assert images.shape == (3, 224, 224)


def test_nothing_to_load(tmp_path, folder):
    images = cached_images(tmp_path, [], folder)
    assert (images.shape, images[:].shape) == ((0, 224, 224), (0, 224, 224))


def test_every_bad_file_is_named_by_its_path_and_the_others_are_kept(tmp_path, folder, decoded):
    bad = {"sub/empty.jpeg": b"", "text.png": b"no image", "sub/text.png": b"no image", "small.png": png_bytes(ramp(10, 10))}
    write(tmp_path, {"first.png": noise(0), **bad, "last.png": noise(1)})
    with pytest.raises(DataError, match="remove or replace") as caught:
        cached_images(tmp_path, ["first.png", "gone.png", *bad, "last.png"], folder)
    told = str(caught.value).splitlines()[1:]
    assert [line.split(":")[0] for line in told] == ["gone.png", *bad]
    assert "cannot be opened" in told[0]
    assert "0 bytes" in told[1]
    decoded.clear()
    cached_images(tmp_path, ["first.png", "last.png"], folder)
    assert decoded == []


@pytest.mark.parametrize(
    ("change", "told"), [(Path.unlink, "No such file"), (lambda path: path.write_bytes(noise(9)), "changed while")]
)
def test_a_file_that_vanishes_or_changes_after_it_was_hashed(root, folder, monkeypatch, change, told):
    hashed = cache._hash

    def hash_then_change(path):
        name = hashed(path)
        if path.name == "2.png":
            change(path)
        return name

    monkeypatch.setattr(cache, "_hash", hash_then_change)
    with pytest.raises(DataError, match=f"\n2.png: .*{told}"):
        cached_images(root, FIVE, folder)
    assert len(lines(folder)) == 4


def rows_without_a_line(folder):
    with open(folder / "images.u8", "ab") as pixels:
        pixels.write(b"\x7f" * (3 * ROW + 11))


def cut_line(folder):
    data = (folder / "index.csv").read_bytes()
    (folder / "index.csv").write_bytes(data[:-20])


def zeroed_line(folder):  # as after a power cut on some file systems
    data = (folder / "index.csv").read_bytes()
    (folder / "index.csv").write_bytes(data[:-65] + bytes(65))


def line_twice(folder):
    data = (folder / "index.csv").read_bytes()
    (folder / "index.csv").write_bytes(data[:-65] + data[:65])


def row_cut_short(folder):
    with open(folder / "images.u8", "r+b") as pixels:
        pixels.truncate(5 * ROW - 100)


def no_pixels(folder):
    (folder / "images.u8").unlink()


@pytest.mark.parametrize(
    ("damage", "lost"),
    [(rows_without_a_line, 0), (cut_line, 1), (zeroed_line, 1), (line_twice, 1), (row_cut_short, 1), (no_pixels, 5)],
)
def test_what_a_killed_writer_leaves_is_repaired(root, folder, decoded, damage, lost):
    cached_images(root, FIVE, folder)
    damage(folder)
    decoded.clear()
    write(root, {"new.png": noise(7)})
    images = cached_images(root, [*FIVE, "new.png"], folder)
    assert len(decoded) == lost + 1
    assert np.array_equal(images[:], expected(root, [*FIVE, "new.png"]))
    decoded.clear()
    assert np.array_equal(cached_images(root, [*FIVE, "new.png"], folder)[:], images[:])
    assert decoded == []
    assert sorted(lines(folder)) == sorted(hashlib.sha256((root / path).read_bytes()).hexdigest() for path in [*FIVE, "new.png"])


def test_a_run_stopped_between_two_batches_keeps_the_first(root, folder, decoded, monkeypatch):
    monkeypatch.setattr(cache, "_BATCH", 2)

    def stop(done, total):
        assert total == 5
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cached_images(root, FIVE, folder, stop)
    decoded.clear()
    assert np.array_equal(cached_images(root, FIVE, folder)[:], expected(root, FIVE))
    assert len(decoded) == 1


@pytest.mark.parametrize("full", ["images.u8", "index.csv"])
def test_a_full_disk_is_reported_and_damages_nothing(root, folder, decoded, monkeypatch, full):
    cached_images(root, FIVE[:2], folder)

    class Full(io.FileIO):
        def write(self, data):
            super().write(bytes(data)[:30])  # only a part fits
            raise OSError(errno.ENOSPC, "No space left on device")

    def opened(path, mode):
        return Full(path, mode.replace("b", "")) if Path(path).name == full else open(path, mode)

    monkeypatch.setattr(cache, "open", opened, raising=False)
    with pytest.raises(DataError, match=r"No space left.*Free space.*PNEUMO_CACHE_DIR"):
        cached_images(root, FIVE, folder)
    monkeypatch.delattr(cache, "open")
    assert np.array_equal(cached_images(root, FIVE[:2], folder)[:], expected(root, FIVE[:2]))
    decoded.clear()
    assert np.array_equal(cached_images(root, FIVE, folder)[:], expected(root, FIVE))
    assert len(decoded) == 3


def test_a_cache_folder_that_cannot_be_made(root, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DataError, match="PNEUMO_CACHE_DIR"):
        cached_images(root, FIVE, tmp_path / "file" / "cache")


def test_another_preprocessing_version_uses_another_folder(root, tmp_path, decoded, monkeypatch):
    monkeypatch.setenv("PNEUMO_CACHE_DIR", str(tmp_path / "here"))
    cached_images(root, FIVE)
    assert lines(tmp_path / "here" / cache.VERSION)
    monkeypatch.setattr(cache, "VERSION", "canonical-next")
    cached_images(root, FIVE)
    assert len(decoded) == 10
    assert len(lines(tmp_path / "here" / "canonical-next")) == 5


def test_without_a_setting_it_lies_in_the_working_folder(monkeypatch):
    monkeypatch.setenv("PNEUMO_CACHE_DIR", "")
    assert cache.canonical_dir() == Path(".cache") / cache.VERSION


def test_two_processes_at_once_give_a_whole_cache(root, folder, decoded):
    code = (
        "import sys; from pathlib import Path; from pneumo.data import cache; cache._BATCH = 1; print('ready', flush=True);"
        "images = cache.cached_images(Path(sys.argv[1]), sys.argv[3:], Path(sys.argv[2])); print(int(images[:].sum()))"
    )
    folder.mkdir()
    orders = FIVE, FIVE[:0:-1]
    with FileLock(folder / "lock"):  # both wait for the lock when it is released
        children = [
            subprocess.Popen(
                [sys.executable, "-c", code, root, folder, *order], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]
            )
            for order in orders
        ]
        assert [child.stdout.readline() for child in children] == ["ready\n"] * 2
    sums = [int(child.communicate(timeout=180)[0]) for child in children]
    assert sums == [int(expected(root, list(order)).sum()) for order in orders]
    assert len(lines(folder)) == 5
    assert (folder / "images.u8").stat().st_size == 5 * ROW
    images = cached_images(root, FIVE, folder)
    assert decoded == []
    assert isinstance(images, CachedImages)
    assert np.array_equal(images[:], expected(root, FIVE))


def test_a_file_too_large_is_named_and_not_hashed(root, folder):
    with open(root / "large.png", "wb") as file:
        file.truncate(6 << 30)
    with pytest.raises(DataError, match=r"large.png: it has more than 50 MB"):
        cached_images(root, ["large.png"], folder)
