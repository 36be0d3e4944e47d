"""The Train page's session state: the form's settings, and a message for the next run of the page."""

from typing import cast

import streamlit as st

PREFIX = "train-set-"  # and a setting's name, or a field of the promotion and its run: the key of its widget


def keep_form() -> None:
    """Write the form's values back, as Streamlit drops a widget's value when its page is left. Called on every page."""
    for key in [key for key in st.session_state if str(key).startswith(PREFIX)]:
        st.session_state[key] = st.session_state[key]


def leave_message(kind: str, text: str) -> None:
    """Store a message ("error" or "info") for the next run of the page."""
    st.session_state["train-said"] = (kind, text)


def take_message() -> tuple[str, str] | None:
    """The stored message, removed."""
    return cast("tuple[str, str] | None", st.session_state.pop("train-said", None))
