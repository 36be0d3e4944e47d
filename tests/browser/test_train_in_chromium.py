"""The Train page in a real browser, with real training: start, watch, cancel, finish, promote, and an answer on Diagnose."""

import re

import pytest
from browser.running import app, browser_page, fits_across, needs_chromium, verdict_of
from phantom_sets import copy_set

from pneumo.synthetic.phantom import make_phantom, phantom_png

pytestmark = [*needs_chromium, pytest.mark.long]
PATIENCE = 60_000  # ms; loading TensorFlow on a busy machine is slow


def test_from_a_quick_look_to_an_answer(chromium, tmp_path):
    copy_set(tmp_path / "data", patients=10)
    folders = {f"PNEUMO_{name.upper()}_DIR": str(tmp_path / name) for name in ("data", "runs", "models")}
    picture = tmp_path / "phantom.png"
    picture.write_bytes(phantom_png(make_phantom("bacterial", seed=3)))
    with app(tmp_path, **folders) as url, browser_page(chromium) as page:
        page.set_default_timeout(PATIENCE)
        page.goto(f"{url}/train", wait_until="domcontentloaded")
        page.get_by_text("No run yet").wait_for()
        page.get_by_text("More settings").click()
        page.get_by_label("Epochs", exact=True).fill("400")
        page.get_by_label("Epochs", exact=True).press("Enter")
        page.get_by_text("Changed from “quick look”: epochs.").wait_for()

        # One run is watched and cancelled, another waits for it.
        page.get_by_role("button", name="Start training").click()
        page.get_by_text(re.compile("^Starting|Epoch 1 of 400")).wait_for()
        page.get_by_text("Preset").wait_for()
        page.get_by_label("Epochs", exact=True).fill("3")
        page.get_by_label("Epochs", exact=True).press("Enter")
        page.get_by_text("Changed from").wait_for(state="hidden")
        page.get_by_role("button", name="Start training").click()
        page.get_by_text("1: cnn-2, cnn").wait_for()
        page.get_by_text(re.compile(r"Epoch \d+ of 400, batch")).wait_for()
        page.locator('[data-testid="stVegaLiteChart"] svg').first.wait_for()
        page.reload(wait_until="domcontentloaded")  # the job continues without this page
        page.get_by_text(re.compile(r"Epoch \d+ of 400, batch")).wait_for()
        page.locator(".st-key-cancel-cnn-1").get_by_role("button").click()
        page.get_by_text("Cancelled. What was trained so far is kept").wait_for()

        # The run behind it finishes by itself and is opened.
        page.get_by_role("heading", name="cnn-2").wait_for()
        page.locator(".st-key-run_facts").get_by_text("3 of 3").wait_for()
        page.get_by_text("Promote to the model registry").click()
        page.get_by_label("Why, for the ledger").fill("browser test")
        page.get_by_label("Why, for the ledger").press("Enter")
        page.locator(".st-key-train-promote button").click()
        page.get_by_text("is being promoted to the model cnn-2").wait_for()
        page.get_by_text("Promoted: the model cnn-2 is in the registry.").wait_for()

        page.get_by_role("link", name="Use it on Diagnose").click()
        page.locator('input[type="file"]').first.set_input_files(picture)
        verdict_of(page)
    assert "browser test" in (tmp_path / "models" / "ledger.csv").read_text()
    assert "Traceback" not in (tmp_path / "log").read_text()


def test_narrow_screen_does_not_scroll_sideways(chromium, tmp_path):
    copy_set(tmp_path / "data", patients=10)
    folders = {f"PNEUMO_{name.upper()}_DIR": str(tmp_path / name) for name in ("data", "runs", "models")}
    with app(tmp_path, **folders) as url, browser_page(chromium, 400, 900) as page:
        page.goto(f"{url}/train", wait_until="domcontentloaded")
        page.get_by_text("No run yet").wait_for()
        fits_across(page, "[data-testid=stMain]")
