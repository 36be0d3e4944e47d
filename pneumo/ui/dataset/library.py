"""The data set for the pages: catalog, small copies, class averages. Sessions share it, as it holds no uploads."""

from pathlib import Path

import numpy as np
import streamlit as st

from pneumo.data.cache import cached_images
from pneumo.data.catalog import Catalog, Entry, make_catalog
from pneumo.errors import DataError
from pneumo.paths import data_dir

_BLOCK = 512


@st.cache_resource(show_spinner=False, max_entries=2)
def _catalog(root: str, stamp: int) -> Catalog:
    return make_catalog(Path(root))


def current_catalog() -> Catalog | None:
    """The catalog of PNEUMO_DATA_DIR; None when there is no data set. Read again when one of its folders changed."""
    root = data_dir()
    try:
        folders = [root, *root.glob("*"), *root.glob("*/*")]
        stamp = hash(tuple((path.name, path.stat().st_mtime_ns) for path in folders if path.is_dir()))
        return _catalog(str(root), stamp)
    except (DataError, OSError):
        return None


def pictures(root: Path, entries: list[Entry]) -> list[np.ndarray | None]:
    """uint8 (224, 224) of each entry, squashed; None for one that is missing or cannot be read."""
    try:
        images = cached_images(root, [entry.record.path for entry in entries])
        return [images[index] for index in range(len(entries))]
    except DataError:
        if len(entries) == 1:
            return [None]
        return [pictures(root, [entry])[0] for entry in entries]


@st.cache_data(show_spinner=False, max_entries=8)
def mean_and_variance(root: str, paths: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance over images, float64 (224, 224), grey levels and their square; block by block."""
    images = cached_images(Path(root), paths)
    total, squares = np.zeros(images.shape[1:]), np.zeros(images.shape[1:])
    for start in range(0, len(images), _BLOCK):
        block = images[np.arange(start, min(start + _BLOCK, len(images)))].astype(np.float32)
        total += block.sum(axis=0)
        squares += np.square(block).sum(axis=0, dtype=np.float64)
    mean = total / len(images)
    return mean, np.maximum(squares / len(images) - mean**2, 0.0)
