import pytest


@pytest.fixture(scope="session", autouse=True)
def _cache_outside_the_repository(tmp_path_factory):
    """For the whole session, because module-wide fixtures train too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PNEUMO_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        yield
