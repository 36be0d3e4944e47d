"""What every page shares: title, theme, navigation, the line that says what this is for."""

from pathlib import Path

import streamlit as st

from pneumo.ui.state import keep_settings

_WORDMARK = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="132" height="28"><text x="0" y="21" font-family="sans-serif" '
    'font-size="21" font-weight="600" fill="#E6EAED">Pneumo</text><rect x="0" y="25" width="22" height="2.5" fill="#4CC2FF"/></svg>'
)
DISCLAIMER = "Research use. Not a medical device. Made for children of 1 to 5 years, frontal view."


def run() -> None:
    """Draw the frame and the chosen page."""
    st.set_page_config(page_title="Pneumo", layout="wide", initial_sidebar_state="auto")
    st.html(Path(__file__).with_name("theme.css"))
    st.logo(_WORDMARK)
    keep_settings()
    page = st.navigation(
        [
            st.Page("pages/diagnose.py", title="Diagnose", default=True),
            st.Page("pages/about.py", title="About", url_path="about"),
        ],
        position="top",
    )
    page.run()
    st.html(f'<p class="disclaimer">{DISCLAIMER}</p>')
