"""The stored evaluation of each model; needs no data set and no network."""

import streamlit as st

from pneumo.ui.metrics.choice import choose_evaluation, show_figures
from pneumo.ui.metrics.curves import show_curve_tabs
from pneumo.ui.metrics.files import show_downloads, show_ledger
from pneumo.ui.metrics.gate import show_gate
from pneumo.ui.metrics.mistakes import show_mistakes
from pneumo.ui.metrics.models import show_models
from pneumo.ui.metrics.results import show_groups, show_points
from pneumo.ui.metrics.robustness import show_robustness
from pneumo.ui.metrics.summary import show_threshold, show_worst_news
from pneumo.ui.shell.frame import require_frame

SECTIONS = {
    "Summary": (show_worst_news, show_threshold),
    "Operating points": (show_points,),
    "Curves": (show_curve_tabs,),
    "Groups": (show_groups,),
    "Robustness": (show_robustness,),
    "Gate": (show_gate,),
    "Models": (show_models,),
    "Mistakes": (show_mistakes,),
    "Files and looks": (show_ledger, show_downloads),
}
EVERYTHING = "Everything"

require_frame()
choice = choose_evaluation()
if choice is not None:
    show_figures(choice)
    options = [*SECTIONS, EVERYTHING]
    st.session_state.setdefault("metrics_section", options[0])
    section = st.segmented_control("Section", options, key="metrics_section", label_visibility="collapsed") or options[0]
    for name, parts in SECTIONS.items():
        if section in (name, EVERYTHING):
            for part in parts:
                part(choice)
