"""Get the data set, browse it and audit it."""

import streamlit as st

from pneumo.data.catalog import SYNTHETIC_NOTE
from pneumo.ui.dataset.audit import show_audit
from pneumo.ui.dataset.gallery import choose_entries, compare_classes, show_averages, show_gallery, show_large, summary_line
from pneumo.ui.dataset.get_data import show_get_data
from pneumo.ui.dataset.library import current_catalog
from pneumo.ui.dataset.quiz import show_quiz
from pneumo.ui.shell.frame import require_frame

VIEWS = ("Gallery", "Compare classes", "Class averages", "Quiz")

require_frame()
catalog = current_catalog()
if catalog is None:
    st.write("There is no data set here yet. Get the public one, or make a synthetic one to try everything.")
    show_get_data()
else:
    st.markdown(summary_line(catalog))
    if (catalog.root / SYNTHETIC_NOTE).is_file():
        st.warning(
            "This is a synthetic set of generated phantoms, not of patients. A model trained on it says nothing about pneumonia."
        )
    if catalog.problems:
        st.warning(f"{len(catalog.problems)} files or folders do not fit and are left out; the Audit tab names them.")
    tab = st.segmented_control(
        "Part", ("Browse", "Audit", "Get data"), default="Browse", key="dataset_tab", label_visibility="collapsed"
    )
    if tab == "Audit":
        show_audit(catalog)
    elif tab == "Get data":
        show_get_data()
    else:
        view = st.segmented_control("View", VIEWS, default=VIEWS[0], key="browse_view", label_visibility="collapsed")
        if view == "Compare classes":
            compare_classes(catalog)
        elif view == "Class averages":
            show_averages(catalog)
        elif view == "Quiz":
            show_quiz(catalog)
        else:
            entries = choose_entries(catalog)
            show_large(catalog)
            show_gallery(catalog, entries)
