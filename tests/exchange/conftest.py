import pytest
from tiny_model import make_registry

from pneumo.inference.finding import Terms, read
from pneumo.inference.lung_fields import SHIPPED, LungFinder
from pneumo.inference.predictor import Predictor
from pneumo.registry.model_folder import ModelFolder


@pytest.fixture(scope="session")
def models(tmp_path_factory):
    """A registry with one model that has a subtype output."""
    return make_registry(tmp_path_factory.mktemp("exchange") / "models", subtype=True)


@pytest.fixture(scope="session")
def predictor(models):
    return Predictor.load("tiny", models)


@pytest.fixture(scope="session")
def results_of(predictor):
    """A function from the bytes of a DICOM file to its results at the balanced operating point."""
    from pneumo.exchange.results import make_results

    return lambda data: make_results(data, read(data, predictor), predictor.card, Terms())


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    """Connect to the fakes on this machine without the machine's proxy."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture(scope="session")
def finder():
    """The lung segmenter that comes with Pneumo."""
    return LungFinder.load(SHIPPED)


@pytest.fixture(scope="session")
def everything(models, finder):
    """The selection of all objects."""
    from pneumo.exchange.results import Selection
    from pneumo.exchange.settings import OBJECTS

    return Selection(frozenset(OBJECTS), finder, ModelFolder.of("tiny", models).metrics())
