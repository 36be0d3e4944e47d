"""Operating points and verdicts of a model on a split, with intervals."""

import streamlit as st

from pneumo.reporting.evaluation_rows import CHOICE, point_rows, zone_rows
from pneumo.reporting.finding_words import share
from pneumo.ui.metrics.choice import Choice
from pneumo.ui.metrics.tables import table


def show_points(choice: Choice) -> None:
    evaluated = choice.evaluated
    if evaluated.metrics is None and not evaluated.both_classes:
        return
    st.subheader("Operating points and verdicts", anchor=False)
    if evaluated.metrics is not None:
        rows = point_rows(evaluated.metrics, evaluated.points, evaluated.card.points_at(choice.prevalence))
        st.html(table(["operating point", "threshold", "sensitivity", "specificity"], rows))
        st.caption(f"Thresholds are probabilities where {share(choice.prevalence)} have pneumonia, as in the sidebar. {CHOICE}")
    if evaluated.both_classes:
        rows = zone_rows(choice.predictions, evaluated.points)
        st.html(table(["verdict", "of the sick children", "of the healthy children", "likelihood ratio"], rows))
        st.caption(
            "Wilson intervals over patients. Likelihood ratio: how much more often the sick get the verdict than the healthy."
        )
