"""A page that reads files in one run after the other, and was stopped by Streamlit's own Stop: it says so, and offers to go on."""

import streamlit as st


def offer_to_go_on(progress: tuple[int, int]) -> None:
    """Draw it before the reading of each run; theme.css shows it only while no run is under way. `progress`: read, and of how many.

    After Stop no code runs here any more, so what is to be said then must be on the page already. Any click runs the page anew.
    """
    done, total = progress
    with st.container(horizontal=True, vertical_alignment="center", key="stopped"):
        st.markdown(f"Reading stopped after {done:,} of {total:,} files.", width="content")
        st.button("Go on", key="go_on", type="primary")
