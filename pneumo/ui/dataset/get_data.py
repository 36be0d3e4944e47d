"""The Get data tab: the public set in one step, or a synthetic one."""

import math
from typing import Literal

import streamlit as st

from pneumo.access import LEAST, Action
from pneumo.data.download import Progress, download_dataset, kaggle
from pneumo.errors import DataError
from pneumo.outgoing import code, markdown
from pneumo.paths import data_dir
from pneumo.synthetic.phantom import write_set
from pneumo.ui.shell.access import permitted
from pneumo.ui.shell.state import put

_SOURCES = (
    ("mendeley", "Download from Mendeley Data", "Continues an interrupted download."),
    ("kaggle", "Download from Kaggle", "Needs the package kagglehub and an account."),
    ("synthetic", "Make a synthetic set", "About 100 generated phantoms, to try everything without data."),
)


def show_get_data() -> None:
    """Buttons that fill PNEUMO_DATA_DIR. No connection is opened before one is pressed."""
    root = data_dir()
    st.write(
        f"The data folder is {code(str(root))} (set PNEUMO_DATA_DIR to use another). "
        "The public set: Kermany, Zhang and Goldbaum, 5,856 chest X-rays of children of 1 to 5 years, Guangzhou; CC BY 4.0; "
        "an archive of about 1.2 GB."
    )
    if root.exists() and any(root.iterdir()):
        st.info("The folder already holds files, and none is overwritten. Empty it, or choose another, to get the set again.")
        return
    if not permitted(Action.DATA):
        st.info(f"To get data, the role {LEAST[Action.DATA].name.lower()} is needed.")
        return
    with st.container(horizontal=True):
        for source, label, help in _SOURCES:
            kind: Literal["primary", "secondary"] = "primary" if source == "mendeley" else "secondary"
            st.button(label, type=kind, on_click=put, args=("get_data", source), help=help)
    try:
        match st.session_state.pop("get_data", None):
            case "mendeley":
                line = st.progress(0.0, "Connecting")

                def show(progress: Progress) -> None:
                    line.progress(*_shown(progress))

                download_dataset(root, on_progress=show)
            case "kaggle":
                with st.spinner("Downloading from Kaggle"):
                    kaggle(root)
            case "synthetic":
                with st.spinner("Drawing phantoms"):
                    write_set(root, patients=24)
            case _:
                return
    except DataError as error:
        st.error(markdown(str(error)))
        return
    st.rerun()


def _shown(progress: Progress) -> tuple[float, str]:
    share = min(progress.done / progress.total, 1.0) if progress.total else 0.0
    text = f"{progress.stage}: {progress.done / 2**20:.0f} MB"
    if progress.total:
        text += f" of {progress.total / 2**20:.0f}"
    if math.isfinite(progress.bytes_per_second):
        text += f", {progress.bytes_per_second / 2**20:.1f} MB/s"
    if math.isfinite(progress.seconds_left):
        text += f", {progress.seconds_left:.0f} s left"
    return share, text
