"""What the gate refuses, measured: gate.json as a table."""

import streamlit as st

from pneumo.evaluation.gate_figures import CHEST, CHOSEN_BY, DEMO, HELD_OUT, POSED, GateFigures
from pneumo.outgoing import markdown
from pneumo.registry.model_folder import ModelFolder
from pneumo.reporting.numbers import interval
from pneumo.ui.metrics.choice import Choice, measured_or_why
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
    figures = measured_or_why(model, ModelFolder.gate, f"gate {model} --data FOLDER")
    if figures is None:
        return
    st.html(gate_html(figures))
    st.caption(
        f"Measured on {markdown(figures.split)}, {markdown(figures.made)}. Told: refused, or answered with a warning. "
        "Kinds kept aside were not used to choose a rule or cut; drawn pictures stand in for missing kinds. 95 % intervals: "
        f"{markdown(figures.intervals)}."
    )


def gate_html(figures: GateFigures) -> str:
    rows = [["all other things kept aside", "", "", "", interval(figures.foreign_rejected), ""]]
    for group in figures.groups:
        counts = (str(group.n), str(group.originals or ""))
        rows.append([group.name, _ROLES.get(group.role, group.role), *counts, interval(group.rejected), interval(group.told)])
    return table(["pictures", "what they are", "n", "of so many originals", "refused", "told"], rows)
