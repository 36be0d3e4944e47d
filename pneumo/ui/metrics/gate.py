"""What the gate refuses, measured: gate.json as a table."""

from typing import Any

import streamlit as st

from pneumo.errors import DataError
from pneumo.outgoing import markdown
from pneumo.reporting.evaluated import OLD_GATE_INTERVALS, read_gate
from pneumo.reporting.numbers import interval
from pneumo.ui.metrics.choice import Choice
from pneumo.ui.metrics.tables import table

_ROLES = {
    "chest": "chest X-rays",
    "demo": "demo",
    "posed": "X-rays spoilt",
    "foreign, kept aside": "other things, kept aside",
    "foreign, chosen by": "other things, of kinds it learned from",
}


def show_gate(choice: Choice) -> None:
    model = choice.evaluated.card.id
    st.subheader("What it refuses to answer for", anchor=False)
    try:
        measured = read_gate(model)
        html = gate_html(measured) if measured else None
    except DataError as error:
        st.warning(markdown(str(error)))
        return
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        st.warning(
            f"gate.json of {markdown(model)} does not fit this version of Pneumo ({markdown(repr(error))}). Measure it again."
        )
        return
    if measured is None or html is None:
        st.info("Not measured yet for this model. This command measures it, with the data set:")
        st.code(f"python -m pneumo gate {model} --data FOLDER", language="bash", wrap_lines=True)
        return
    st.html(html)
    st.caption(
        f"Measured on {markdown(str(measured['split']))}, {markdown(str(measured['made']))}. "
        "Kinds kept aside were not used to choose a rule or cut; drawn pictures stand in for missing kinds. 95 % intervals: "
        f"{markdown(str(measured.get('intervals', OLD_GATE_INTERVALS)))}."
    )


def gate_html(measured: dict[str, Any]) -> str:
    """Raises KeyError or TypeError where the file does not fit."""
    rows = [["all other things kept aside", "", "", "", interval(measured["foreign_rejected"]), ""]]
    rows += [
        [
            group["name"],
            _ROLES[group["role"]],
            str(group["n"]),
            str(group.get("originals", "")),
            interval(group["rejected"]),
            interval(group["told"]),
        ]
        for group in measured["groups"]
    ]
    return table(["pictures", "what they are", "n", "originals", "refused", "refused or warned"], rows)
