"""Which libraries this installation has: a machine that only answers goes without those of training (requirements-serve.txt)."""

from importlib.util import find_spec

_TRAINING = ("keras", "h5py", "onnx", "sklearn")
ONLY_ANSWERS = "This installation only answers: training and the audit of a data set need `pip install -r requirements.txt`."


def can_train() -> bool:
    """Whether everything that training imports is there; asked without importing it."""
    return all(find_spec(name) is not None for name in _TRAINING)
