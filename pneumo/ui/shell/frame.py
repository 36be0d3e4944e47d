"""What every page shares: title, theme, navigation and disclaimer."""

from contextvars import ContextVar
from pathlib import Path
from typing import Literal

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from pneumo.access import Action
from pneumo.record.settings import record_url
from pneumo.reporting.model_card import DISCLAIMER
from pneumo.ui.shell import access
from pneumo.ui.shell.state import keep_settings

_WORDMARK = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="132" height="28"><text x="0" y="21" font-family="sans-serif" '
    'font-size="21" font-weight="600" fill="#E6EAED">Pneumo</text><rect x="0" y="25" width="22" height="2.5" fill="#4CC2FF"/></svg>'
)
_inside: ContextVar[bool] = ContextVar("inside the frame", default=False)


def run() -> None:
    """Draw the frame and the chosen page."""
    st.set_page_config(page_title="Pneumo", layout="wide", initial_sidebar_state="auto")
    st.html(Path(__file__).with_name("theme.css"))
    st.logo(_WORDMARK)
    keep_settings()
    page, needs = _navigation()
    if not access.admitted():
        access.show_login()
    else:
        st.title(page.title, anchor=False)
        if access.permitted(needs):
            token = _inside.set(True)
            try:
                page.run()
            finally:
                _inside.reset(token)
        else:
            access.show_refusal(needs)
    access.show_account()
    st.html(f'<p class="disclaimer">{DISCLAIMER}</p>')


def require_frame() -> None:
    """First line of every page.

    Until st.navigation was called once in a process, Streamlit runs the scripts of pages/ without app.py, so that /about, opened
    first, would lack navigation and disclaimer. Then declare the pages and rerun.
    """
    if not _inside.get():
        _navigation()
        st.rerun()


def _navigation() -> tuple[StreamlitPage, Action]:
    """The requested page, drawn or not, and the permission it needs; the bar lists only permitted pages."""
    of_the_record = ("history", "monitoring") if record_url() else ()
    needs = {}
    for name in ("diagnose", "worklist", *of_the_record, "dataset", "train", "metrics", "site", "about"):
        action = Action.TRAIN if name == "train" else Action.READ
        visible: Literal["visible", "hidden"] = "visible" if access.permitted(action) else "hidden"
        page = st.Page(f"pages/{name}.py", title=name.capitalize(), default=name == "diagnose", visibility=visible)
        needs[page] = action
    chosen = st.navigation(list(needs), position="top" if access.admitted() else "hidden")
    return chosen, needs[chosen]
