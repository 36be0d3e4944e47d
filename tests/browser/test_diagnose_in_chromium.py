"""The real app with the shipped models, in a real browser: drop a generated X-ray, see label, probability and heatmap."""

import re

import pytest
from browser.running import ERRORS, PROBABILITY, app, browser_page, fits_across, needs_chromium, verdict_of, wait_until
from playwright.sync_api import expect

from pneumo.synthetic.phantom import make_phantom, phantom_png

pytestmark = needs_chromium


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    with app(home) as url:
        yield url, home


@pytest.fixture
def page(chromium, address):
    with browser_page(chromium) as page:
        page.goto(address[0], wait_until="domcontentloaded")
        yield page


def test_drop_an_x_ray_and_read_the_answer(page, address, tmp_path):
    picture = tmp_path / "Zaphod-Beeblebrox.png"
    picture.write_bytes(phantom_png(make_phantom("bacterial", seed=3, height=300, width=400)))
    letter = tmp_path / "letter.jpg"
    letter.write_text("Dear colleague")
    page.locator('input[type="file"]').first.set_input_files([picture, letter])
    verdict_of(page)
    expect(page.locator(".probability")).to_have_text(PROBABILITY)
    expect(page.locator(".bar[role=img]")).to_contain_text("threshold")
    expect(page.locator(".quiet", has_text="On 624 test X-rays")).not_to_have_count(0)
    page.locator('canvas[aria-label="radiograph with heatmap"]').wait_for()
    stage = page.locator(".stage").first.bounding_box()
    assert stage["width"] / stage["height"] == pytest.approx(400 / 300, abs=0.01)  # the picture's own aspect
    page.get_by_role("button", name="NOT READ").wait_for()
    expect(page.locator(".st-key-stopped")).to_have_count(0)
    page.get_by_text("Research use. Not a medical device.").wait_for()
    # Another page and back: the answer stays.
    page.get_by_role("link", name="About").click()
    page.get_by_role("heading", name="About").wait_for()
    page.get_by_text("Research use. Not a medical device.").wait_for()
    page.get_by_role("link", name="Diagnose").click()
    page.locator(".verdict").wait_for()
    home = address[1]
    written = [path for path in home.rglob("*") if path.is_file()]
    assert not [path for path in written if b"Beeblebrox" in path.read_bytes() or "Beeblebrox" in path.name]


@pytest.mark.long
def test_clicks_while_files_are_read_work_and_no_file_is_read_twice(page):
    """Streamlit would start a second run of the page beside the first, and both would take files from the queue."""
    picture = phantom_png(make_phantom("viral", seed=3, height=900, width=1200))
    files = [{"name": f"{number}.png", "mimeType": "image/png", "buffer": picture} for number in range(6)]
    page.locator('input[type="file"]').first.set_input_files(files)
    for number in (2, 3, 4):
        page.get_by_role("button", name=re.compile("Next")).click()
        page.get_by_text(re.compile(rf"^{number} of \d$")).wait_for()
    page.get_by_text("4 of 6", exact=True).wait_for()
    expect(page.locator(".st-key-filmstrip").get_by_role("button")).to_have_count(6)
    expect(page.locator(ERRORS)).to_have_count(0)


def test_overlay_download_and_heatmap_colour(page, tmp_path):
    page.get_by_role("button", name="Try it with generated phantoms").click()
    page.locator(".verdict").wait_for()
    page.get_by_role("button", name=re.compile("Next")).click()
    page.get_by_text("2 of 3", exact=True).wait_for()
    wait_until(page, "document.querySelectorAll('.verdict').length == 1")  # the panel of the previous picture is gone
    with page.expect_download() as started:
        page.get_by_role("button", name="Overlay PNG").first.click()
    started.value.save_as(tmp_path / "overlay.png")
    assert (tmp_path / "overlay.png").read_bytes().startswith(b"\x89PNG")


def test_narrow_screen_does_not_scroll_sideways(page):
    page.set_viewport_size({"width": 400, "height": 900})
    page.get_by_role("button", name="Try it with generated phantoms").click()
    page.locator(".verdict").wait_for()
    fits_across(page)
