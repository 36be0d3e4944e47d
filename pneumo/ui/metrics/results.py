"""Results by operating point, verdict and kind of case, and bacterial against viral where the model tells them apart."""

import streamlit as st

from pneumo.evaluation.classification_report import three_class_matrix
from pneumo.evaluation.groups import by_subtype
from pneumo.outgoing import markdown
from pneumo.reporting.evaluation_rows import CHOICE, point_rows, zone_rows
from pneumo.reporting.finding_words import share
from pneumo.ui.metrics.choice import Choice
from pneumo.ui.metrics.tables import groups_html, kinds_html, table, three_classes_html


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


def show_groups(choice: Choice) -> None:
    evaluated = choice.evaluated
    if evaluated.predictions is not None:
        st.subheader("By kind of case", anchor=False)
        st.html(groups_html(by_subtype(evaluated.predictions, choice.threshold)))
        st.caption(
            f"At {markdown(choice.point)}. Called rightly means PNEUMONIA for the sick, NORMAL for the healthy. Wilson intervals "
            "treat X-rays as independent; with many X-rays for each patient they are too narrow."
        )
    kind = evaluated.metrics.get("subtype") if evaluated.metrics else None
    st.subheader("Bacterial against viral", anchor=False)
    if kind:
        st.html(kinds_html(kind))
        st.caption(f"On the {kind['n']:,} pneumonias of known kind, at the cut 0.5. Do not choose antibiotics by it.")
        predictions = evaluated.predictions
        matrix = None if predictions is None else three_class_matrix(predictions, choice.threshold)
        if matrix is not None:
            st.html(three_classes_html(matrix))
            st.caption(
                f"Both outputs together at {markdown(choice.point)}: NORMAL below its threshold, else the likelier kind. Right "
                "calls are on the diagonal; each cell gives the count and its share of the row."
            )
    else:
        st.caption("This model does not tell bacterial from viral, or nothing is stored for this split.")
