"""A session ends and another goes on: nothing of the first is left in the memory of the app or of the process that decoded.

The whole writable memory is searched, also what was freed and not used again.
"""

import io
import os
import zipfile
from dataclasses import dataclass, field

import numpy as np
import pytest
from browser.running import CHROMIUM, FLAGS, app, needs_chromium, settle
from makers import dicom_bytes, jpeg_bytes, png_bytes
from memory_search import children, held, left, middle, needs_memory
from PIL import Image

from pneumo.imaging.decoding.decode import decode_image
from pneumo.imaging.preprocess import canonical
from pneumo.imaging.windowing import plain_values
from pneumo.synthetic.phantom import make_phantom
from pneumo.ui.diagnose.parcel import pack

pytestmark = [*needs_chromium, needs_memory, pytest.mark.long]

NEVER = "86400"  # seconds that a session is kept after a lost connection; here sessions end because pages are closed


@dataclass
class Patient:
    """A name in the names of the files, another name within them, and X-rays with their own noise."""

    name: str
    inside: str
    seed: int
    files: dict[str, bytes] = field(init=False)
    needles: dict[str, bytes] = field(init=False)

    def __post_init__(self):
        noise = np.random.default_rng(self.seed).normal(0, 6, (500, 600))
        grey = np.clip(make_phantom("bacterial", self.seed, height=500, width=600).pixels * 255 + noise, 0, 255).astype(np.uint8)
        exif = Image.Exif()
        exif[0x010E] = self.inside  # ImageDescription
        plain = {
            "jpg": jpeg_bytes(grey, exif=exif),
            "png": png_bytes(grey),
            "dcm": dicom_bytes(grey.astype(np.uint16) * 16, BitsStored=12, PatientName=self.inside),
        }
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as bundle:
            for kind, data in plain.items():
                bundle.writestr(f"{self.name}/{kind}", data)
        self.files = {f"{self.name}.{kind}": data for kind, data in {**plain, "zip": archive.getvalue()}.items()}
        self.needles = {"the name": self.name.encode(), "the name in UTF-16": self.name.encode("utf-16-le")}
        self.needles["the name within a file"] = self.inside.encode()
        for kind, data in plain.items():
            radiograph = decode_image(data)
            self.needles[f"the {kind} file"] = middle(data)
            self.needles[f"the pixels of {kind}"] = middle(radiograph.pixels.tobytes())
            self.needles[f"what the network is shown of {kind}"] = middle(canonical(radiograph).tobytes())
            stored = (radiograph.values or plain_values(radiograph.pixels, radiograph.facts.bits)).stored
            self.needles[f"the values of {kind}"] = middle(stored.tobytes())
            self.needles[f"what the browser is sent of {kind}"] = middle(pack({}, {"values": stored}))

    def named(self, present: set[bytes]) -> list[str]:
        return [what for what, needle in self.needles.items() if needle in present]


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield started
        started.close()


def visit(browser, url: str, patient: Patient):
    """A visitor who has the patient's X-rays on Diagnose."""
    page = browser.new_context(viewport={"width": 1440, "height": 1000}).new_page()
    page.set_default_timeout(120_000)
    page.goto(url, wait_until="domcontentloaded")
    page.get_by_role("button", name="Try it with generated phantoms").wait_for()
    drop(page, patient, "jpg", "png", "dcm")
    page.get_by_text("1 of 3", exact=True).wait_for()
    page.locator('canvas[aria-label="radiograph with heatmap"]').wait_for()
    return page


def drop(page, patient: Patient, *kinds: str) -> None:
    shown = [
        {"name": name, "mimeType": "application/octet-stream", "buffer": data}
        for name, data in patient.files.items()
        if name.endswith(kinds)
    ]
    page.locator('input[type="file"]').first.set_input_files(shown)


def every_way(page, patient: Patient) -> None:
    """The worklist; then on Diagnose a second opinion, a note for the report and the report itself."""
    page.get_by_role("link", name="Worklist").click()
    page.get_by_role("heading", name="Worklist").wait_for()
    drop(page, patient, "zip")
    page.get_by_role("button", name="Clear all").wait_for()
    page.get_by_text("3 files").first.wait_for()
    page.get_by_role("link", name="Diagnose").click()
    page.get_by_role("button", name="Second opinion").click()
    page.get_by_text("Lungs hidden").first.wait_for()
    page.get_by_text("Note and agreement for the report").click()
    page.get_by_label("Note", exact=True).fill(patient.name)
    page.get_by_label("Reference", exact=True).fill(patient.name)
    page.get_by_role("button", name="Put into the report").click()
    page.get_by_text("your note, your reference").wait_for()
    with page.expect_download() as started:
        page.get_by_role("button", name="Report PDF", exact=True).first.click()
    patient.needles["the report"] = middle(started.value.path().read_bytes())


def processes(url: str) -> tuple[int, list[int]]:
    """The process of the app, and those that decode for it."""
    (server,) = [pid for pid, command in children(os.getpid()).items() if f"--server.port {url.rpartition(':')[2]}" in command]
    return server, [pid for pid, command in children(server).items() if "decoding.worker" in command]


def test_nothing_of_a_session_outlives_it(browser, tmp_path):
    first, second = Patient("Quittenmus Wendelin", "Schwarzwurzel", 5), Patient("Grünkohl Ottilie", "Pastinake", 6)
    settings = {f"PNEUMO_{name}_DIR": str(tmp_path / name.lower()) for name in ("DATA", "RUNS")}
    with app(tmp_path, STREAMLIT_SERVER_DISCONNECTED_SESSION_TTL=NEVER, PNEUMO_RECORD="", **settings) as url:
        stays = visit(browser, url, second)
        goes = visit(browser, url, first)
        every_way(goes, first)
        server, decoding = processes(url)
        there = first.named(held(server, first.needles.values()))
        assert {
            "the name",
            "the values of jpg",
            "the values of dcm",
            "what the browser is sent of jpg",
            "the report",
            "what the network is shown of png",
        } <= {*there}
        goes.close()

        assert first.named(left(server, first.needles.values())) == []
        _, now_decoding = processes(url)
        assert now_decoding
        assert not {*decoding} & {*now_decoding}
        for pid in now_decoding:
            assert first.named(left(pid, first.needles.values())) == []
        assert "the values of png" in second.named(held(server, second.needles.values()))  # its session goes on

        stays.get_by_role("button", name="Next").click()
        stays.get_by_text("2 of 3", exact=True).wait_for()
        stays.close()
        assert second.named(left(server, second.needles.values())) == []
    assert "Traceback" not in (tmp_path / "log").read_text()


def test_a_short_export_does_not_outlive_its_session(browser, tmp_path):
    """It is made on another thread of the server, and the C library keeps small freed blocks for the thread that freed them."""
    patient = Patient("Quittenmus Wendelin", "Schwarzwurzel", 7)
    settings = {f"PNEUMO_{name}_DIR": str(tmp_path / name.lower()) for name in ("DATA", "RUNS")}
    with app(tmp_path, STREAMLIT_SERVER_DISCONNECTED_SESSION_TTL=NEVER, PNEUMO_RECORD="", **settings) as url:
        page = browser.new_page()
        page.set_default_timeout(120_000)
        page.goto(f"{url}/worklist", wait_until="domcontentloaded")
        page.get_by_role("button", name="Try it with generated phantoms").wait_for()
        drop(page, patient, "png", "dcm")
        page.get_by_role("button", name="Clear all").wait_for()
        settle(page)
        for kind in ("CSV", "JSON"):
            with page.expect_download() as exported:
                page.get_by_role("button", name=kind, exact=True).click()
            assert patient.name in exported.value.path().read_text(encoding="utf-8")
        page.close()
        server, _ = processes(url)
        assert patient.named(left(server, patient.needles.values())) == []
