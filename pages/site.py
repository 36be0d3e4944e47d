"""The site's own tests, its profile, and which model answers here."""

import streamlit as st

from pneumo.ui.shell.frame import require_frame
from pneumo.ui.site.local import show_site

require_frame()
st.title("Site", anchor=False)
show_site()
