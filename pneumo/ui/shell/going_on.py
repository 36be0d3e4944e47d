"""Says that Streamlit's own Stop ended the reading of files, and offers to continue."""

import streamlit as st


def offer_to_go_on(progress: tuple[int, int]) -> None:
    """Draw it before each run reads; theme.css shows it only while no run is active. `progress`: files read, and of how many.

    After Stop no code runs, so the text must be on the page already. Any click runs the page again.
    """
    done, total = progress
    with st.container(horizontal=True, vertical_alignment="center", key="stopped"):
        st.markdown(f"Reading stopped after {done:,} of {total:,} files.", width="content")
        st.button("Go on", key="go_on", type="primary")
