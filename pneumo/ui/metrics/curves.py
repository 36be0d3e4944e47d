"""The charts of the Metrics page, each with its sentence and its PNG, in tabs."""

from functools import partial
from typing import Literal

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pneumo.errors import ModelError
from pneumo.evaluation.metrics import predictive_values
from pneumo.outgoing import markdown
from pneumo.registry.model_folder import ModelFolder
from pneumo.reporting.chart import Chart
from pneumo.reporting.chart_drawing import chart_png
from pneumo.reporting.evaluation_rows import calibration_rows
from pneumo.reporting.finding_words import share
from pneumo.reporting.history_charts import learning_curves
from pneumo.reporting.metrics_charts import main_charts, predictive_chart, roc_corner
from pneumo.ui.metrics.choice import Choice
from pneumo.ui.metrics.tables import table
from pneumo.ui.metrics.vega import spec

_TABS = ("ROC", "Precision-recall", "Calibration", "Histograms", "Decision curve", "Predictive values", "Training history")


def show_chart(chart: Chart, key: str) -> None:
    """The chart, and beside it its title, how to read it, and its PNG. `key` makes it distinct on the page."""
    _draw(chart, key, *st.columns([5, 2], gap="medium"))


def _show_roc(chart: Chart, key: str) -> None:
    """The whole curve and its corner side by side, each with its text below."""
    for place, part in zip(st.columns(2, gap="medium"), (chart, roc_corner(chart)), strict=True):
        _draw(part, key, place, place)


def _draw(chart: Chart, key: str, picture: DeltaGenerator, text: DeltaGenerator) -> None:
    width: Literal["content", "stretch"] = "content" if chart.square else "stretch"
    name, make = f"{key}-{chart.key}", partial(chart_png, chart)
    picture.vega_lite_chart(spec=spec(chart), width=width, key=name, alt=f"{chart.title}. {chart.reading}")
    text.markdown(f"**{markdown(chart.title)}**")
    text.markdown(markdown(chart.reading))
    text.download_button(
        "PNG", make, f"pneumo-{name}.png", "image/png", on_click="ignore", key=f"png-{name}", help="This plot as a picture"
    )


def show_curve_tabs(choice: Choice) -> None:
    """A curve that needs both classes says so where one is missing."""
    evaluated = choice.evaluated
    tabs = st.tabs(_TABS)
    key = f"{evaluated.card.id}-{evaluated.split}"
    if evaluated.both_classes:
        charts = main_charts(choice.predictions, evaluated.points, evaluated.metrics, choice.prevalence)
        for tab, chart in zip(tabs, charts, strict=False):
            with tab:
                (_show_roc if chart.key == "roc" else show_chart)(chart, key)
        rows = calibration_rows(choice.predictions, evaluated.metrics, choice.prevalence)
        tabs[_TABS.index("Calibration")].html(table(["", "value (95 % interval)", "how to read it"], rows))
    else:
        for tab in tabs[:5]:
            tab.info("This curve needs stored predictions of both classes on this split.")
    with tabs[5]:
        _predictive(choice)
    with tabs[6]:
        _history(evaluated.card.id)


def _predictive(choice: Choice) -> None:
    figures = choice.evaluated.figures(choice.point)
    if figures is None or None in (*figures["sensitivity"].values(), *figures["specificity"].values()):
        st.info("Predictive values need sensitivity and specificity with their intervals at this operating point.")
        return
    ppv, npv = predictive_values(figures["sensitivity"]["value"], figures["specificity"]["value"], choice.prevalence)
    st.markdown(
        f"At {markdown(choice.point)}, where {share(choice.prevalence)} have pneumonia: the answer PNEUMONIA is right in "
        f"{_of_100(ppv)}, the answer NORMAL in {_of_100(npv)}."
    )
    show_chart(predictive_chart(figures["sensitivity"], figures["specificity"], choice.prevalence), choice.key)


def _of_100(share: float) -> str:
    return "no case, as it is never given" if share != share else f"{100 * share:.0f} of 100"


def _history(model: str) -> None:
    try:
        charts = learning_curves({model: ModelFolder.of(model).history()})
    except ModelError as error:
        st.warning(markdown(str(error)))
        return
    if not charts:
        st.info(
            f"The training history of {markdown(model)} is not stored: there is no history.json in its folder. The Train "
            "page shows the curves of runs that are still here."
        )
    for chart in charts:
        show_chart(chart, model)
