"""Downloads from a local server that breaks off, gives wrong sizes, changes its file, and supports or ignores ranges."""

import errno
import io
import json
import shutil
import types
from dataclasses import replace

import pytest
from remote_files import BODY, CHUNK, QUICK, digest, get, tree

from pneumo.data import download as module
from pneumo.data.download import Patience, Progress, Source, Stopped, fetch
from pneumo.errors import DataError


def test_fetch_loads_the_file_only_once(remote, tmp_path):
    path = get(remote, tmp_path / "new" / "store")
    assert path == tmp_path / "new" / "store" / "set.zip"
    assert tree(tmp_path) == {"new/store/set.zip": BODY}
    assert remote.ranges == [None]
    assert get(remote, tmp_path / "new" / "store") == path
    assert remote.ranges == [None]
    path.write_bytes(BODY[:-1])  # a damaged file is not kept
    assert get(remote, path.parent).read_bytes() == BODY
    assert remote.ranges == [None, None]


def test_a_broken_download_resumes_where_it_stopped(remote, tmp_path):
    remote.cuts = [10 * CHUNK, 3 * CHUNK, 5 * CHUNK]
    seen = []
    path = get(remote, tmp_path, on_progress=seen.append)
    assert tree(tmp_path) == {path.name: BODY}
    assert remote.ranges == [None, f"bytes={10 * CHUNK}-", f"bytes={13 * CHUNK}-", f"bytes={18 * CHUNK}-"]
    done = [step.done for step in seen if step.stage == "download"]
    assert done == sorted(done)
    assert {10 * CHUNK, 13 * CHUNK, 18 * CHUNK, len(BODY)} <= set(done)
    assert {step.total for step in seen} == {len(BODY)}


def test_progress_shows_speed_and_time_left(remote, tmp_path, monkeypatch):
    seen, clock = [], iter(range(10_000))
    monkeypatch.setattr("pneumo.data.unpack.time", types.SimpleNamespace(monotonic=clock.__next__))
    get(remote, tmp_path, on_progress=seen.append)
    stages = [step.stage for step in seen]
    assert sorted(set(stages), key=stages.index) == ["download", "check"]
    loading = [step for step in seen if step.stage == "download"][1:]
    checking = [step for step in seen if step.stage == "check"]
    for steps in (loading, checking):
        assert [step.done for step in steps] == [*range(0, len(BODY), CHUNK), len(BODY)]
        assert steps[0].bytes_per_second != steps[0].bytes_per_second  # NaN
        for place, step in enumerate(steps[1:], start=1):  # one second a look at the clock, two looks before the first chunk
            assert step.bytes_per_second == pytest.approx(step.done / (place + 1))
            assert step.seconds_left == pytest.approx((len(BODY) - step.done) / step.bytes_per_second)
    assert checking[-1] == Progress(40_000, 40_000, pytest.approx(40_000 / 41), 0, "check")


def test_when_every_try_is_cut_the_part_is_kept_for_the_next_call(remote, tmp_path):
    remote.cuts = [2 * CHUNK] * 4
    with pytest.raises(DataError, match=r"failed 4 times, .* What came is kept"):
        get(remote, tmp_path)
    assert tree(tmp_path) == {"set.zip.part": BODY[: 8 * CHUNK], "set.zip.part.etag": b'"one"'}
    assert get(remote, tmp_path).read_bytes() == BODY
    assert remote.ranges[-1] == f"bytes={8 * CHUNK}-"


def test_backoff_doubles(remote, tmp_path, monkeypatch):
    naps, clock = [], [0.0]

    def nap(seconds):
        naps.append(seconds)
        clock[0] += seconds

    monkeypatch.setattr(module, "time", types.SimpleNamespace(sleep=nap, monotonic=lambda: clock[0]))
    remote.statuses = [503, 429, 500]
    get(remote, tmp_path, patience=replace(QUICK, backoff=1.0))
    assert clock[0] == pytest.approx(1 + 2 + 4)
    assert max(naps) <= 0.2  # so that a cancel is noticed soon


def leave_part(folder, content, tag='"one"'):
    (folder / "set.zip.part").write_bytes(content)
    (folder / "set.zip.part.etag").write_text(tag)


def test_a_changed_remote_file_starts_over(remote, tmp_path):
    leave_part(tmp_path, bytes(5000), '"older"')
    assert get(remote, tmp_path).read_bytes() == BODY
    assert remote.ranges == ["bytes=5000-"]  # answered with 200, the whole file


def test_a_changed_file_on_a_server_without_if_range_starts_over(remote, tmp_path):
    leave_part(tmp_path, bytes(5000), '"older"')
    remote.minds_if_range = False
    assert get(remote, tmp_path).read_bytes() == BODY
    assert remote.ranges == ["bytes=5000-", None]


def test_a_server_that_ignores_ranges_starts_over(remote, tmp_path, monkeypatch):
    monkeypatch.setattr("pneumo.data.unpack.time", types.SimpleNamespace(monotonic=iter(range(10_000)).__next__))
    remote.ranged, remote.cuts, seen = False, [10 * CHUNK], []
    assert get(remote, tmp_path, on_progress=seen.append).read_bytes() == BODY
    assert max(step.done for step in seen) == len(BODY)
    assert remote.ranges == [None, f"bytes={10 * CHUNK}-"]


@pytest.mark.parametrize("tag", ["", 'W/"weak"'])
def test_without_a_strong_tag_only_the_checksum_decides(remote, tmp_path, tag):
    remote.tag, remote.cuts = tag, [10 * CHUNK]
    assert get(remote, tmp_path).read_bytes() == BODY
    assert remote.ranges == [None, f"bytes={10 * CHUNK}-"]
    assert remote.if_ranges == [None, None]


def test_416_with_a_complete_part_is_fine(remote, tmp_path):
    leave_part(tmp_path, BODY)
    assert get(remote, tmp_path, sha256=digest(BODY).upper()).read_bytes() == BODY
    assert remote.ranges == ["bytes=40000-"]
    (tmp_path / "set.zip").unlink()
    leave_part(tmp_path, BODY)
    get(remote, tmp_path)
    assert remote.ranges == ["bytes=40000-"]  # the listing gives the size: no request is needed


def test_416_with_a_part_too_long_starts_over(remote, tmp_path):
    leave_part(tmp_path, BODY + b"more")
    assert get(remote, tmp_path).read_bytes() == BODY
    assert remote.ranges == ["bytes=40004-", None]


def test_no_server_at_all(remote, tmp_path):
    dead = Source("http://127.0.0.1:9/file", "set.zip", "http://127.0.0.1:9/listing")
    with pytest.raises(DataError, match=r"No checksum and size .*--sha256"):
        fetch(dead, tmp_path, patience=QUICK)
    with pytest.raises(DataError, match=r"failed 4 times, the last time with ConnectionError"):
        fetch(dead, tmp_path, sha256=digest(BODY), patience=QUICK)


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://127.0.0.1/file", "set.zip"])
def test_only_web_addresses_are_fetched(remote, tmp_path, url):
    with pytest.raises(DataError, match="starts with https:// or http://"):
        fetch(replace(remote.source, url=url), tmp_path, sha256=digest(BODY), patience=QUICK)
    with pytest.raises(DataError, match="starts with https:// or http://"):
        fetch(replace(remote.source, listing=url), tmp_path, patience=QUICK)


def test_permanent_http_errors_are_not_retried(remote, tmp_path):
    remote.statuses = [404, 404]
    with pytest.raises(DataError, match="answered HTTP 404 Not Found"):
        get(remote, tmp_path)
    assert remote.ranges == [None]


def test_another_length_than_listed_is_refused_before_loading(remote, tmp_path):
    remote.listing = json.dumps([{"filename": "set.zip", "content_details": {"sha256_hash": digest(BODY), "size": 1_200_000_000}}])
    with pytest.raises(DataError, match="offers 40,000 bytes; expected the 1,200,000,000"):
        get(remote, tmp_path)
    assert tree(tmp_path) == {}


def test_without_a_length_the_listed_size_counts(remote, tmp_path):
    remote.says_length, remote.cuts = False, [10 * CHUNK]  # such a break looks like the end
    assert get(remote, tmp_path).read_bytes() == BODY
    assert remote.ranges == [None, f"bytes={10 * CHUNK}-"]


def test_a_silent_server_is_given_up_after_the_timeout(remote, tmp_path):
    remote.slow = 1.0
    with pytest.raises(DataError, match=r"(?i)failed 1 times, .*timed out"):
        get(remote, tmp_path, sha256=digest(BODY), patience=Patience(retries=0, timeout=0.2))


def test_cancelled_keeps_the_part(remote, tmp_path):
    part = tmp_path / "set.zip.part"
    with pytest.raises(Stopped, match="start again to go on"):
        get(remote, tmp_path, cancelled=lambda: part.exists() and part.stat().st_size > 20_000)
    assert BODY.startswith(part.read_bytes())
    assert 20_000 < part.stat().st_size < 40_000
    assert get(remote, tmp_path).read_bytes() == BODY
    assert remote.ranges[1].startswith("bytes=2")


def test_too_little_disk_space_is_reported_before_loading(remote, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10**9, 10**9, 5_000_000))
    with pytest.raises(DataError, match=r"Not enough room on the disk of .* found 5 MB"):
        get(remote, tmp_path)
    assert tree(tmp_path) == {}


def test_a_disk_that_fills_up_keeps_the_part(remote, tmp_path, monkeypatch):
    class Full(io.FileIO):
        def write(self, data):
            if self.tell() >= 10 * CHUNK:
                raise OSError(errno.ENOSPC, "No space left on device")
            return super().write(data)

    def opened(path, mode):
        return Full(path, mode) if "b" in mode and "r" not in mode else io.open(path, mode)  # noqa: UP020

    with monkeypatch.context() as patch:
        patch.setattr(module, "open", opened, raising=False)
        with pytest.raises(DataError, match=r"is full\. Make room and start again"):
            get(remote, tmp_path)
    assert tree(tmp_path)["set.zip.part"] == BODY[: 10 * CHUNK]
    assert get(remote, tmp_path).read_bytes() == BODY
    assert remote.ranges == [None, f"bytes={10 * CHUNK}-"]


def test_a_folder_that_cannot_be_written(remote, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DataError, match="could not be written or read"):
        get(remote, tmp_path / "file")
