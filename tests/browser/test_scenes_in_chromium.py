"""Five scenes with the shipped models, each with a mouse, with the keyboard alone and with a finger on a screen 400 pixels wide.

Each prints its acts and seconds: `python -m pytest tests/browser/test_scenes_in_chromium.py -rP`. The acts are bounded
here, the seconds are not.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from browser.hands import HANDS, Hands, person
from browser.running import ERRORS, PROBABILITY, app, fits_across, needs_chromium, settle, verdict_of
from makers import dicom_bytes, jpeg_bytes, png_bytes
from phantom_sets import copy_set
from playwright.sync_api import expect

from pneumo.synthetic.phantom import make_phantom, phantom_png

pytestmark = [*needs_chromium, pytest.mark.long, pytest.mark.parametrize("kind", HANDS)]


def scene_app(home: Path, *own: str) -> Iterator[str]:
    """With a record; the folders named in `own` are below `home`, and the log must hold no traceback."""
    copy_set(home / "data", patients=10)
    folders = {f"PNEUMO_{name.upper()}_DIR": str(home / name) for name in ("data", "runs", "site", *own)}
    with app(home, PNEUMO_RECORD=f"sqlite:///{home / 'record.sqlite'}", **folders) as address:
        yield address
    assert "Traceback" not in (home / "log").read_text()


@pytest.fixture(scope="module")
def url(tmp_path_factory) -> Iterator[str]:
    yield from scene_app(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def training_url(tmp_path_factory) -> Iterator[str]:
    """Without a model: the test promotes the first."""
    yield from scene_app(tmp_path_factory.mktemp("training"), "models")


def png(name: str, kind: str, seed: int) -> dict:
    picture = phantom_png(make_phantom(kind, seed=seed, height=300, width=400))
    return {"name": name, "mimeType": "image/png", "buffer": picture}


def dicom(name: str, kind: str, seed: int) -> dict:
    stored = (make_phantom(kind, seed=seed, height=480, width=640).pixels * 4095).astype(np.uint16)
    elements = {"BitsStored": 12, "WindowCenter": [2048, 1500], "WindowWidth": [4096, 1200], "ImagerPixelSpacing": [0.2, 0.2]}
    data = dicom_bytes(stored, SOPInstanceUID=f"1.2.{seed}", SeriesInstanceUID="1.2", **elements)
    return {"name": name, "mimeType": "application/dicom", "buffer": data}


def upload(hands: Hands):
    return hands.page.get_by_test_id("stFileUploader").first.locator("button:visible").first


def shows(hands: Hands, name: str) -> str:
    """Wait until this file is open and answered; return the verdict."""
    page = hands.page
    page.locator(".case-name", has_text=name).wait_for()
    settle(page)  # until then the viewer of the previous file may be there too
    page.locator(".viewer[data-ready]").wait_for()
    return verdict_of(page)


def done(hands: Hands, scene: str, kind: str, most: dict[str, int]) -> None:
    print(f"{scene}, {kind}: {hands.acts} acts, {hands.seconds:.0f} s")
    expect(hands.page.locator(ERRORS)).to_have_count(0)
    fits_across(hands.page)
    assert hands.acts <= most[kind]


def test_one_x_ray(chromium, url, kind):
    """Drop it, read the answer, hide the heat, download the report."""
    with person(chromium, kind, url) as hands:
        page = hands.page
        hands.give(upload(hands), png("child.png", "bacterial", 3))
        shows(hands, "child.png (1 of 1)")
        expect(page.locator(".probability")).to_have_text(PROBABILITY)
        heat = page.locator('.viewer button[data-command="heat"]')
        was = heat.get_attribute("aria-pressed")
        hands.command("heat", "Shift+H")
        expect(heat).not_to_have_attribute("aria-pressed", was)
        with page.expect_download() as report:
            hands.press(page.get_by_role("button", name="Report PDF"))
        assert report.value.path().read_bytes().startswith(b"%PDF")
        done(hands, "one X-ray", kind, {"mouse": 3, "touch": 3, "keys": 50})


def test_a_study_of_dicoms(chromium, url, kind):
    """Three pictures of 12 bits: the first opens, the file's own second window, the next picture, and back."""
    study = [dicom(f"IM{number}.dcm", phantom, number + 1) for number, phantom in enumerate(("bacterial", "none", "viral"), 1)]
    with person(chromium, kind, url) as hands:
        page = hands.page
        hands.give(upload(hands), *study)
        shows(hands, "IM1.dcm (1 of 3)")
        page.get_by_role("button", name="Next").wait_for()
        expect(page.locator(".readout")).to_contain_text("centre 2048, width 4096")
        expect(page.locator(".ruler").first).to_have_text(re.compile(r"^\d+ mm at the detector$"))
        if kind == "keys":
            hands.stroke("2")
        else:
            if kind == "touch":
                hands.press(page.locator("summary", has_text="Layers and window"))
            hands.acts += 2  # open the list, choose
            page.locator("select.preset").select_option(index=1)
        page.locator(".readout", has_text="centre 1500, width 1200").wait_for()
        for number in (2, 3):
            hands.next_file()
            shows(hands, f"IM{number}.dcm ({number} of 3)")
        expect(page.locator(".st-key-filmstrip").get_by_role("button")).to_have_count(3)
        done(hands, "a study of three DICOMs", kind, {"mouse": 5, "touch": 6, "keys": 30})


def test_sixty_mixed_files(chromium, url, kind):
    """On the worklist: each gets an answer or a reason; open the likeliest pneumonia, then the next, and go back to the row."""
    rng = np.random.default_rng(0)
    photo = jpeg_bytes(rng.integers(0, 255, (120, 160, 3), np.uint8))
    files = [
        *(png(f"child-{n}.png", ("none", "bacterial", "viral")[n % 3], n) for n in range(44)),
        *(dicom(f"IM{n}.dcm", ("none", "bacterial")[n % 2], n + 1) for n in range(8)),
        *({"name": f"cut-{n}.jpg", "mimeType": "image/jpeg", "buffer": photo[: 1000 + n]} for n in range(4)),
        *({"name": f"letter-{n}.jpg", "mimeType": "image/jpeg", "buffer": b"Dear colleague %d" % n} for n in range(3)),
        {"name": "icon.png", "mimeType": "image/png", "buffer": png_bytes(np.eye(16, dtype=np.uint8))},
    ]
    assert len(files) == 60
    with person(chromium, kind, url) as hands:
        page = hands.page
        hands.open_page("Worklist")
        hands.give(upload(hands), *files)
        page.get_by_role("button", name="Clear all").wait_for(timeout=180_000)
        answered, without = counts(hands)
        assert answered + without == 60
        assert without >= 8  # cut, letters, icon; the gate may refuse a phantom
        hands.press(page.get_by_role("button", name="PNEUMONIA", exact=True))
        passing = page.get_by_text(re.compile(r"^\d+ of \d+ answered files pass this filter"))
        passing.wait_for()
        count = int(passing.inner_text().split()[0])
        hands.open_first_row()
        page.get_by_text(f"1 of {count} in the worklist").wait_for()
        settle(page)
        page.locator(".viewer[data-ready]").wait_for()
        expect(page.locator(".verdict")).to_have_text("PNEUMONIA")
        hands.next_file()
        page.get_by_text(f"2 of {count} in the worklist").wait_for()
        settle(page)
        hands.press(page.get_by_role("link", name="Back to the worklist"))
        page.get_by_role("button", name="Open in Diagnose", disabled=False).wait_for()  # the row is still chosen
        expect(passing).to_have_text(re.compile(f"^{count} of {answered} "))  # and the filter
        settle(page)
        done(hands, "sixty mixed files", kind, {"mouse": 6, "touch": 8, "keys": 60})


def counts(hands: Hands) -> tuple[int, int]:
    line = hands.page.get_by_text(re.compile(r"60 files; \d+ answered")).inner_text()
    return int(re.search(r"(\d+) answered", line)[1]), int(re.search(r"(\d+) without", line)[1])


def test_train_to_promote(chromium, training_url, kind):
    """Start the quick look as offered, see it finish, give a reason, promote it, and open Diagnose with it."""
    with person(chromium, kind, f"{training_url}/train") as hands:
        page = hands.page
        page.get_by_role("button", name="Start training").wait_for(state="attached")
        settle(page)
        hands.show_sidebar()
        name = f"cnn-{[*HANDS].index(kind) + 1}"
        expect(page.get_by_role("textbox", name="Name of the run")).to_have_value(name)
        hands.press(page.get_by_role("button", name="Start training"))
        hands.hide_sidebar()
        page.locator(f".st-key-cancel-{name}").wait_for()
        page.locator(f".st-key-cancel-{name}").wait_for(state="detached")  # until then the page shows the previous run below it
        page.get_by_role("heading", name=name, exact=True).wait_for()
        page.locator("summary", has_text="Promote to the model registry").wait_for()
        page.locator(".st-key-run_facts").get_by_text("3 of 3").wait_for()
        settle(page)
        hands.press(page.locator("summary", has_text="Promote to the model registry"))
        hands.write(page.get_by_label("Why, for the ledger"), "played by a test")
        settle(page)
        hands.press(page.locator(".st-key-train-promote button"))
        page.get_by_text(f"Promoted: the model {name} is in the registry.").wait_for()
        settle(page)
        hands.press(page.get_by_role("link", name="Use it on Diagnose"))
        page.get_by_role("heading", name="Diagnose").wait_for()
        settle(page)
        done(hands, "train to promote", kind, {"mouse": 6, "touch": 8, "keys": 60})


def test_a_look_back_in_history(chromium, url, kind):
    """Find yesterday's case by its file, enter its reference diagnosis, and export the record."""
    picture = png(f"{kind}.png", "viral", 100 + [*HANDS].index(kind))
    with person(chromium, kind, url) as earlier:
        earlier.give(upload(earlier), picture)
        verdict = shows(earlier, f"{kind}.png (1 of 1)")
    with person(chromium, kind, url) as hands:
        page = hands.page
        hands.open_page("History")
        hands.give(upload(hands), picture)
        page.get_by_role("heading", name="1 case", exact=True).wait_for()
        settle(page)
        page.get_by_text("Do you agree with this answer?").wait_for()  # the case is open
        settle(page)
        hands.choose("Do you agree with this answer?", "agree")
        hands.choose("What it turned out to be", "PNEUMONIA")
        settle(page)
        with page.expect_download() as export:
            hands.press(page.get_by_role("button", name="CSV", exact=True))
        exported = export.value.path().read_text(encoding="utf-8")
        assert verdict in exported
        assert "agree" in exported
        assert ".png" not in exported
        done(hands, "a look back in History", kind, {"mouse": 5, "touch": 6, "keys": 80})
