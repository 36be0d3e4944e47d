import shutil

import pytest
from tampering import LUNGS, change_card
from tiny_model import make_registry


@pytest.fixture
def root(tmp_path, monkeypatch):
    """The registry in use: `tiny`, the default for its lower loss, and `other`."""
    root = make_registry(make_registry(tmp_path / "models"), "other")
    change_card(root, selection_loss=0.01)
    monkeypatch.setenv("PNEUMO_MODELS_DIR", str(root))
    return root


@pytest.fixture
def lungs(tmp_path, root):
    """The lung segmenter's folder in `root`."""
    shutil.copytree(LUNGS, root / "lungs")
    return root / "lungs"
