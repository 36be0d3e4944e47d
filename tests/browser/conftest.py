import pytest
from browser.running import CHROMIUM, FLAGS


@pytest.fixture(scope="module")
def chromium():
    """One browser a file: starting it takes longer than most of what is looked at. `browser_page` shares nothing else."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()
