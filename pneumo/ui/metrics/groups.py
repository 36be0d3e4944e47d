"""Results by kind of case, and bacterial against viral where the model tells them apart."""

import streamlit as st

from pneumo.evaluation.classification_report import three_class_matrix
from pneumo.evaluation.groups import by_subtype
from pneumo.outgoing import markdown
from pneumo.ui.metrics.choice import Choice
from pneumo.ui.metrics.tables import groups_html, kinds_html, three_classes_html


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
        if (
            evaluated.predictions is not None
            and (matrix := three_class_matrix(evaluated.predictions, choice.threshold)) is not None
        ):
            st.html(three_classes_html(matrix))
            st.caption(
                f"Both outputs together at {markdown(choice.point)}: NORMAL below its threshold, else the likelier kind. Right "
                "calls are on the diagonal; each cell gives the count and its share of the row."
            )
    else:
        st.caption("This model does not tell bacterial from viral, or nothing is stored for this split.")
