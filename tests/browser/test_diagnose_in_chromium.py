"""The real app with the shipped models, in a real browser: drop a generated X-ray, see label, probability and heatmap."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from pneumo.data.phantom import make_phantom, phantom_png

ROOT = Path(__file__).parent.parent.parent
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        CHROMIUM is None and not os.environ.get("PNEUMO_REQUIRE_BROWSER"),
        reason="no Chromium found: install Debian's package chromium (or Google Chrome) to run the browser tests",
    ),
]


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """The app on a free port, with a home of its own so that whatever it writes can be searched."""
    home = tmp_path_factory.mktemp("home")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, "HOME": str(home), "TMPDIR": str(home)}
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)]
    with open(home / "log", "w") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT)
    try:
        url = f"http://127.0.0.1:{port}"
        for _ in range(150):
            try:
                urllib.request.urlopen(f"{url}/_stcore/health", timeout=1).read()
                break
            except OSError:
                time.sleep(0.2)
        yield url, home
    finally:
        process.terminate()
        process.wait(timeout=20)


@pytest.fixture
def page(address):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 1440, "height": 1000})
        page.set_default_timeout(60_000)
        page.goto(address[0], wait_until="domcontentloaded")
        yield page
        browser.close()


def test_drop_an_x_ray_and_read_the_answer(page, address, tmp_path):
    picture = tmp_path / "Zaphod-Beeblebrox.png"
    picture.write_bytes(phantom_png(make_phantom("bacterial", seed=3, height=300, width=400)))
    letter = tmp_path / "letter.jpg"
    letter.write_text("Dear colleague")
    page.locator('input[type="file"]').first.set_input_files([picture, letter])
    verdict = page.locator(".verdict").first
    verdict.wait_for()
    assert re.match("NORMAL|PNEUMONIA", verdict.inner_text())
    assert re.search(r"probability of pneumonia\s+(above |below )?0\.\d\d", page.locator(".probability").inner_text())
    assert "threshold" in page.locator(".bar").inner_text()
    assert "On 624 test X-rays" in " ".join(page.locator(".quiet").all_inner_texts())
    image = page.locator('img[alt="radiograph with heatmap"]')
    image.wait_for()
    width, height = image.evaluate("image => [image.naturalWidth, image.naturalHeight]")
    assert width / height == pytest.approx(400 / 300, abs=0.01)  # own aspect
    page.get_by_role("button", name="NOT READ").wait_for()
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


def test_overlay_download_and_heatmap_colour(page, tmp_path):
    page.get_by_role("button", name="Try it with generated phantoms").click()
    page.locator(".verdict").wait_for()
    page.get_by_role("button", name=re.compile("Next")).click()
    page.get_by_text("2 of 3").wait_for()
    page.wait_for_function("document.querySelectorAll('.verdict').length == 1")  # the last picture's panel is gone
    with page.expect_download() as started:
        page.get_by_role("button", name="Overlay PNG").first.click()
    started.value.save_as(tmp_path / "overlay.png")
    assert (tmp_path / "overlay.png").read_bytes().startswith(b"\x89PNG")


def test_narrow_screen_does_not_scroll_sideways(page):
    page.set_viewport_size({"width": 400, "height": 900})
    page.get_by_role("button", name="Try it with generated phantoms").click()
    page.locator(".verdict").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
