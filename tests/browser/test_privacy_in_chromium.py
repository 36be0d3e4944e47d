"""A session with X-rays of a marked patient: nothing of them is on the disk, in the log or in another session, or is sent away.

One app process for all tests, with a guard in it and in every process that it starts (guard/sitecustomize.py).
"""

import os
import re
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from browser.running import CHROMIUM, FLAGS, TEMPORARY, app, needs_chromium, settle
from browser.traces import Watch, pieces, traces, writings
from marked_files import GUARD, MARKS, PATIENT, marked_files
from playwright.sync_api import expect

from pneumo.imaging.decoding.decode import decode_image
from pneumo.imaging.preprocess import canonical
from pneumo.imaging.windowing import plain_values
from pneumo.ui.diagnose.parcel import pack

pytestmark = [*needs_chromium, pytest.mark.long]


LEFT = 1  # seconds that a session is kept after its page was left; 120 by default


def needles(files: dict[str, bytes]) -> set[bytes]:
    """The names in every encoding; pieces of every file and of the image that the network gets."""
    searched = {written for mark in MARKS for written in writings(mark).values()}
    for name, data in files.items():
        searched |= set(pieces(data).values())
        if not name.endswith(".zip"):
            searched |= set(pieces(canonical(decode_image(data)).tobytes()).values())
    return searched


@dataclass
class Browser:
    """What one visitor's browser requested and received."""

    context: object
    folder: Path  # its own, with the files that are dropped
    asked: list[str] = field(default_factory=list)
    told: bytes = b""

    def __post_init__(self):
        self.page = self.context.new_page()
        self.page.set_default_timeout(180_000)
        self.context.on("request", lambda request: self.asked.append(request.url))
        self.page.on("websocket", self._listen)

    def _listen(self, websocket):
        self.asked.append(websocket.url)
        websocket.on("framereceived", self._hear)

    def _hear(self, frame):
        self.told += frame if isinstance(frame, bytes) else frame.encode()

    @property
    def pictures(self) -> set[str]:
        return {url for url in self.asked if urlsplit(url).path.startswith("/media/")}

    def drop(self, *files: tuple[str, bytes]) -> None:
        for name, data in files:
            (self.folder / name).write_bytes(data)
        self.page.locator('input[type="file"]').first.set_input_files([self.folder / name for name, _ in files])

    def settle(self) -> None:
        settle(self.page)

    def downloaded(self, button: str) -> bytes:
        with self.page.expect_download() as started:
            self.page.get_by_role("button", name=button, exact=True).first.click()
        return started.value.path().read_bytes()


@dataclass
class Session:
    """The traces of a complete session."""

    url: str
    home: Path
    files: dict[str, bytes]
    ours: Browser
    theirs: Browser
    csv: bytes
    report: bytes
    status_while_open: list[int]
    seconds_to_go: float
    watch: Watch


@pytest.fixture(scope="module")
def guarded(tmp_path_factory) -> dict[str, str]:
    """The environment of a guarded process."""
    paths = os.pathsep.join(filter(None, (str(GUARD), os.environ.get("PYTHONPATH"))))
    return {"PNEUMO_GUARD": str(tmp_path_factory.mktemp("guard")), "PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1"}


@pytest.fixture(scope="module")
def session(tmp_path_factory, guarded) -> Session:
    """Everything that can be done with an X-ray in the app, once."""
    from playwright.sync_api import sync_playwright

    home, downloads, files = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("downloads"), marked_files()
    settings = {f"PNEUMO_{name.upper()}_DIR": str(home / name) for name in ("data", "runs")}
    settings |= {"STREAMLIT_SERVER_DISCONNECTED_SESSION_TTL": str(LEFT), "PNEUMO_RECORD": "", **guarded}
    watch = Watch(lambda: {int(path.name.split("-")[0]) for path in Path(guarded["PNEUMO_GUARD"]).iterdir()}, home / TEMPORARY)
    with app(home, **settings) as url, watch, sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS, downloads_path=downloads)
        ours, theirs = (
            Browser(chromium.new_context(viewport={"width": 1440, "height": 1000}), tmp_path_factory.mktemp("dropped"))
            for _ in range(2)
        )
        page = ours.page
        page.goto(url, wait_until="domcontentloaded")
        page.get_by_role("button", name="Try it with generated phantoms").wait_for()
        ours.settle()
        single = [item for item in files.items() if not item[0].endswith(".zip")]
        ours.drop(*single)
        page.get_by_text("1 of 4", exact=True).wait_for()
        page.locator('canvas[aria-label="radiograph with heatmap"]').wait_for()
        page.get_by_role("combobox").first.click()  # the other model
        page.get_by_test_id("stSelectboxVirtualDropdown").get_by_role("option").nth(1).click()
        ours.settle()
        page.get_by_role("button", name="Second opinion").click()
        page.get_by_text("Lungs hidden").first.wait_for()
        page.get_by_text("Note and agreement for the report").click()
        page.get_by_label("Note", exact=True).fill(PATIENT)
        page.get_by_label("Reference", exact=True).fill(PATIENT)
        page.get_by_role("button", name="Put into the report").click()
        page.get_by_text("your note, your reference").wait_for()
        report = ours.downloaded("Report PDF")
        expect(page.get_by_role("link", name="History")).to_have_count(0)

        page.get_by_role("link", name="Worklist").click()
        page.get_by_role("heading", name="Worklist").wait_for()
        ours.drop((f"{PATIENT}.zip", files[f"{PATIENT}.zip"]))
        page.get_by_role("button", name="Clear all").wait_for()
        csv = ours.downloaded("CSV")

        theirs.page.goto(url, wait_until="domcontentloaded")
        theirs.page.get_by_role("button", name="Try it with generated phantoms").wait_for()
        theirs.page.get_by_role("link", name="Worklist").click()
        theirs.page.get_by_role("button", name="Try it with generated phantoms").wait_for()
        page.get_by_role("link", name="Diagnose").click()
        page.locator('canvas[aria-label="radiograph with heatmap"]').wait_for()
        shown = page.evaluate(
            "[...document.querySelectorAll('img')].map(image => image.src).filter(src => src.includes('/media/'))"
        )
        open_now = [status(address) for address in shown]
        ours.context.close()
        left = time.monotonic()
        while any(status(address) != 404 for address in ours.pictures) and time.monotonic() - left < 30:
            time.sleep(0.2)
        gone = time.monotonic() - left
        theirs.context.close()
        chromium.close()
        yield Session(url, home, files, ours, theirs, csv, report, open_now, gone, watch)


def status(url: str) -> int:
    try:
        return urllib.request.urlopen(url, timeout=10).status
    except urllib.error.HTTPError as error:
        return error.code


def noted(guarded: dict[str, str]) -> list[str]:
    return [os.readlink(path) for path in Path(guarded["PNEUMO_GUARD"]).iterdir()]


def test_the_session_was_complete(session):
    """What the tests below must not find elsewhere was in the browser of the X-rays' own visitor."""
    assert MARKS[0].encode() in session.ours.told
    assert MARKS[1] in session.csv.decode()
    assert session.csv.decode().count("\n") >= 5  # a header, and the four files of the zip
    assert session.report.startswith(b"%PDF")
    assert session.ours.pictures
    assert set(session.status_while_open) == {200}


def test_nothing_of_a_patient_on_the_disk_or_in_the_log(session, guarded):
    files = [path for path in session.home.rglob("*") if path.is_file()]
    assert session.home / "log" in files
    assert traces(session.home, needles(session.files)) == []
    assert "Traceback" not in (session.home / "log").read_text()
    written = {line.removeprefix("open ") for line in noted(guarded) if line.startswith("open ")}
    elsewhere = {path for path in written if not path.startswith((str(session.home), "/dev/", "/proc/"))}
    assert elsewhere == set()  # all that was written is in the folders searched


def test_no_temporary_file_was_made(session, guarded):
    """Not even of uploads of 5 and 45 MB. One without a name could not be searched, and its blocks would stay on the disk."""
    sizes = sorted(len(data) for name, data in session.files.items() if name.endswith(".dcm"))
    assert sizes[0] > 5e6
    assert sizes[1] > 45e6
    temporary = str(session.home / TEMPORARY)
    assert [line for line in noted(guarded) if line.startswith(("temporary", "nameless", f"open {temporary}"))] == []
    assert session.watch.found == set()


def test_nothing_left_this_computer(session, guarded):
    seen = noted(guarded)
    watched = [line for line in seen if line.startswith("watched")]
    assert any("streamlit run" in line for line in watched)
    assert any("decoding.worker" in line for line in watched)
    assert [line for line in seen if line.startswith("socket")] == []
    own = re.compile(rf"{session.url}/|{session.url.replace('http', 'ws')}/|data:|blob:{session.url}/")
    assert [url for url in session.ours.asked + session.theirs.asked if not own.match(url)] == []


def test_another_session_sees_nothing_of_it(session):
    assert session.theirs.told
    (jpeg,) = [decode_image(data) for name, data in session.files.items() if name.endswith(".jpg")]  # the first that was shown
    sent = pack({}, {"values": plain_values(jpeg.pixels, 8).stored})
    viewed = sent[len(sent) // 2 :][:200]
    assert viewed in session.ours.told
    assert viewed not in session.theirs.told
    for mark in MARKS:
        assert mark.encode() not in session.theirs.told
    for address in session.ours.pictures:
        name = address.rsplit("/", 1)[1]
        assert re.fullmatch(r"[0-9a-f]{32}\.\w+", name)  # a 128-bit hash of the picture
        assert name.encode() not in session.theirs.told
        assert address not in session.theirs.asked


def test_a_session_that_ended_leaves_no_picture(session):
    assert session.seconds_to_go < LEFT + 15
    assert {status(address) for address in session.ours.pictures} == {404}
