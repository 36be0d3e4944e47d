"""The mistakes the model was surest of: listed, and shown where the data set is present."""

from pathlib import Path

import numpy as np
import streamlit as st

from pneumo.errors import PneumoError
from pneumo.evaluation.mistakes import Mistake, most_confident_mistakes
from pneumo.imaging.decoding.decode import decode_image, image_bytes
from pneumo.imaging.overlay import fit_within, grey_picture
from pneumo.outgoing import code, markdown
from pneumo.paths import data_dir
from pneumo.reporting.numbers import probability
from pneumo.ui.dataset.library import show_file
from pneumo.ui.metrics.choice import Choice
from pneumo.ui.metrics.tables import table
from pneumo.ui.shell import state

_SMALL = 224  # pixels of a thumbnail's longer side
_TITLES = ("Pneumonia called NORMAL, lowest probability first", "Healthy called PNEUMONIA, highest probability first")
_SEND_HELP = "Shows where the model found its evidence"


def show_mistakes(choice: Choice) -> None:
    """Shows files of the data set only, never an upload."""
    if choice.evaluated.predictions is None:
        st.info("No predictions are stored for this split.")
        return
    state.go_where_sent()
    st.subheader("The mistakes the model was surest of", anchor=False)
    by_direction = most_confident_mistakes(choice.predictions, choice.threshold)
    st.caption(f"At {markdown(choice.point)}. Labels can be wrong too; look for wrong ones among confident mistakes first.")
    by_file = {mistake.file: mistake for mistakes in by_direction for mistake in mistakes}
    if opened := by_file.get(st.session_state.get("metrics-open", "")):
        facts = [("File", opened.file), ("Its label", opened.truth), ("Called", opened.called)]
        facts.append(("Probability", probability(opened.probability, 4)))
        show_file(opened.file, image_path(opened.file), opened.truth, facts, "metrics-", "radiograph", _SEND_HELP)
    any_shown = False
    for number, (title, mistakes) in enumerate(zip(_TITLES, by_direction, strict=True)):
        st.markdown(f"**{title}**")
        if not mistakes:
            st.caption("None.")
            continue
        rows = [(mistake.file, probability(mistake.probability, 4), mistake.truth) for mistake in mistakes]
        st.html(table(["file", "probability", "its label"], rows))
        any_shown |= _pictures(mistakes, number)
    if by_file and not any_shown:
        st.caption(f"The data set is not in {code(str(data_dir()))}, so the files are named but not shown.")


def _pictures(mistakes: tuple[Mistake, ...], number: int) -> bool:
    """Thumbnails of the files that are present. Returns whether there was one."""
    present = [(mistake, path) for mistake in mistakes if (path := image_path(mistake.file))]
    with st.container(horizontal=True, gap="small", key=f"metrics-gallery-{number}"):
        for mistake, path in present:
            with st.container(width=132, gap=None):
                picture = grey_picture(_thumbnail(str(path), path.stat().st_mtime_ns))
                st.image(picture, width=132, alt=f"radiograph {Path(mistake.file).stem}")
                key, opens = f"metrics-show-{mistake.file}", ("metrics-open", mistake.file)
                label = probability(mistake.probability)
                st.button(label, key=key, width="stretch", on_click=state.put, args=opens, help="Open it large")
    return bool(present)


def image_path(file: str) -> Path | None:
    """The file below PNEUMO_DATA_DIR; None when it is missing or its name leads out of that folder."""
    root = data_dir().resolve()
    path = (root / file).resolve()
    return path if path.is_relative_to(root) and path.is_file() else None


@st.cache_data(show_spinner=False, max_entries=128)
def _thumbnail(path: str, stamp: int) -> np.ndarray:
    """float32 in [0, 1]; black where it cannot be read. Sessions share it, as it is of the data set."""
    try:
        return fit_within(decode_image(image_bytes(path)).pixels, _SMALL)
    except PneumoError:
        return np.zeros((_SMALL, _SMALL), np.float32)
