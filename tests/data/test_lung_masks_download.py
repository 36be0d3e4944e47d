"""Lung masks from a local server with a generated archive: correct, cut short, with wrong masks, or a bomb."""

import io
import struct
import threading
import zipfile
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from makers import png_bytes, resealed

from pneumo.cli.main import main
from pneumo.data import lung_masks_download as module
from pneumo.data.download import Patience, Source
from pneumo.data.lung_masks import FILE, OutlinedImage, read_masks
from pneumo.data.lung_masks_download import LICENCE, NOTICE, V7, download_masks, masks_of, shrink_mask
from pneumo.errors import DataError

FOLDER = "covid-19-xray-dataset-fb9a9d4/annotations/all-images-semantic-masks/"
QUICK = Patience(retries=2, backoff=0.001, timeout=5)
TABLE = (
    OutlinedImage("train/NORMAL/IM-0001-0001.jpeg", 448, 448, 11, 0.98),
    OutlinedImage("train/PNEUMONIA/person1_virus_1.jpeg", 600, 300, 12, 0.97),
    OutlinedImage("test/NORMAL/IM-0002-0001.jpeg", 300, 224, 13, 0.99),
)


def levels(width, height):
    """Left half lung, the upper quarter of it marked Ignore."""
    drawn = np.zeros((height, width), np.uint8)
    drawn[:, : width // 2] = 255
    drawn[: height // 4, : width // 2] = 127
    return drawn


def expected():
    mask = np.zeros((224, 224), bool)
    mask[56:, :112] = True
    return mask


def right():
    return {f"{FOLDER}{image.annotation}.png": png_bytes(levels(image.width, image.height)) for image in TABLE} | {
        f"{FOLDER}class_mapping.csv": b"class_idx,class_name\n0,__background__\n127,Ignore\n255,Lung\n",
        f"{FOLDER}99.png": png_bytes(levels(50, 50)),  # from another of the publisher's sets
        "covid-19-xray-dataset-fb9a9d4/README.md": b"# COVID-19 xray dataset",
    }


def claiming(width, height):
    """A small PNG whose header gives another size."""
    png = png_bytes(levels(8, 8))
    return resealed(png[:16] + struct.pack(">II", width, height) + png[24:])


def packed(files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, content in files.items():
            bundle.writestr(name, content)
    return buffer.getvalue()


class Remote(ThreadingHTTPServer):
    """Answers like GitHub: in chunks, without a length, always from the start. `cuts`: bytes after which it breaks off."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.body, self.cuts, self.asked, self.says_length = packed(right()), [], 0, False
        self.source = Source(f"http://127.0.0.1:{self.server_port}/archive.zip", "archive.zip", most_bytes=1 << 20)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def do_GET(self):
        self.server.asked += 1
        self.send_response(200)
        if self.server.says_length:
            self.send_header("Content-Length", str(len(self.server.body)))
            self.end_headers()
            self.wfile.write(self.server.body)
            return
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        body = self.server.body
        end = self.server.cuts.pop(0) if self.server.cuts else len(body)
        for place in range(0, end, 512):
            chunk = body[place : min(place + 512, end)]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
        if end == len(body):
            self.wfile.write(b"0\r\n\r\n")
        else:
            self.close_connection = True


@pytest.fixture
def remote():
    server = Remote()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def get(remote, folder):
    return download_masks(folder, remote.source, table=TABLE, patience=QUICK)


def archive_of(tmp_path, files):
    path = tmp_path / "archive.zip"
    path.write_bytes(packed(files))
    return path


def test_the_masks_land_in_the_canonical_frame_with_their_origin(remote, tmp_path):
    brought = get(remote, tmp_path / "masks")
    assert brought.left_out == ()
    stored = read_masks(tmp_path / "masks")
    assert stored.files == tuple(image.file for image in TABLE)
    for index in range(3):
        np.testing.assert_array_equal(stored[index], expected())
    assert {path.name for path in (tmp_path / "masks").iterdir()} == {FILE, NOTICE}  # the archive is gone
    assert LICENCE in (tmp_path / "masks" / NOTICE).read_text()


def test_existing_masks_are_kept_without_a_request(remote, tmp_path):
    get(remote, tmp_path)
    assert len(get(remote, tmp_path).masks) == 3
    assert remote.asked == 1
    (tmp_path / FILE).write_bytes(b"no masks")
    with pytest.raises(DataError, match="no file of lung masks"):
        get(remote, tmp_path)


def test_a_download_cut_short_is_requested_again(remote, tmp_path):
    remote.cuts = [1000, 1500]
    assert len(get(remote, tmp_path).masks) == 3
    assert remote.asked == 3
    assert not list(tmp_path.glob("*.part*"))


def test_a_manually_downloaded_archive_is_used(remote, tmp_path):
    archive_of(tmp_path, right())
    assert len(get(remote, tmp_path).masks) == 3
    assert remote.asked == 0


@pytest.mark.parametrize("keep", [0.3, 0.9])
def test_an_archive_cut_short_is_deleted_and_downloaded_again_by_the_next_call(remote, tmp_path, keep):
    path = archive_of(tmp_path, right())
    path.write_bytes(path.read_bytes()[: int(keep * path.stat().st_size)])
    with pytest.raises(DataError, match=r"archive.zip is damaged or cut short .* deleted; start again"):
        get(remote, tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert len(get(remote, tmp_path).masks) == 3
    assert remote.asked == 1


def test_a_damaged_member_is_noticed(remote, tmp_path):
    path = archive_of(tmp_path, right())
    raw = bytearray(path.read_bytes())
    raw[raw.index(b"PK\3\4") + 120] ^= 0xFF
    path.write_bytes(raw)
    with pytest.raises(DataError, match="damaged or cut short"):
        get(remote, tmp_path)
    assert not (tmp_path / FILE).exists()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (png_bytes(levels(300, 600)), "300 x 600 pixels; expected 600 x 300"),
        (claiming(30_000, 30_000), "30000 x 30000 pixels; expected 600 x 300"),  # 0.9 GB of pixels if unpacked
        (png_bytes(np.full((300, 600), 40, np.uint8)), "grey levels such as 40; expected only 0, 127, 255"),
        (b"GIF89a", "no readable PNG"),
        (png_bytes(levels(600, 300))[:-300], "no readable PNG"),
        (None, "not in the archive"),
    ],
)
def test_a_mask_that_does_not_fit_is_left_out_and_named(tmp_path, content, reason):
    files = right()
    name = f"{FOLDER}12.png"
    files = {key: value for key, value in files.items() if key != name} | ({name: content} if content else {})
    brought = masks_of(archive_of(tmp_path, files), TABLE)
    assert brought.masks.files == (TABLE[0].file, TABLE[2].file)
    assert [(one.path, one.reason) for one in brought.left_out] == [(TABLE[1].file, f"annotation 12: {reason}")]


def test_masks_in_colour_mode_are_read_alike(tmp_path):
    files = right() | {f"{FOLDER}12.png": png_bytes(levels(600, 300), "RGB")}
    brought = masks_of(archive_of(tmp_path, files), TABLE)
    np.testing.assert_array_equal(brought.masks[1], expected())


def test_another_archive_is_refused_and_deleted(remote, tmp_path):
    remote.body = packed({"covid/images/11.png": png_bytes(levels(448, 448))})
    with pytest.raises(DataError, match=r"holds no mask .* another archive.* The first of 3: train/NORMAL/IM-0001-0001.jpeg"):
        get(remote, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_bomb_is_refused_by_its_declared_size(remote, tmp_path):
    remote.body = packed(right() | {f"{FOLDER}14.png": bytes(3 << 20)})
    with pytest.raises(DataError, match=r"14.png' grows more than 100-fold, as a zip bomb does"):
        get(remote, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_member_that_unpacks_to_more_than_it_declares(tmp_path, monkeypatch):
    path = archive_of(tmp_path, right() | {f"{FOLDER}12.png": bytes(900_000)})
    raw = bytearray(path.read_bytes())
    struct.pack_into("<I", raw, raw.index(f"{FOLDER}12.png".encode(), raw.index(b"PK\1\2")) - 46 + 24, 1000)
    path.write_bytes(raw)
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
    with pytest.raises(DataError, match="damaged or cut short"):
        masks_of(path, TABLE)
    assert max(longest) < 10_000  # 900,000 would have been unpacked by ZipFile.read


@pytest.mark.parametrize("says_length", [True, False])
def test_a_download_that_is_too_large_is_stopped(remote, tmp_path, says_length):
    remote.source = Source(remote.source.url, "archive.zip", most_bytes=1000)
    remote.says_length = says_length
    with pytest.raises(DataError, match="expected at most 1,000 bytes"):
        get(remote, tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert remote.asked == 1


def test_an_unreachable_server_is_reported(tmp_path):
    with pytest.raises(DataError, match="failed 3 times"):
        download_masks(tmp_path, Source("http://127.0.0.1:9/a.zip", "a.zip"), table=TABLE, patience=QUICK)


def test_a_pixel_is_lung_where_more_than_half_of_its_area_is():
    mask = np.zeros((448, 672), bool)  # a canonical pixel is 2 x 3 of these
    mask[0:2, 0:3] = True  # all
    mask[0:2, 3:5] = True  # two thirds
    mask[0, 6:9] = True  # half
    mask[0:2, 9] = True  # a third
    np.testing.assert_array_equal(np.argwhere(shrink_mask(mask)), [[0, 0], [0, 1]])
    part = np.zeros((300, 300), bool)
    part[:, :150] = True  # 224 / 300 of a pixel at the border: 112 pixels exactly
    assert shrink_mask(part).sum() == 224 * 112


def test_the_source_is_one_fixed_state_of_the_repository():
    assert V7.url == "https://github.com/v7labs/covid-19-xray-dataset/archive/fb9a9d4e3573fda67bc092cce6991f5e2b9013b0.zip"
    assert V7.listing == ""


def test_the_command_names_licence_source_and_what_was_left_out(remote, tmp_path, monkeypatch, capsys):
    files = right() | {f"{FOLDER}12.png": png_bytes(levels(20, 20))}
    remote.body = packed(files)
    monkeypatch.setattr(module, "download_masks", partial(download_masks, source=remote.source, table=TABLE))
    assert main(["data", "masks", str(tmp_path)]) == 1
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "left out\ttrain/PNEUMONIA/person1_virus_1.jpeg\tannotation 12: 20 x 20 pixels; expected 600 x 300"
    assert said[1] == f"{tmp_path / FILE}\t2 lung masks"
    assert "v7labs/covid-19-xray-dataset" in said[2]
    assert "CC BY 4.0" in said[3]
    assert main(["data", "masks", str(tmp_path)]) == 0
