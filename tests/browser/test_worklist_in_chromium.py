"""300 mixed files in one drop, in a real browser: every one has an answer or a reason, on the page and in the CSV."""

import contextlib
import csv
import io
import json
import re
import urllib.request
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from browser.running import app, browser_page, fits_across, needs_chromium, wait_until
from makers import dicom_bytes, jpeg_bytes, png_bytes
from playwright.sync_api import TimeoutError, expect
from tiny_model import make_registry

from pneumo.synthetic.phantom import make_phantom, phantom_png

pytestmark = needs_chromium

NAME = "Beeblebrox"  # in files' names; it must never be on the disk


def mixed_files(folder: Path) -> list[Path]:
    """300 files of every kind. Pictures repeat and so do a few names, but no two files have the same bytes."""
    rng = np.random.default_rng(0)
    phantoms = [
        phantom_png(make_phantom(kind, seed=n, height=160, width=160)) for n, kind in enumerate(("none", "bacterial", "viral"))
    ]
    photo = jpeg_bytes(rng.integers(0, 255, (120, 160, 3), np.uint8))
    slope = png_bytes(np.dstack([np.tile(np.arange(160, dtype=np.uint8), (120, 1))] * 2 + [np.full((120, 160), 90, np.uint8)]))
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as bundle:
        for n in range(18):
            bundle.writestr(f"../PAT/IM{n:04d}", deep(rng, n))
        bundle.writestr("broken.png", phantoms[0][:500])
        bundle.writestr("bomb.png", bytes(60 << 20), zipfile.ZIP_DEFLATED)
        bundle.writestr("DICOMDIR", b"")
        bundle.writestr("viewer.exe", b"MZ")
    kinds = {  # suffix -> (how many, their contents)
        ".png": (120, phantoms),
        "-å肺.png": (30, phantoms),
        "-photo.jpg": (40, [photo]),
        "-colours.png": (20, [slope]),
        "-cut.jpg": (30, [photo[: len(photo) // 2]]),
        "-letter.jpeg": (20, [b"Dear colleague"]),
        "-empty.png": (5, [b""]),
        "-icon.png": (4, [png_bytes(np.eye(16, dtype=np.uint8))]),
        "-ct.dcm": (4, [deep(rng, n, Modality="CT") for n in range(4)]),
        ".dcm": (20, [deep(rng, n) for n in range(20)]),
        "-cut.dcm": (3, [deep(rng, n)[:400] for n in range(3)]),
        "-study.zip": (1, [archive.getvalue()]),
        "-cut.zip": (1, [archive.getvalue()[:3000]]),
    }
    paths = []
    for suffix, (count, contents) in kinds.items():
        for n in range(count):
            place = (
                folder / f"{suffix}{n}" / (f"same{suffix}" if n < 2 and suffix != "-empty.png" else f"{NAME}-{n:03d}{suffix}")
            )  # two of the same name
            place.parent.mkdir(parents=True)
            data = contents[n % len(contents)]
            repeats = data and suffix.endswith(("png", "jpg", "jpeg"))
            place.write_bytes(data + b"%06d" % len(paths) if repeats else data)  # after the end of the image, where nothing is read
            paths.append(place)
    return [paths[n] for n in rng.permutation(len(paths))]


def deep(rng, n: int, **elements) -> bytes:
    return dicom_bytes(
        rng.integers(0, 4096, (96, 80), np.uint16), BitsStored=12, HighBit=11, SOPInstanceUID=f"1.2.{1000 + n}", **elements
    )


# Without an answer under any gate; only of photographs it depends on the gate.
REFUSED = {"-cut.jpg": 30, "-letter.jpeg": 20, "-empty.png": 5, "-icon.png": 4, "-ct.dcm": 4, "-cut.dcm": 3, "-cut.zip": 1}


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    models = make_registry(tmp_path_factory.mktemp("models"))
    with app(home, PNEUMO_MODELS_DIR=str(models), PNEUMO_SESSION_MB="100") as url:
        yield url, home


@pytest.fixture
def page(chromium, address):
    with browser_page(chromium) as page:
        page.goto(f"{address[0]}/worklist", wait_until="domcontentloaded")
        yield page


def downloaded(page, title: str) -> str:
    with page.expect_download() as started:
        page.get_by_role("button", name=title, exact=True).click()
    return started.value.path().read_text(encoding="utf-8")


def wait_for_rows(page, answered: int, without: int) -> None:
    """Until the tables have so many rows. The first is a canvas: its count for screen readers, which includes the header."""
    wait_until(
        page,
        f"document.querySelector('[data-testid=stDataFrame] table')?.getAttribute('aria-rowcount') == {answered + 1}"
        f" && document.querySelectorAll('.worklist-unanswered tr').length == {without}",
    )


@pytest.mark.long
def test_300_mixed_files_each_have_an_answer_or_a_reason(page, address, tmp_path):
    files = mixed_files(tmp_path)
    assert len(files) >= 298
    page.locator('input[type="file"]').first.set_input_files(files)
    page.get_by_role("button", name="Clear all").wait_for(timeout=180_000)  # not offered before all are read
    line = page.get_by_text(re.compile(r"\d+ files; \d+ answered")).inner_text()
    total, answered, sick, unsure, healthy, without, skipped = map(int, re.findall(r"\d+", line))
    expected = len(files) - 1 + 20  # the archive gives its 18 images, a broken one and a bomb, each with its own line
    assert (total, skipped) == (expected, 2)
    assert answered + without == total
    assert sick + unsure + healthy == answered
    wait_for_rows(page, answered, without)

    rows = list(csv.DictReader(io.StringIO(downloaded(page, "CSV"))))
    assert rows == [{**row, **csv_like(record)} for row, record in zip(rows, json_lines(downloaded(page, "JSON")), strict=True)]
    assert len(rows) == total
    assert Counter(bool(row["probability"]) for row in rows) == {True: answered, False: without}
    for row in rows:
        answers = ("NORMAL", "INDETERMINATE", "PNEUMONIA")
        assert row["verdict"] in answers if row["status"] == "ok" else row["reasons"] and not row["verdict"]
    probabilities = [float(row["probability"]) for row in rows if row["probability"]]
    assert probabilities == sorted(probabilities, reverse=True)
    for path in files:  # each dropped file is listed as often as it was dropped
        if not path.name.endswith("-study.zip"):
            assert sum(row["file"] == path.name for row in rows) == sum(other.name == path.name for other in files), path.name
    for suffix, count in REFUSED.items():
        assert sum(row["file"].endswith(suffix) and row["status"] != "ok" for row in rows) == count, suffix
    (bomb,) = [row for row in rows if row["file"].endswith("bomb.png")]
    assert "would unpack to 60 MB" in bomb["reasons"]
    assert NAME in str(rows)
    # Streamlit itself holds none of the files any more.
    metrics = urllib.request.urlopen(f"{address[0]}/_stcore/metrics", timeout=30).read().decode()
    assert "active_sessions" in metrics
    assert "UploadedFileManager" not in metrics
    log_and_more = [path for path in address[1].rglob("*") if path.is_file()]
    assert not [path for path in log_and_more if NAME.encode() in path.read_bytes() or NAME in path.name]


def json_lines(text: str) -> list[dict]:
    return [json.loads(line) for line in text.splitlines()]


def csv_like(record: dict) -> dict[str, str]:
    """The fields that CSV and JSON have in common, as the CSV must show them."""
    return {
        key: "" if record[key] is None else str(record[key]) for key in ("file", "sha256", "status", "label", "zone", "probability")
    }


def choose_first_row(page) -> None:
    """Click on its answer. The table is a canvas that may still move, so only the button shows whether the click hit the row."""
    button = page.get_by_role("button", name="Open in Diagnose")
    button.wait_for()  # rows can be chosen once all are read
    for _ in range(30):
        box = page.locator('[data-testid="stDataFrame"]').first.bounding_box()
        page.mouse.click(box["x"] + 290, box["y"] + 35 + 28)
        page.wait_for_timeout(1000)
        if button.is_enabled():
            return
    raise AssertionError("no row could be chosen")


def test_filter_open_in_diagnose_and_come_back(page, tmp_path):
    files = [tmp_path / "one.png", tmp_path / "two.png"]
    for path, seed in zip(files, (3, 4), strict=True):
        path.write_bytes(phantom_png(make_phantom("viral", seed=seed, height=600, width=800)))
    page.locator('input[type="file"]').first.set_input_files(files)
    wait_for_rows(page, 2, 0)
    first = json_lines(downloaded(page, "JSON"))[0]
    choose_first_row(page)
    page.get_by_role("button", name="Open in Diagnose").click()
    page.get_by_role("heading", name="Diagnose").wait_for()
    page.get_by_text("1 of 2 in the worklist").wait_for()
    expect(page.locator(".verdict")).to_have_text(first["verdict"])
    page.get_by_text("More about this answer").click()
    page.get_by_text(first["sha256"][:16]).wait_for()
    expect(page.get_by_text("A reduced copy from the worklist")).to_have_count(0)  # the file was read again: 800 x 600
    page.get_by_role("link", name="Back to the worklist").click()
    wait_for_rows(page, 2, 0)
    page.get_by_role("button", name="Open in Diagnose", disabled=False).wait_for()  # the row is still chosen
    page.get_by_role("button", name="Open in Diagnose").press("o")
    page.get_by_role("heading", name="Diagnose").wait_for()


@pytest.mark.long
def test_cancel_keeps_what_was_read(page, tmp_path):
    files = many(tmp_path)
    page.locator('input[type="file"]').first.set_input_files(files)
    page.get_by_text(re.compile(r"Reading \d+ of 100, about .* left")).wait_for()
    page.get_by_text(re.compile(r"\d+ answered")).wait_for()  # first results, while the others wait
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Clear all").wait_for()
    line = page.get_by_text(re.compile("left unread: cancelled")).inner_text()
    read, answered, _, _, _, unread = map(int, re.findall(r"\d+", line))
    assert read == answered
    assert read + unread == 100
    # Dropped again: files already read are not read twice, and each has one row.
    page.locator('input[type="file"]').first.set_input_files(files)
    page.get_by_text(re.compile("100 files; 100 answered")).wait_for(timeout=180_000)
    expect(page.get_by_text(re.compile("left unread: cancelled"))).to_have_count(0)
    expect(page.get_by_text(re.compile(rf"{read} files? dropped again"))).to_have_count(1)


@pytest.mark.long
def test_the_list_reports_streamlits_own_stop_and_can_go_on(page, tmp_path):
    page.locator('input[type="file"]').first.set_input_files(many(tmp_path))
    page.get_by_text(re.compile(r"\d+ answered")).wait_for()
    offer = page.locator(".st-key-stopped")
    expect(offer).to_be_hidden()
    for _ in range(10):  # a Stop that comes between two runs of the page is lost, and is clicked again
        page.get_by_test_id("stStatusWidget").get_by_role("button", name="Stop").click()
        with contextlib.suppress(TimeoutError):
            offer.wait_for(timeout=5_000)
            break
    offer.wait_for(timeout=1_000)
    wait_until(page, "getComputedStyle(document.querySelector('.st-key-stopped')).visibility == 'visible'")
    expect(offer).to_contain_text(re.compile(r"Reading stopped after \d+ of 100 files"))
    offer.get_by_role("button", name="Go on").click()
    page.get_by_role("button", name="Clear all").wait_for(timeout=180_000)
    page.get_by_text(re.compile("100 files; 100 answered")).wait_for()
    expect(offer).to_have_count(0)


def many(folder: Path) -> list[Path]:
    """So many different files that there is time to click on any machine."""
    picture = phantom_png(make_phantom("viral", seed=1, height=1000, width=1200))
    files = [folder / f"{n}.png" for n in range(100)]
    for n, path in enumerate(files):
        path.write_bytes(picture + b"%03d" % n)
    return files


def test_a_folder(page, tmp_path):
    folder = tmp_path / "study"
    (folder / "S1").mkdir(parents=True)
    (folder / "S1" / "IM0001").write_bytes(dicom_bytes(np.arange(6400, dtype=np.uint16).reshape(80, 80)))
    (folder / "note.txt").write_text("no image")
    page.get_by_text("A folder", exact=True).click()
    page.locator('input[type="file"][webkitdirectory]').set_input_files(folder)
    line = page.get_by_text(re.compile("answered")).first
    expect(line).to_contain_text("1 file; 1 answered")
    expect(line).to_contain_text("1 file in archives or folders skipped")
    assert "IM0001" in downloaded(page, "CSV")


@pytest.mark.long
def test_a_large_zip_is_read_and_one_too_many_is_listed_with_the_reason(page, tmp_path):
    archives = [tmp_path / f"{n}.zip" for n in range(2)]
    for n, archive in enumerate(archives):
        with zipfile.ZipFile(archive, "w") as bundle:
            bundle.writestr("viewer.bin", bytes(60 << 20))
            bundle.writestr("IM1.png", phantom_png(make_phantom("viral", seed=n, height=160, width=160)))
    page.locator('input[type="file"]').first.set_input_files(archives)
    expect(page.get_by_text(re.compile(r"2 files; \d answered"))).to_contain_text("1 without an answer")
    page.get_by_text("1 of the files left out. No room: at most 100 MB of a session's files may wait to be read.").wait_for()
    (refused,) = page.locator(".worklist-unanswered tr").all_inner_texts()
    assert re.match(r"\s*[01]\.zip", refused)
    assert "Drop it again when the others are read." in refused
    page.get_by_role("button", name="Clear all").wait_for()
    page.locator('input[type="file"]').first.set_input_files(archives[int(refused.strip()[0])])
    page.get_by_text(re.compile("2 files; 2 answered")).wait_for()
    expect(page.locator(".worklist-unanswered tr")).to_have_count(0)


def test_narrow_screen_does_not_scroll_sideways(page):
    page.set_viewport_size({"width": 400, "height": 900})
    page.get_by_role("button", name="Try it with generated phantoms").click()
    page.get_by_role("button", name="Clear all").wait_for()
    fits_across(page)
