"""Starts the real app on a free port, and a real browser for it.

A page changes by itself: wait for what it should show with Playwright's `expect`, never check it only once.
"""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
ERRORS = '[data-testid="stException"], [data-testid="stAlertContentError"]'
PROBABILITY = re.compile(r"probability of pneumonia\s+(above |below )?0\.\d\d")
VERDICT = re.compile("^(NORMAL|INDETERMINATE|PNEUMONIA)$")
TEMPORARY = "tmp"  # the app's folder for temporary files, in its home
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
needs_chromium = [
    pytest.mark.browser,
    pytest.mark.skipif(
        CHROMIUM is None and not os.environ.get("PNEUMO_REQUIRE_BROWSER"),
        reason="no Chromium found: install Debian's package chromium (or Google Chrome) to run the browser tests",
    ),
]


def started(home: Path, port: int, run: tuple[str, ...] = ("-m", "streamlit"), **settings: str) -> subprocess.Popen:
    """The app's process, which may not answer yet. All that it writes is below `home`. `run`: how Python starts Streamlit."""
    (home / TEMPORARY).mkdir(exist_ok=True)
    folders = {"HOME": str(home), "TMPDIR": str(home / TEMPORARY), "PNEUMO_CACHE_DIR": str(home / "cache")}
    environment = {**os.environ, **folders, **settings}
    command = [sys.executable, *run, "run", "app.py", "--server.port", str(port)]
    with open(home / "log", "a") as log:
        return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT)


def wait_for_answer(port: int) -> None:
    for _ in range(900):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=1).read()
            return
        except OSError:
            time.sleep(0.2)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def app(home: Path, **settings: str) -> Iterator[str]:
    """The app's address. All that it writes is below `home`, where tests can search it."""
    port = free_port()
    process = started(home, port, **settings)
    try:
        wait_for_answer(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=20)


@contextmanager
def running_chromium():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def browser_page(chromium, width: int = 1440, height: int = 1000, **options):
    """A page with its own visitor, who shares no cookies or storage with others; `options` are those of Playwright's context."""
    context = chromium.new_context(viewport={"width": width, "height": height}, **options)
    context.set_default_timeout(60_000)
    page = context.new_page()
    page.add_init_script("clicks = []; addEventListener('click', event => clicks.push(event.target.innerText), true)")
    try:
        yield page
    except BaseException:
        tell(page)
        raise
    finally:
        context.close()


def wait_until(page, expression: str, seconds: float = 60) -> None:
    """Until the JavaScript is true. Playwright's wait_for_function evaluates within the page, which the app's policy forbids."""
    end = time.monotonic() + seconds
    while not page.evaluate(f"Boolean({expression})"):
        assert time.monotonic() < end, f"not within {seconds} s: {expression}"
        page.wait_for_timeout(100)


def settle(page) -> None:
    """Until the script has finished since the last click: before that, buttons may still move."""
    page.wait_for_timeout(500)
    wait_until(page, "document.querySelector('[data-testid=stApp]').dataset.testScriptState == 'notRunning'", 180)


def verdict_of(page) -> str:
    """The verdict, once the page shows only one answer: that of the previous picture may still be there for a moment."""
    from playwright.sync_api import expect

    verdict = page.locator(".verdict")
    expect(verdict).to_have_count(1)
    expect(verdict).to_have_text(VERDICT)
    return verdict.inner_text()


def fits_across(page, selector: str = "html") -> None:
    """Until the element is no wider than the window: nothing scrolls sideways."""
    wait_until(page, f"document.querySelector('{selector}').scrollWidth <= {page.viewport_size['width']}")


def tell(page) -> None:
    """Print what the page shows, to explain a failure that may not happen again."""
    from playwright.sync_api import Error

    try:
        shown, clicks = page.inner_text("body", timeout=5_000), page.evaluate("clicks")
    except Error as error:  # the page may have crashed; the test's own failure must still be seen
        shown, clicks = f"nothing: {error}", []
    print(f"{page.url} showed:\n{shown[:3000]}\nclicks: {clicks}", file=sys.__stderr__, flush=True)
