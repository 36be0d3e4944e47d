import pytest
from browser.running import running_chromium


@pytest.fixture(scope="module")
def chromium():
    """One browser a file: starting it takes longer than most of what is looked at. `browser_page` shares nothing else."""
    with running_chromium() as browser:
        yield browser
