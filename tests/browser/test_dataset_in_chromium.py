"""The Dataset page in a real browser: with phantoms, and with the public set if it is beside the repository."""

import os
import time
from pathlib import Path

import pytest
from browser.running import ROOT, app, browser_page, fits_across, needs_chromium, verdict_of, wait_until
from phantom_sets import copy_set

pytestmark = needs_chromium
PUBLIC = Path(os.environ.get("PNEUMO_PUBLIC_SET", ROOT.parent / "shared" / "data" / "chest_xray"))


def test_browse_open_and_send_to_diagnose(chromium, tmp_path):
    copy_set(tmp_path / "data", patients=10)
    with app(tmp_path, PNEUMO_DATA_DIR=str(tmp_path / "data")) as url, browser_page(chromium) as page:
        pictures = []
        page.route("**/media/**", lambda picture: pictures.append(picture))  # kept back
        page.goto(f"{url}/dataset", wait_until="domcontentloaded")
        page.get_by_text("page 1 of 3").wait_for()
        page.get_by_text("Research use. Not a medical device.").wait_for()
        button = page.locator(".st-key-gallery").get_by_role("button", name="NORMAL", exact=True).first
        wait_until(page, "document.querySelectorAll('.st-key-gallery img').length == 24")
        place = button.bounding_box()
        for picture in pictures:
            picture.continue_()
        page.unroute("**/media/**")
        wait_until(page, "[...document.querySelectorAll('.st-key-gallery img')].every(image => image.naturalWidth)")
        assert button.bounding_box() == place  # nothing moves while pictures arrive
        button.click()
        page.get_by_role("button", name="Send to Diagnose").click()
        page.get_by_text("From the data set. Its true label: NORMAL").wait_for()
        verdict_of(page)


@pytest.mark.long
def test_a_file_name_that_holds_a_picture_makes_no_request(chromium, tmp_path):
    """A browser reads a backslash as a slash, so a file's name can hold an address."""
    copy_set(tmp_path / "data", patients=2)
    for name in (r"![x](\\evil.example\x.png)", r"`![x](\\evil.example\y.png)", r"<img src=\\evil.example\z.png>"):
        (tmp_path / "data" / "train" / "NORMAL" / name).mkdir()
    with app(tmp_path, PNEUMO_DATA_DIR=str(tmp_path / "data")) as url, browser_page(chromium) as page:
        asked = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{url}/dataset", wait_until="domcontentloaded")
        page.get_by_text("3 files or folders do not fit").wait_for()
        page.get_by_role("radio", name="Audit").click()
        page.get_by_text(r"![x](\\evil.example\x.png)").first.wait_for()
        page.wait_for_load_state("networkidle")
        assert not [address for address in asked if "evil.example" in address]


def test_narrow_screen_does_not_scroll_sideways(chromium, tmp_path):
    copy_set(tmp_path / "data", patients=10)
    with app(tmp_path, PNEUMO_DATA_DIR=str(tmp_path / "data")) as url, browser_page(chromium, 400, 900) as page:
        page.goto(f"{url}/dataset", wait_until="domcontentloaded")
        page.locator(".st-key-gallery img").first.wait_for()
        fits_across(page)


@pytest.mark.skipif(
    not PUBLIC.is_dir(), reason="the public set is not here; name it by PNEUMO_PUBLIC_SET to measure the gallery on it"
)
@pytest.mark.long
def test_gallery_with_all_images_of_the_public_set(chromium, tmp_path):
    """The seconds are logged, not asserted."""
    with app(tmp_path, PNEUMO_DATA_DIR=str(PUBLIC)) as url, browser_page(chromium) as page:

        def first_page() -> float:
            began = time.perf_counter()
            page.goto(f"{url}/dataset", wait_until="domcontentloaded")
            wait_until(page, "document.querySelectorAll('.st-key-gallery img').length == 24")
            wait_until(page, "[...document.querySelectorAll('.st-key-gallery img')].every(image => image.complete)")
            return time.perf_counter() - began

        cold = first_page()
        warm = min(first_page() for _ in range(3))
        page.get_by_text("5,856 images of 4,097 patients").wait_for()
        page.get_by_text("page 1 of 244").wait_for()
        began = time.perf_counter()
        page.get_by_role("button", name="Next page").click()
        page.get_by_text("page 2 of 244").wait_for()
        turned = time.perf_counter() - began
    print(
        f"\ngallery of 5,856 images, first page: {cold:.2f} s with nothing cached, {warm:.2f} s with the catalog cached, "
        f"page load included; next page {turned:.2f} s"
    )
