"""The record of cases, where one is kept: search, the clinician's agreement, export, deletion."""

import streamlit as st

from pneumo.ui.frame import require_frame
from pneumo.ui.history import show_history

require_frame()
st.title("History")
show_history()
