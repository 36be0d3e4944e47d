"""How far the answers hold under changes of the image, and whether they come from the lungs: robustness.json as tables."""

from typing import Any

import streamlit as st

from pneumo.errors import DataError
from pneumo.outgoing import markdown
from pneumo.reporting.chart import Chart
from pneumo.reporting.evaluated import read_robustness
from pneumo.reporting.finding_words import share
from pneumo.reporting.metrics_charts import removal_chart
from pneumo.reporting.numbers import interval, number
from pneumo.ui.metrics.choice import Choice
from pneumo.ui.metrics.curves import show_chart
from pneumo.ui.metrics.tables import table


def show_robustness(choice: Choice) -> None:
    model = choice.evaluated.card.id
    st.subheader("Robustness and shortcuts", anchor=False)
    try:
        told = read_robustness(model)
    except DataError as error:
        st.warning(markdown(str(error)))
        return
    if told is None:
        st.info("Not measured yet for this model. This makes it, once, with the data set at hand:")
        st.code(f"python -m pneumo evaluate {model} --data FOLDER --split test --robustness", language="bash", wrap_lines=True)
        return
    try:
        tables, charts = robustness_tables(told), robustness_charts(told)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        st.warning(
            f"robustness.json of {markdown(model)} does not fit this version of Pneumo ({markdown(repr(error))}). Make it anew."
        )
        return
    st.caption(
        markdown(
            f"Measured on {told.get('n', '?')} X-rays of {told.get('split', '?')}, {told.get('made', 'date unknown')}, at "
            f"{told.get('operating_point', 'balanced')}. {_prevalence(told)} {_lungs(told)}"
        )
    )
    for title, html, reading in tables:
        st.markdown(f"**{title}**")
        st.html(html)
        st.caption(reading)
    for chart in charts:
        show_chart(chart, model)


def _prevalence(told: dict[str, Any]) -> str:
    at = told.get("prevalence")
    return (
        f"Probabilities where {share(at)} have pneumonia."
        if isinstance(at, float)
        else "Probabilities at a share it does not name."
    )


def _lungs(told: dict[str, Any]) -> str:
    unknown = told.get("lungs_unknown")
    return f"No lungs found in {unknown} of them." if unknown else ""


def robustness_tables(told: dict[str, Any]) -> list[tuple[str, str, str]]:
    """(title, HTML, how to read it) of what the file holds. Raises KeyError or TypeError where it does not fit."""
    found = []
    if "changes" in told:
        rows = [
            [
                f"{row['kind']} {row['amount']}" if row["kind"] != "none" else "unchanged",
                interval(row["auc"]),
                interval(row["sensitivity"]),
                interval(row["specificity"]),
                number(row["mean_shift"]),
                str(sum(row.get("unanswered", {}).values())),
            ]
            for row in told["changes"]
        ]
        found.append(
            (
                "Changed images",
                table(["change", "AUC", "sensitivity", "specificity", "mean shift", "no answer"], rows),
                "The same X-rays, changed as other machines and other hands would change them. A model to rely on keeps its "
                "figures; the mean shift says by how much the probability moved, up or down. The figures are of the X-rays that "
                "got an answer.",
            )
        )
    hidden = [(title, told[key]) for key, title in (("lungs_hidden", "lungs hidden"), ("lungs_only", "lungs only")) if key in told]
    if hidden:
        rows = [
            [title, interval(row["auc"]), number(row["mean_probability_sick"]), number(row["mean_probability_healthy"])]
            for title, row in hidden
        ]
        found.append(
            (
                "Without the lungs, and with nothing else",
                table(["what is seen", "AUC", "mean probability, sick", "mean probability, healthy"], rows),
                "With the lungs hidden nothing is left to diagnose, so an honest model falls towards an AUC of 0.5. What stays "
                "above it is read off markers, borders and the way the picture was taken.",
            )
        )
    if heat := told.get("heat_in_lungs"):
        rows = [
            ["all X-rays", interval(heat["share"])],
            *([f"truly {name}", number(v)] for name, v in heat["by_class"].items()),
            ["area of the lungs in the picture", number(heat["area"])],
            ["area of the lungs in what the model is shown", number(heat["shown"])],
        ]
        found.append(
            (
                "Heat inside the lungs",
                table(["", "share"], rows),
                "How much of the heatmap lies in the lungs. Near their share of what is shown it points nowhere in particular.",
            )
        )
    if gap := told.get("auc_gap"):
        rows = [[kind, number(value)] for kind, value in gap.items()]
        found.append(
            (
                "Does the heatmap show what the model uses?",
                table(["test", "area between the map's curve and random"], rows),
                "Above 0 the map is better than a random order of places; the curves stand below.",
            )
        )
    if layers := told.get("randomisation", {}).get("layers"):
        rows = [[layer["name"], number(layer["correlation"])] for layer in layers]
        found.append(
            (
                "Heatmaps of a randomised network",
                table(["randomised down to", "rank correlation with the true map"], rows),
                "The network's weights are destroyed from the top down. A map that depends on what was learned loses its likeness; "
                "one that stays alike shows edges, not reasons (Adebayo et al. 2018).",
            )
        )
    return found


def robustness_charts(told: dict[str, Any]) -> list[Chart]:
    return [removal_chart(kind, told[kind]) for kind in ("deletion", "insertion") if kind in told]
