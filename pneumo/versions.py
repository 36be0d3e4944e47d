"""Which libraries are installed, and what a run was made with: their versions and the commit of this repository."""

import importlib.metadata
import platform
import subprocess
from importlib.util import find_spec
from pathlib import Path

_LIBRARIES = ("keras", "tensorflow", "jax", "numpy", "pillow", "opencv-python-headless", "scikit-learn", "onnx", "onnxruntime")
_TRAINING = ("keras", "h5py", "onnx", "sklearn")  # an installation that only serves lacks them (requirements-serve.txt)
ONLY_ANSWERS = "This installation only answers: training and the audit of a data set need `pip install -r requirements.txt`."


def can_train() -> bool:
    """Whether all libraries needed for training are installed; checked without importing them."""
    return all(find_spec(name) is not None for name in _TRAINING)


def library_versions() -> dict[str, str]:
    """Versions of Python and of the installed libraries that shape a model."""
    versions = {"python": platform.python_version()}
    for name in _LIBRARIES:
        for candidate in (name, f"{name}-cpu"):
            try:
                versions[name] = importlib.metadata.version(candidate)
                break
            except importlib.metadata.PackageNotFoundError:
                continue
    return versions


def git_commit() -> str:
    """Short hash of HEAD, with "+" when tracked files differ from it; "unknown" outside a checkout."""
    here = Path(__file__).parent

    def git(*words: str) -> str:
        return subprocess.run(["git", "-C", str(here), *words], capture_output=True, text=True, check=True).stdout.strip()

    try:
        return git("rev-parse", "--short", "HEAD") + ("+" if git("status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
