"""Which libraries are installed: an installation that only serves lacks those for training (requirements-serve.txt)."""

from importlib.util import find_spec

_TRAINING = ("keras", "h5py", "onnx", "sklearn")
ONLY_ANSWERS = "This installation only answers: training and the audit of a data set need `pip install -r requirements.txt`."


def can_train() -> bool:
    """Whether all libraries needed for training are installed; checked without importing them."""
    return all(find_spec(name) is not None for name in _TRAINING)
