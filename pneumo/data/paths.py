"""Where data lies, by environment."""

import os
from pathlib import Path


def data_dir() -> Path:
    return Path(os.environ.get("PNEUMO_DATA_DIR", "data"))
