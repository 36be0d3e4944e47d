"""Where things lie: the package itself and, by environment, data, models, runs and the cache."""

import os
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
HOME = PACKAGE.parent  # must be on the path of a process that imports pneumo: a checkout, or site-packages
_INSTALLED = PACKAGE / "shipped_models"  # where `pip install` puts the repository's models/ (pyproject.toml)
SHIPPED_MODELS = _INSTALLED if _INSTALLED.is_dir() else HOME / "models"


def data_dir() -> Path:
    return Path(os.environ.get("PNEUMO_DATA_DIR", "data"))


def runs_dir() -> Path:
    return Path(os.environ.get("PNEUMO_RUNS_DIR", "runs"))


def models_dir() -> Path:
    """PNEUMO_MODELS_DIR, else models/ of the working directory, else the models that came with Pneumo."""
    if named := os.environ.get("PNEUMO_MODELS_DIR"):
        return Path(named)
    own = Path("models")
    return own if own.is_dir() else SHIPPED_MODELS


def site_dir() -> Path:
    """What this site made of the models: plans, profiles, and which model answers here."""
    return Path(os.environ.get("PNEUMO_SITE_DIR") or "site")


def cache_dir() -> Path:
    return Path(os.environ.get("PNEUMO_CACHE_DIR") or ".cache")
