"""What the Train page keeps in the session: the form's settings, and a message for its next drawing."""

from typing import cast

import streamlit as st

PREFIX = "train-set-"  # and a setting's name: the key of its widget


def keep_form() -> None:
    """Streamlit drops a widget's value with its page; writing it back, on every page, keeps the form as it was left."""
    for key in [key for key in st.session_state if str(key).startswith(PREFIX)]:
        st.session_state[key] = st.session_state[key]


def say(kind: str, text: str) -> None:
    """Leave a message ("error" or "info") for the next drawing of the page."""
    st.session_state["train-said"] = (kind, text)


def said() -> tuple[str, str] | None:
    """The message left, once."""
    return cast("tuple[str, str] | None", st.session_state.pop("train-said", None))
