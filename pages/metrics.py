"""What is stored of each model's evaluation; no data set and no network is needed to read it."""

import streamlit as st

from pneumo.ui.metrics.choice import choose, show_figures
from pneumo.ui.metrics.curves import curve_tabs
from pneumo.ui.metrics.files import downloads, show_ledger
from pneumo.ui.metrics.gate import show_gate
from pneumo.ui.metrics.groups import show_groups
from pneumo.ui.metrics.mistakes import show_mistakes
from pneumo.ui.metrics.models import show_models
from pneumo.ui.metrics.robustness import show_robustness
from pneumo.ui.metrics.threshold import threshold_view
from pneumo.ui.shell.frame import require_frame

require_frame()
st.title("Metrics")
choice = choose()
if choice is not None:
    show_figures(choice)
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
