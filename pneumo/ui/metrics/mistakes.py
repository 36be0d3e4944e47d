"""The mistakes the model was surest of: listed, and shown where the data set is present."""

from pathlib import Path

import numpy as np
import streamlit as st

from pneumo.errors import PneumoError
from pneumo.evaluation.mistakes import Mistake, most_confident_mistakes
from pneumo.imaging.decoding.decode import decode_image, image_bytes
from pneumo.imaging.overlay import fit_within, grey_picture
from pneumo.imaging.windowing import DISPLAY_SIDE
from pneumo.outgoing import code, markdown
from pneumo.paths import data_dir
from pneumo.reporting.numbers import probability
from pneumo.ui.diagnose.wording import table_html
from pneumo.ui.metrics.choice import Choice
from pneumo.ui.metrics.tables import mistakes_html
from pneumo.ui.shell import state

_SMALL = 224  # pixels of a thumbnail's longer side
_TITLES = ("Pneumonia called NORMAL, lowest probability first", "Healthy called PNEUMONIA, highest probability first")
_OPEN = "metrics-open"


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
    if st.session_state.get(_OPEN) in by_file:
        _large(by_file[st.session_state[_OPEN]])
    any_shown = False
    for number, (title, mistakes) in enumerate(zip(_TITLES, by_direction, strict=True)):
        st.markdown(f"**{title}**")
        if not mistakes:
            st.caption("None.")
            continue
        st.html(mistakes_html(mistakes))
        any_shown |= _pictures(mistakes, number)
    if by_file and not any_shown:
        st.caption(f"The data set is not in {code(str(data_dir()))}, so the files are named but not shown.")


def _pictures(mistakes: tuple[Mistake, ...], number: int) -> bool:
    """Thumbnails of the files that are present. Returns whether there was one."""
    present = [(mistake, path) for mistake in mistakes if (path := image_path(mistake.file))]
    with st.container(horizontal=True, gap="small", key=f"metrics-gallery-{number}"):
        for mistake, path in present:
            with st.container(width=132, gap=None):
                picture = _thumbnail(str(path), path.stat().st_mtime_ns)
                shown = np.zeros((_SMALL, _SMALL)) if picture is None else picture
                st.image(grey_picture(shown), width=132, alt=f"radiograph {Path(mistake.file).stem}")
                st.button(
                    probability(mistake.probability),
                    key=f"metrics-show-{mistake.file}",
                    width="stretch",
                    on_click=_show,
                    args=(mistake.file,),
                    help="Open it large",
                )
    return bool(present)


def image_path(file: str) -> Path | None:
    """The file below PNEUMO_DATA_DIR; None when it is missing or its name leads out of that folder."""
    root = data_dir().resolve()
    path = (root / file).resolve()
    return path if path.is_relative_to(root) and path.is_file() else None


@st.cache_data(show_spinner=False, max_entries=128)
def _thumbnail(path: str, stamp: int) -> np.ndarray | None:
    """float32 in [0, 1]. Sessions share it, as it is of the data set."""
    try:
        return fit_within(decode_image(image_bytes(path)).pixels, _SMALL)
    except PneumoError:
        return None


def _large(mistake: Mistake) -> None:
    path = image_path(mistake.file)
    left, right = st.columns([3, 2], gap="medium")
    data = None
    try:
        data = image_bytes(path) if path else None
        if data:
            left.image(grey_picture(fit_within(decode_image(data).pixels, DISPLAY_SIDE)), width="stretch", alt="radiograph")
    except PneumoError:
        data = None
    if data is None:
        left.error("This file has disappeared or cannot be read. Check the data folder.")
    with right:
        st.html(
            table_html(
                [
                    ("File", mistake.file),
                    ("Its label", mistake.truth),
                    ("Called", mistake.called),
                    ("Probability", probability(mistake.probability, 4)),
                ]
            )
        )
        if data:
            st.button(
                "Send to Diagnose",
                type="primary",
                key="metrics-send",
                help="Shows where the model found its evidence",
                on_click=state.send_to_diagnose,
                args=(mistake.file, data, mistake.truth),
            )
        st.button("Close", key="metrics-close", on_click=_show, args=(None,))


def _show(file: str | None) -> None:
    st.session_state[_OPEN] = file
