"""robustness.json as tables: answers on changed images, and whether they come from the lungs."""

from collections.abc import Iterator
from typing import Any

import streamlit as st

from pneumo.outgoing import markdown
from pneumo.registry.model_folder import ModelFolder
from pneumo.reporting.chart import Chart
from pneumo.reporting.finding_words import share
from pneumo.reporting.metrics_charts import removal_chart
from pneumo.reporting.numbers import interval, number
from pneumo.ui.metrics.choice import Choice, measured_or_why
from pneumo.ui.metrics.curves import show_chart
from pneumo.ui.metrics.tables import table


def show_robustness(choice: Choice) -> None:
    model = choice.evaluated.card.id
    st.subheader("Robustness and shortcuts", anchor=False)
    command = f"evaluate {model} --data FOLDER --split test --robustness"
    measured = measured_or_why(model, ModelFolder.robustness, command)
    if measured is None:
        return
    try:
        tables, charts = list(robustness_tables(measured)), robustness_charts(measured)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        st.warning(
            f"robustness.json of {markdown(model)} does not fit this version of Pneumo ({markdown(repr(error))}). Measure it again."
        )
        return
    lungs = f"No lungs found in {measured['lungs_unknown']} of them." if measured.get("lungs_unknown") else ""
    st.caption(
        markdown(
            f"Measured on {measured.get('n', '?')} X-rays of {measured.get('split', '?')}, {measured.get('made', 'date unknown')}, "
            f"at {measured.get('operating_point', 'balanced')}. {_prevalence(measured)} {lungs}"
        )
    )
    for title, html, reading in tables:
        st.markdown(f"**{title}**")
        st.html(html)
        st.caption(reading)
    for chart in charts:
        show_chart(chart, model)


def _prevalence(measured: dict[str, Any]) -> str:
    if isinstance(at := measured.get("prevalence"), float):
        return f"Probabilities where {share(at)} have pneumonia."
    return "The file does not name the prevalence of its probabilities."


def robustness_tables(measured: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """(title, HTML, how to read it) of each table. Raises KeyError or TypeError where the file does not fit."""
    if "changes" in measured:
        rows = []
        for row in measured["changes"]:
            change = f"{row['kind']} {row['amount']}" if row["kind"] != "none" else "unchanged"
            figures = (interval(row[name]) for name in ("auc", "sensitivity", "specificity"))
            rows.append([change, *figures, number(row["mean_shift"]), str(sum(row.get("unanswered", {}).values()))])
        yield (
            "Changed images",
            table(["change", "AUC", "sensitivity", "specificity", "mean shift", "no answer"], rows),
            "The same X-rays, changed as other machines and settings would change them. A reliable model keeps its "
            "figures; the mean shift says by how much the probability moved, up or down. The figures are of the X-rays that "
            "got an answer.",
        )
    hidden = {key.replace("_", " "): measured[key] for key in ("lungs_hidden", "lungs_only") if key in measured}
    if hidden:
        rows = [
            [title, interval(row["auc"]), number(row["mean_probability_sick"]), number(row["mean_probability_healthy"])]
            for title, row in hidden.items()
        ]
        yield (
            "Without the lungs, and with nothing else",
            table(["what is seen", "AUC", "mean probability, sick", "mean probability, healthy"], rows),
            "With the lungs hidden there is nothing to diagnose, so the AUC should fall towards 0.5. What stays above it "
            "comes from markers, borders and the way the picture was taken.",
        )
    if heat := measured.get("heat_in_lungs"):
        rows = [
            ["all X-rays", interval(heat["share"])],
            *([f"truly {name}", number(v)] for name, v in heat["by_class"].items()),
            ["area of the lungs in the picture", number(heat["area"])],
            ["area of the lungs in what the model is shown", number(heat["shown"])],
        ]
        yield (
            "Heat inside the lungs",
            table(["", "share"], rows),
            "How much of the heatmap lies in the lungs. Near the lungs' share of what is shown, it points nowhere in particular.",
        )
    if gap := measured.get("auc_gap"):
        rows = [[kind, number(value)] for kind, value in gap.items()]
        yield (
            "Does the heatmap show what the model uses?",
            table(["test", "area between the map's curve and random"], rows),
            "Above 0 the map is better than a random order of places; see the curves below.",
        )
    if layers := measured.get("randomisation", {}).get("layers"):
        rows = [[layer["name"], number(layer["correlation"])] for layer in layers]
        yield (
            "Heatmaps of a randomised network",
            table(["randomised down to", "rank correlation with the true map"], rows),
            "The network's weights are destroyed from the top down. A map that depends on what was learned changes; "
            "one that stays the same shows edges, not reasons (Adebayo et al. 2018).",
        )


def robustness_charts(measured: dict[str, Any]) -> list[Chart]:
    return [removal_chart(kind, measured[kind]) for kind in ("deletion", "insertion") if kind in measured]
