"""The record of cases: search, the clinician's agreement, export, deletion."""

import streamlit as st

from pneumo.ui.history.cases import show_history
from pneumo.ui.shell.frame import require_frame

require_frame()
st.title("History", anchor=False)
show_history()
