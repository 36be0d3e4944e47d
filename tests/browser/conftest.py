import pytest
from browser.running import running_chromium, tell


@pytest.fixture(scope="module")
def chromium():
    """One browser a file: starting it takes longer than most of what is looked at. `browser_page` shares nothing else."""
    with running_chromium() as browser:
        yield browser


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """A page that is a fixture does not see the test fail."""
    report = yield
    if call.when == "call" and report.failed and "page" in item.funcargs:
        tell(item.funcargs["page"])
    return report
