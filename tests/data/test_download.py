"""Downloads against a server on this machine that cuts, lies, changes its file, and knows or ignores ranges."""

import errno
import hashlib
import io
import json
import random
import re
import shutil
import sys
import threading
import time
import types
import zipfile
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from pneumo.data import download as module
from pneumo.data.download import KAGGLE, MENDELEY, Patience, Progress, Source, Stopped, download_dataset, fetch, kaggle
from pneumo.data.unpack import MANIFEST
from pneumo.errors import DataError

CHUNK = 1024
BODY = random.Random(5).randbytes(40_000)
QUICK = Patience(retries=3, backoff=0.001, timeout=2)
FILES = {
    "train/NORMAL/IM-0001-0001.jpeg": b"normal one",
    "train/PNEUMONIA/person1_virus_1.jpeg": b"viral",
    "test/NORMAL/IM-0002-0001.jpeg": b"normal two",
    "test/PNEUMONIA/person2_bacteria_1.jpeg": b"bacterial",
}


class Remote(ThreadingHTTPServer):
    """One file and its listing; the attributes are the server's manners, `asked` and `ranges` what it was asked for."""

    daemon_threads = True

    def __init__(self, body=BODY):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.body, self.tag, self.cuts, self.statuses, self.slow = body, '"one"', [], [], 0.0
        self.ranged, self.minds_if_range, self.says_length = True, True, True
        self.listing, self.asked, self.ranges, self.if_ranges = None, [], [], []
        base = f"http://127.0.0.1:{self.server_port}"
        self.source = Source(f"{base}/moved", "set.zip", f"{base}/listing")

    def entries(self):
        if self.listing is not None:
            return self.listing
        details = {"sha256_hash": digest(self.body), "size": len(self.body)}
        return json.dumps(
            [{"filename": "other.zip"} | {"content_details": {}}, {"filename": "set.zip", "content_details": details}]
        )


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def head(self, status, length=None, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if length is not None:
            self.send_header("Content-Length", str(length))
        else:
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()

    def do_GET(self):
        remote = self.server
        remote.asked.append(self.path)
        if self.path == "/listing":
            answer = remote.entries().encode()
            self.head(200, len(answer), Content_Type="application/json")
            self.wfile.write(answer)
        elif self.path == "/moved":  # Mendeley, too, sends on to where the file lies
            self.head(302, 0, Location="/file")
        else:
            self.file(remote)

    def file(self, remote):
        asked = self.headers.get("Range")
        remote.ranges.append(asked)
        remote.if_ranges.append(self.headers.get("If-Range"))
        if remote.statuses and (status := remote.statuses.pop(0)):
            return self.head(status, 0)
        total, start = len(remote.body), 0
        same = not remote.minds_if_range or self.headers.get("If-Range", remote.tag) == remote.tag
        if asked and remote.ranged and same:
            start = int(re.fullmatch(r"bytes=(\d+)-", asked)[1])
            if start >= total:
                return self.head(416, 0, Content_Range=f"bytes */{total}")
        extra = {"ETag": remote.tag} if remote.tag else {}
        if start:
            extra["Content_Range"] = f"bytes {start}-{total - 1}/{total}"
        self.head(206 if start else 200, total - start if remote.says_length else None, **extra)
        end = start + remote.cuts.pop(0) if remote.cuts else total
        for place in range(start, min(end, total), CHUNK):
            self.wfile.write(remote.body[place : min(place + CHUNK, end)])
            time.sleep(remote.slow)
        if end < total:
            self.close_connection = True


def digest(body):
    return hashlib.sha256(body).hexdigest()


def packed(files=FILES):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as bundle:
        for name, content in files.items():
            bundle.writestr(f"chest_xray/{name}", content)
    return buffer.getvalue()


def tree(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def remote(monkeypatch):
    monkeypatch.setattr(module, "CHUNK", CHUNK)
    server = Remote()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def get(remote, folder, **settings):
    return fetch(remote.source, folder, **{"patience": QUICK} | settings)


def test_fetch_brings_the_file_and_only_once(remote, tmp_path):
    path = get(remote, tmp_path / "new" / "store")
    assert path == tmp_path / "new" / "store" / "set.zip"
    assert tree(tmp_path) == {"new/store/set.zip": BODY}
    assert remote.ranges == [None]
    assert get(remote, tmp_path / "new" / "store") == path
    assert remote.ranges == [None]
    path.write_bytes(BODY[:-1])  # a damaged file is no reason to believe it
    assert get(remote, path.parent).read_bytes() == BODY
    assert remote.ranges == [None, None]


def test_a_cut_connection_is_taken_up_where_it_broke(remote, tmp_path):
    remote.cuts = [10 * CHUNK, 3 * CHUNK, 5 * CHUNK]
    seen = []
    path = get(remote, tmp_path, on_progress=seen.append)
    assert tree(tmp_path) == {path.name: BODY}
    assert remote.ranges == [None, f"bytes={10 * CHUNK}-", f"bytes={13 * CHUNK}-", f"bytes={18 * CHUNK}-"]
    done = [step.done for step in seen if step.stage == "download"]
    assert done == sorted(done)
    assert {10 * CHUNK, 13 * CHUNK, 18 * CHUNK, len(BODY)} <= set(done)
    assert {step.total for step in seen} == {len(BODY)}


def test_progress_tells_speed_and_time_left(remote, tmp_path, monkeypatch):
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
    assert max(naps) <= 0.2  # so that a cancel is heard


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
def test_without_a_strong_tag_the_sum_alone_vouches(remote, tmp_path, tag):
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
    assert remote.ranges == ["bytes=40000-"]  # the listing gives the size: nothing need be asked


def test_416_with_a_part_too_long_starts_over(remote, tmp_path):
    leave_part(tmp_path, BODY + b"more")
    assert get(remote, tmp_path).read_bytes() == BODY
    assert remote.ranges == ["bytes=40004-", None]


def test_wrong_sum_deletes_the_part_and_names_both(remote, tmp_path):
    expected = digest(b"something else")
    with pytest.raises(DataError, match=f"expected SHA-256 {expected}, received {digest(BODY)}"):
        get(remote, tmp_path, sha256=expected)
    assert tree(tmp_path) == {}


def test_sum_by_hand_needs_no_listing(remote, tmp_path):
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
def test_a_listing_of_no_use_names_the_way_out(remote, tmp_path, listing, match):
    remote.listing = listing
    with pytest.raises(DataError, match=f"(?s){match}.*--sha256"):
        get(remote, tmp_path)
    assert remote.asked == ["/listing"]


def test_no_server_at_all(remote, tmp_path):
    dead = Source("http://127.0.0.1:9/file", "set.zip", "http://127.0.0.1:9/listing")
    with pytest.raises(DataError, match=r"No checksum and size .*--sha256"):
        fetch(dead, tmp_path, patience=QUICK)
    with pytest.raises(DataError, match=r"failed 4 times, the last time with ConnectionError"):
        fetch(dead, tmp_path, sha256=digest(BODY), patience=QUICK)


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://127.0.0.1/file", "set.zip"])
def test_only_the_web_is_fetched_from(remote, tmp_path, url):
    with pytest.raises(DataError, match="starts with https:// or http://"):
        fetch(replace(remote.source, url=url), tmp_path, sha256=digest(BODY), patience=QUICK)
    with pytest.raises(DataError, match="starts with https:// or http://"):
        fetch(replace(remote.source, listing=url), tmp_path, patience=QUICK)


def test_http_errors_that_will_not_pass_are_not_tried_again(remote, tmp_path):
    remote.statuses = [404, 404]
    with pytest.raises(DataError, match="answered HTTP 404 Not Found"):
        get(remote, tmp_path)
    assert remote.ranges == [None]


def test_another_length_than_listed_is_refused_before_loading(remote, tmp_path):
    remote.listing = json.dumps([{"filename": "set.zip", "content_details": {"sha256_hash": digest(BODY), "size": 1_200_000_000}}])
    with pytest.raises(DataError, match="offers 40,000 bytes; expected the 1,200,000,000"):
        get(remote, tmp_path)
    assert tree(tmp_path) == {}


def test_without_a_length_the_listing_counts(remote, tmp_path):
    remote.says_length, remote.cuts = False, [10 * CHUNK]  # such a cut looks like the end
    assert get(remote, tmp_path).read_bytes() == BODY
    assert remote.ranges == [None, f"bytes={10 * CHUNK}-"]


def test_a_silent_server_is_left_after_the_timeout(remote, tmp_path):
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


def test_too_little_room_is_said_before_loading(remote, tmp_path, monkeypatch):
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


# The whole way.


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


def test_stopped_between_fetch_and_unpack_then_gone_on(remote, tmp_path):
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


def test_a_whole_looking_folder_that_lost_images_is_told(remote, tmp_path):
    remote.body = packed()
    folder = download_dataset(tmp_path / "data", remote.source, patience=QUICK)
    shutil.rmtree(folder / "test" / "NORMAL")
    with pytest.raises(DataError, match="no image in test/NORMAL"):
        download_dataset(folder, remote.source, patience=QUICK)


def test_mendeley_is_asked_safely_for_one_archive():
    assert MENDELEY.url.startswith("https://data.mendeley.com/")
    assert MENDELEY.listing.startswith("https://data.mendeley.com/")
    assert MENDELEY.file_name == "ChestXRay2017.zip"


# Kaggle, played by a module of ours.


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
