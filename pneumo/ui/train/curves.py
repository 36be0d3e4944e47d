"""Learning curves of one run, or of several, on the Train page."""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from pneumo.outgoing import markdown
from pneumo.reporting.history_charts import learning_curves
from pneumo.training.runfolder import best_epoch
from pneumo.ui.metrics.vega import spec

_HEIGHT = 230  # pixels, legend and axis included
_LEGEND_ROW = 18  # pixels for every two further names


def show_curves(histories: Mapping[str, Sequence[Mapping[str, Any]]], key: str) -> None:
    """Up to four charts, each with a sentence on how to read it. `key` makes them distinct on the page."""
    names = list(histories)
    kept_epoch = best_epoch(histories[names[0]]) if len(names) == 1 else 0
    charts = learning_curves(histories, kept_epoch)
    rows = [st.columns(2, gap="medium") for _ in charts[::2]]
    height = _HEIGHT + _LEGEND_ROW * ((len(names) - 1) // 2)
    for number, chart in enumerate(charts):
        with rows[number // 2][number % 2]:
            st.markdown(f"**{markdown(chart.title)}**")
            alt = f"{chart.title} by epoch of {', '.join(names)}"
            st.vega_lite_chart(spec=spec(chart, height), width="stretch", key=f"{key}-{chart.key}", alt=alt)
            st.caption(chart.reading)
