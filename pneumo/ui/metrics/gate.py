"""What the gate refuses, measured: gate.json as a table."""

import streamlit as st

from pneumo.errors import ModelError
from pneumo.evaluation.gate_figures import CHEST, CHOSEN_BY, DEMO, HELD_OUT, POSED, GateFigures
from pneumo.outgoing import markdown
from pneumo.registry.model_folder import ModelFolder
from pneumo.reporting.numbers import interval
from pneumo.ui.metrics.choice import Choice
from pneumo.ui.metrics.tables import table

_ROLES = {
    CHEST: "chest X-rays",
    DEMO: "demo",
    POSED: "X-rays spoilt",
    HELD_OUT: "other things, kept aside",
    CHOSEN_BY: "other things, of kinds it learned from",
}


def show_gate(choice: Choice) -> None:
    model = choice.evaluated.card.id
    st.subheader("What it refuses to answer for", anchor=False)
    try:
        figures = ModelFolder.of(model).gate()
    except ModelError as error:
        st.warning(markdown(str(error)))
        return
    if figures is None:
        st.info("Not measured yet for this model. This command measures it, with the data set:")
        st.code(f"python -m pneumo gate {model} --data FOLDER", language="bash", wrap_lines=True)
        return
    st.html(gate_html(figures))
    st.caption(
        f"Measured on {markdown(figures.split)}, {markdown(figures.made)}. Told: refused, or answered with a warning. "
        "Kinds kept aside were not used to choose a rule or cut; drawn pictures stand in for missing kinds. 95 % intervals: "
        f"{markdown(figures.intervals)}."
    )


def gate_html(figures: GateFigures) -> str:
    rows = [["all other things kept aside", "", "", "", interval(figures.foreign_rejected), ""]]
    rows += [
        [
            group.name,
            _ROLES.get(group.role, group.role),
            str(group.n),
            str(group.originals or ""),
            interval(group.rejected),
            interval(group.told),
        ]
        for group in figures.groups
    ]
    return table(["pictures", "what they are", "n", "of so many originals", "refused", "told"], rows)
