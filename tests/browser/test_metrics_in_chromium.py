"""The Metrics page in a real browser, for every shipped model, without a data set."""

import contextlib
import re

import pytest
from browser.running import ERRORS, ROOT, app, browser_page, fits_across, needs_chromium
from playwright.sync_api import TimeoutError, expect

from pneumo.registry.model_folder import ModelFolder, list_models

pytestmark = needs_chromium


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    home = tmp_path_factory.mktemp("metrics")
    with app(home, PNEUMO_DATA_DIR=str(home / "none")) as address:
        yield address


def _choose(page, model: str) -> None:
    """A list opened while the page is still being drawn closes again, so open it until the choice is made."""
    for _ in range(20):
        page.get_by_role("combobox").first.click()
        try:
            page.get_by_role("option", name=model, exact=True).click(timeout=3000)
        except TimeoutError:
            page.keyboard.press("Escape")
        else:
            return
    raise AssertionError(f"{model} could not be chosen")


@pytest.mark.parametrize(
    "model", [pytest.param(model, marks=[pytest.mark.long] * (model != "resnet50")) for model in list_models(ROOT / "models")]
)
def test_the_page_opens_and_the_slider_changes_the_matrix(chromium, url, model, tmp_path):
    with browser_page(chromium) as page:
        errors = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(f"{url}/metrics", wait_until="domcontentloaded")
        page.get_by_text("The worst news").wait_for()
        page.get_by_text("Everything", exact=True).click()
        page.get_by_text("Each plot has its own PNG").wait_for()  # the whole page: before, drawing it would close an open list
        _choose(page, model)
        page.get_by_text("Each plot has its own PNG").wait_for()
        page.get_by_role("button", name="Metrics, JSON").wait_for()
        page.locator("svg.marks, canvas.marks").first.wait_for()
        stored = ModelFolder.of(model, ROOT / "models").metrics()["test"]["confusion_matrix"][0][0]
        matrix = page.locator(".metrics-matrix")
        healthy_called_normal = re.compile(rf"NORMAL\s*{stored}\s*0?\.\d+ of")  # this model's, not the one shown at first
        matrix.filter(has_text=healthy_called_normal).wait_for()
        everyone_sick = matrix.filter(has_text=re.compile(r"NORMAL\s*0\s*0\.000 of"))  # at 0 everyone is called PNEUMONIA
        for _ in range(10):  # a key pressed while the page is being drawn is lost
            page.get_by_test_id("stMain").get_by_role("slider").first.focus()
            page.keyboard.press("Home")
            with contextlib.suppress(TimeoutError):
                everyone_sick.wait_for(timeout=6_000)
                break
        everyone_sick.wait_for(timeout=1_000)
        page.locator(".st-key-metrics-marks").get_by_role("button").filter(has_text="balanced").click()
        matrix.filter(has_text=healthy_called_normal).wait_for()
        for tab in ("Precision-recall", "Calibration", "Histograms", "Decision curve", "Predictive values"):
            page.get_by_role("tab", name=tab).click()
            page.locator("[role=tabpanel]:visible .marks").first.wait_for()
        with page.expect_download() as started:
            page.get_by_role("button", name="Everything, PDF").click()
        started.value.save_as(tmp_path / "metrics.pdf")
        assert (tmp_path / "metrics.pdf").read_bytes().startswith(b"%PDF")
        expect(page.locator(ERRORS)).to_have_count(0)
        assert errors == []


def test_narrow_screen_does_not_scroll_sideways(chromium, url):
    with browser_page(chromium, 400, 900) as page:
        page.goto(f"{url}/metrics", wait_until="domcontentloaded")
        page.get_by_text("The worst news").wait_for()
        page.get_by_text("Everything", exact=True).click()
        page.get_by_text("Each plot has its own PNG").wait_for()
        fits_across(page)
