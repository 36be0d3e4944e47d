"""What every page shares: title, theme, navigation and disclaimer."""

from contextvars import ContextVar
from pathlib import Path

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from pneumo.access import Action
from pneumo.record.settings import record_url
from pneumo.reporting.model_card import DISCLAIMER
from pneumo.ui.shell import access
from pneumo.ui.shell.state import keep_settings
from pneumo.ui.train.session import keep_form

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
    keep_form()
    page, needs = _navigation()
    if not access.admitted():
        access.show_login()
    elif not access.permitted(needs):
        access.show_refusal(page.title, needs)
    else:
        token = _inside.set(True)
        try:
            page.run()
        finally:
            _inside.reset(token)
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
    pages = [
        ("diagnose", Action.READ),
        ("worklist", Action.READ),
        *([("history", Action.READ), ("monitoring", Action.READ)] if record_url() else []),
        ("dataset", Action.READ),
        ("train", Action.TRAIN),
        ("metrics", Action.READ),
        ("site", Action.READ),
        ("about", Action.READ),
    ]
    needs = {}
    for name, action in pages:
        page = st.Page(
            f"pages/{name}.py",
            title=name.capitalize(),
            url_path=None if name == "diagnose" else name,
            default=name == "diagnose",
            visibility="visible" if access.permitted(action) else "hidden",
        )
        needs[page] = action
    chosen = st.navigation(list(needs), position="top" if access.admitted() else "hidden")
    return chosen, needs[chosen]
