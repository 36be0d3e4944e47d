"""First on the Metrics page: what speaks most against the model."""

import streamlit as st

from pneumo.errors import ModelError
from pneumo.outgoing import markdown
from pneumo.registry.model_folder import ModelFolder
from pneumo.reporting.weaknesses import heatmap_doubt, main_weaknesses
from pneumo.ui.metrics.choice import Choice


def show_worst_news(choice: Choice) -> None:
    model = choice.evaluated.card.id
    try:
        news = main_weaknesses(choice.evaluated.metrics, ModelFolder.of(model).robustness(), heatmap_doubt(model))
    except (ModelError, KeyError, TypeError, AttributeError):
        return  # the section Robustness shows the error
    st.subheader("The worst news", anchor=False)
    st.markdown("\n".join(f"- {markdown(sentence)}" for sentence in news) or "Nothing stands out. See each section.")
