"""The dropped X-rays in a row: how many, which one is open, a label under each; arrow keys move."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import cast

import numpy as np
import streamlit as st

from pneumo.imaging.overlay import grey_picture
from pneumo.inference.finding import Finding
from pneumo.outgoing import markdown
from pneumo.ui.diagnose.wording import table_html
from pneumo.ui.shell.state import Case, forget, put
from pneumo.ui.worklist.walk import place_of, step_to

SHOWN = 24  # thumbnails drawn at once, around the open one
_BLANK = np.zeros((74, 96, 3), np.uint8)


def show_filmstrip(cases: Sequence[Case], findings: Sequence[Finding], labels: Sequence[str], unread: int) -> int:
    """Draw it and return the index of the open case. `findings` are the chosen model's, `unread` counts the files still to read.

    While files are read no button moves, as one may be about to be clicked.
    """
    current, files = min(cast(int, st.session_state.setdefault("current", 0)), len(cases) - 1), len(cases) + unread
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("**1 file**" if files == 1 else f"**{files:,} files**", width="content")
        if place := place_of(cases[current]):
            number, count = place
            _step_buttons(number, count, step_to)
            st.markdown(f"{number + 1} of {count:,} in the worklist", width="content")
            st.page_link("pages/worklist.py", label="Back to the worklist")
        elif files > 1:
            _step_buttons(current, len(cases), partial(put, "current"))
            st.markdown(f"{current + 1} of {files:,}", width="content")
        st.button("Clear all", on_click=forget, type="tertiary", help="Removes all X-rays from this session.")
        if unread:
            st.caption(f"Reading {len(cases) + 1} of {files:,}", width="content")
    if files > 1:
        first = max(0, min(current - SHOWN // 2, len(cases) - SHOWN))
        with st.container(horizontal=True, key="filmstrip", gap="small"):
            for index in range(first, min(first + SHOWN, len(cases))):
                small = cases[index].canonical
                with st.container(width=96, gap=None):
                    picture = _BLANK if small is None else grey_picture(small[::2, ::2] / 255.0)
                    st.image(picture, width=96, alt=f"X-ray {index + 1} of {files:,}")
                    st.button(
                        labels[index],
                        key=f"open-{index}",
                        on_click=put,
                        args=("current", index),
                        type="primary" if index == current else "secondary",
                        help=f"{index + 1}: {markdown(cases[index].name)}",
                    )
    unanswered = [(case.name, finding.reasons[0]) for case, finding in zip(cases, findings, strict=True) if not finding.answer]
    if len(cases) > 1 and unanswered:
        with st.expander(f"{len(unanswered)} of {len(cases)} files have no answer: why"):
            st.html(table_html(unanswered))
    return current


def _step_buttons(place: int, count: int, open_at: Callable[[int], None]) -> None:
    st.button("Previous", on_click=open_at, args=(place - 1,), disabled=place == 0, shortcut="Left")
    st.button("Next", on_click=open_at, args=(place + 1,), disabled=place == count - 1, shortcut="Right")
