import pytest
from phantom_sets import copy_set
from training_runs import tiny


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    """Phantoms of 12 patients, to train on."""
    root = tmp_path_factory.mktemp("phantoms") / "set"
    copy_set(root, patients=12)
    return root


@pytest.fixture(scope="session")
def run(data, tmp_path_factory):
    """A finished run on `data`, shared because training takes seconds. Tests that change it work on a copy."""
    from pneumo.training.fit import train

    folder = tmp_path_factory.mktemp("runs") / "one"
    train(tiny(), data, folder)
    return folder


@pytest.fixture(scope="module")
def small_data(tmp_path_factory):
    """Phantoms of 10 patients, for jobs and promotions."""
    root = tmp_path_factory.mktemp("phantoms") / "set"
    copy_set(root, patients=10)
    return root
