"""Get the data, look at it, and learn how far to believe what is trained on it."""

import streamlit as st

from pneumo.data.catalog import SYNTHETIC_NOTE
from pneumo.ui.dataset.audit import show_audit
from pneumo.ui.dataset.gallery import averages, choose, compare_classes, gallery, large, summary_line
from pneumo.ui.dataset.get_data import get_data
from pneumo.ui.dataset.library import library
from pneumo.ui.dataset.quiz import quiz
from pneumo.ui.shell.frame import require_frame

VIEWS = ("Gallery", "Compare classes", "Class averages", "Quiz")

require_frame()
st.title("Dataset")
found = library()
if found is None:
    st.write("There is no data set here yet. Get the public one, or make a synthetic one to try everything.")
    get_data()
else:
    st.markdown(summary_line(found))
    if (found.root / SYNTHETIC_NOTE).is_file():
        st.warning("This is a synthetic set: generated phantoms, no patient. What is learned from it says nothing of pneumonia.")
    if found.problems:
        st.warning(f"{len(found.problems)} things in this folder do not fit and are left out; the Audit tab names them.")
    tab = st.segmented_control(
        "Part", ("Browse", "Audit", "Get data"), default="Browse", key="dataset_tab", label_visibility="collapsed"
    )
    if tab == "Audit":
        show_audit(found)
    elif tab == "Get data":
        get_data()
    else:
        view = st.segmented_control("View", VIEWS, default=VIEWS[0], key="browse_view", label_visibility="collapsed")
        if view == "Compare classes":
            compare_classes(found)
        elif view == "Class averages":
            averages(found)
        elif view == "Quiz":
            quiz(found)
        else:
            entries = choose(found)
            large(found)
            gallery(found, entries)
