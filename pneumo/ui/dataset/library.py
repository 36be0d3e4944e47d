"""The data set for the pages: catalog, small copies, one file large, class averages. Sessions share it, as it holds no uploads."""

from pathlib import Path

import numpy as np
import streamlit as st

from pneumo.data.cache import cached_images
from pneumo.data.catalog import Catalog, Entry, make_catalog
from pneumo.errors import DataError, PneumoError
from pneumo.imaging.decoding.decode import decode_image, image_bytes
from pneumo.imaging.overlay import fit_within, grey_picture
from pneumo.imaging.windowing import DISPLAY_SIDE
from pneumo.paths import data_dir
from pneumo.ui.diagnose.wording import table_html
from pneumo.ui.shell import state

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


def show_file(
    file: str, path: Path | None, truth: str, rows: list[tuple[str, str]], keys: str, alt: str, help: str | None = None
) -> None:
    """A file large, with `rows` of facts; it can be sent to Diagnose with its label. `keys`: how the keys of the page begin."""
    left, right = st.columns([3, 2], gap="medium")
    try:
        data = image_bytes(path) if path else None
        if data is not None:
            left.image(grey_picture(fit_within(decode_image(data).pixels, DISPLAY_SIDE)), width="stretch", alt=alt)
    except PneumoError:
        data = None
    if data is None:
        left.error("This file has disappeared or cannot be read. Check the data folder.")
    with right:
        st.html(table_html(rows))
        if data:
            send, of = state.send_to_diagnose, (file, data, truth)
            st.button("Send to Diagnose", type="primary", key=f"{keys}send", help=help, on_click=send, args=of)
        st.button("Close", key=f"{keys}close", on_click=state.put, args=(f"{keys}open", None))


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
