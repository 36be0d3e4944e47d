import pytest

LONG = ("tests/browser/", "tests/test_notebook.py", "tests/training/", "tests/inference/test_ray_engine.py")


def pytest_collection_modifyitems(items):
    """Files of long tests first: the last minutes are then shared by both workers, and no long file is alone at the end."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONG))


@pytest.fixture(scope="session", autouse=True)
def _cache_outside_the_repository(tmp_path_factory):
    """For the whole session, because module-wide fixtures train too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PNEUMO_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("PNEUMO_PREVALENCE", "0.5")  # probabilities of tiny_model are then those of its logits
        patch.delenv("PNEUMO_RECORD", raising=False)  # nobody's own record is written by a test
        patch.setenv("PNEUMO_SITE_DIR", "/nowhere/site")  # nobody's own acts and profiles are read or written
        patch.setenv("PNEUMO_SIGNING_KEY", "/nowhere/site.key")  # nor does anybody's own key sign
        for name in ("PNEUMO_SITE_KEY", "PNEUMO_REQUIRE_SIGNED"):
            patch.delenv(name, raising=False)
        yield


@pytest.fixture(scope="session", autouse=True)
def _keras_is_left_alone():
    """After each run of a page Streamlit clears the session of a loaded Keras, which collects garbage for a second in a process
    that trained before. The app itself loads no Keras: only the tests have both in one process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("streamlit.runtime.scriptrunner.script_runner._clean_problem_modules", lambda: None)
        yield


@pytest.fixture
def ungated(monkeypatch):
    """For tests that show flat pictures to tiny_model, whose answers then are known; the gate would refuse them."""
    from pneumo.inference.gate import PASS, Gate

    monkeypatch.setattr("pneumo.inference.finding.check", lambda *_: Gate(PASS))
