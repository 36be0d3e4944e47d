"""What is stored of each model's evaluation; no data set and no network is needed to read it."""

import streamlit as st

from pneumo.ui.frame import require_frame
from pneumo.ui.metrics_choice import choose, show_figures
from pneumo.ui.metrics_curves import curve_tabs
from pneumo.ui.metrics_files import downloads, show_ledger
from pneumo.ui.metrics_gate import show_gate
from pneumo.ui.metrics_groups import show_groups
from pneumo.ui.metrics_mistakes import show_mistakes
from pneumo.ui.metrics_models import show_models
from pneumo.ui.metrics_points import show_points
from pneumo.ui.metrics_robustness import show_robustness
from pneumo.ui.metrics_threshold import threshold_view

require_frame()
st.title("Metrics")
choice = choose()
if choice is not None:
    show_figures(choice)
    show_points(choice)
    stored = choice.evaluated.predictions is not None
    if stored:
        threshold_view(choice)
        st.subheader("Curves", anchor=False)
    curve_tabs(choice)
    show_groups(choice)
    show_robustness(choice.evaluated.card.id)
    show_gate(choice.evaluated.card.id)
    show_models(choice)
    if stored:
        show_mistakes(choice)
    show_ledger(choice.evaluated.card.id)
    downloads(choice)
