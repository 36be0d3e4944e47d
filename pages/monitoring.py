"""What the record says of the model in use: weeks, alarms, agreement, and what children turned out to have."""

import streamlit as st

from pneumo.ui.monitoring.watching import show_monitoring
from pneumo.ui.shell.frame import require_frame

require_frame()
st.title("Monitoring")
show_monitoring()
