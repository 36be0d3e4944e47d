import pytest

LONG = ("tests/browser/", "tests/test_notebook.py", "tests/training/", "tests/inference/test_ray_engine.py")


def pytest_collection_modifyitems(items):
    """Files of long tests first: then both workers share the last minutes, and no long file runs alone at the end."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONG))


@pytest.fixture(scope="session", autouse=True)
def _cache_outside_the_repository(tmp_path_factory):
    """For the whole session, because fixtures of whole modules train too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PNEUMO_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("PNEUMO_PREVALENCE", "0.5")  # the probabilities of tiny_model then follow from its logits alone
        patch.delenv("PNEUMO_RECORD", raising=False)  # no test writes to the user's own record
        patch.setenv("PNEUMO_SITE_DIR", "/nowhere/site")  # no test reads or writes the user's own acts and profiles
        patch.setenv("PNEUMO_SIGNING_KEY", "/nowhere/site.key")  # no test signs with the user's own key
        for name in ("PNEUMO_SITE_KEY", "PNEUMO_REQUIRE_SIGNED"):
            patch.delenv(name, raising=False)
        yield


@pytest.fixture(scope="session", autouse=True)
def _keras_is_left_alone():
    """If Keras is loaded, Streamlit clears its session after each run of a page, which takes a second in a process that has
    trained. Only tests have both in one process: the app itself loads no Keras."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("streamlit.runtime.scriptrunner.script_runner._clean_problem_modules", lambda: None)
        yield


@pytest.fixture
def ungated(monkeypatch):
    """For tests that show tiny_model flat pictures, for which its answers are known; the gate would refuse them."""
    from pneumo.inference.gate import PASS, Gate

    monkeypatch.setattr("pneumo.inference.finding.check", lambda *_: Gate(PASS))
