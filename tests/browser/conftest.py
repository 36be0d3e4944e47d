import pytest
from browser.running import app, browser_page, running_chromium, tell
from browser.viewer_page import Watched
from playwright.sync_api import expect
from tiny_model import make_registry

expect.set_options(timeout=60_000)


@pytest.fixture(scope="module")
def chromium():
    """One browser for each file, because starting one is slow. `browser_page` shares nothing else."""
    with running_chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """The app with the tiny model; a file that needs other settings has its own `address`."""
    home = tmp_path_factory.mktemp("home")
    with app(home, PNEUMO_MODELS_DIR=str(make_registry(tmp_path_factory.mktemp("models")))) as url:
        yield url


@pytest.fixture(scope="module")
def visitor(chromium):
    """One visitor for each file, so that the app's own files are loaded and compiled once."""
    with browser_page(chromium) as page:
        yield page.context


@pytest.fixture
def watched(visitor, address):
    page = visitor.new_page()
    yield Watched(page, address)
    page.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """A page that is a fixture does not see the test fail."""
    report = yield
    if call.when == "call" and report.failed and "page" in item.funcargs:
        tell(item.funcargs["page"])
    return report
