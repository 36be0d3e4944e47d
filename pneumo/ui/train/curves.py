"""Learning curves of one run (train beside validation), or of several (validation alone, a line style each)."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from pneumo.outgoing import markdown
from pneumo.training.runfolder import best_epoch

MOST = 6  # runs that can be told apart by line style
# Okabe and Ito's colours made lighter for a dark ground; the dashes tell the lines apart without them.
_COLOURS = ["#4CC2FF", "#F0E442", "#D98CB8", "#E6EAED", "#F08A4B", "#8FA3FF"]
_DASHES = [[1, 0], [7, 3], [2, 2], [9, 3, 2, 3], [4, 4], [12, 3]]
_TRAIN = ("#9AA5AF", [5, 3])
_HEIGHT = 230  # pixels, legend and axis included
_LEGEND_ROW = 18  # more for every further two names


@dataclass(frozen=True)
class Plot:
    """One chart: its title, the history's key in train and validation (None: no such curve), and how to read it."""

    title: str
    train: str | None
    validation: str | None
    reading: str
    format: str = ".2f"


PLOTS = (
    Plot("Loss", "loss", "val_loss",
         "Lower is better. Where validation rises while train still falls, the network begins to learn its images by heart; "
         "the epoch with the lowest validation loss is kept."),
    Plot("Accuracy", "accuracy", "val_accuracy",
         "Share of right answers at the cut 0.5. Train images are augmented and drawn evenly, so train may lie below validation."),
    Plot("AUC", "auc", "val_auc",
         "How often a sick child is rated above a healthy one: 1 is always, 0.5 is chance. A high value here is cheap on this "
         "kind of data; only the test split, looked at on promotion, tells what the network is worth."),
    Plot("Learning rate", "learning_rate", None, "Size of the steps at each epoch's end. It falls as the schedule says.", ".1e"),
)  # fmt: skip


def points(plot: Plot, histories: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """Rows (epoch, value, curve, kept) of one chart; `kept` is true at the epoch that is kept, with one run alone.

    A value that is no number is left out.
    """
    several = len(histories) > 1
    rows = []
    for name, lines in histories.items():
        kept = 0 if several else best_epoch(list(lines))
        keys = {name: plot.validation or plot.train} if several else {"train": plot.train, "validation": plot.validation}
        for curve, key in keys.items():
            for line in lines:
                value = line.get(key)
                if value is not None and math.isfinite(value):
                    rows.append({"epoch": line["epoch"], "value": value, "curve": curve, "kept": line["epoch"] == kept})
    return rows


def spec(plot: Plot, names: Sequence[str]) -> dict[str, Any]:
    """The Vega-Lite chart: colour and dash both say which curve; a thin line marks the epoch that is kept.

    It does not depend on the data, so that the browser adds a new epoch to the chart instead of drawing all of it anew.
    """
    if len(names) > 1:
        domain, colours, dashes = list(names), _COLOURS[: len(names)], _DASHES[: len(names)]
    else:
        domain, colours, dashes = ["train", "validation"], [_TRAIN[0], _COLOURS[0]], [_TRAIN[1], _DASHES[0]]
        if not plot.validation:
            domain, colours, dashes = domain[:1], _COLOURS[:1], _DASHES[:1]
    legend = {"title": None, "orient": "top", "symbolType": "stroke", "symbolSize": 500, "columns": 2, "labelLimit": 140}
    legend = legend if len(domain) > 1 else None
    curves = {
        "mark": {"type": "line", "strokeWidth": 2, "point": {"filled": True, "size": 22}},
        "encoding": {
            "x": {"field": "epoch", "type": "quantitative", "title": "epoch",
                  "axis": {"tickMinStep": 1, "format": "d", "grid": False}, "scale": {"zero": False, "nice": False, "padding": 8}},
            "y": {"field": "value", "type": "quantitative", "title": None, "axis": {"format": plot.format, "tickCount": 5},
                  "scale": {"zero": False, "padding": 6}},
            "color": {"field": "curve", "type": "nominal", "scale": {"domain": domain, "range": colours}, "legend": legend},
            "strokeDash": {"field": "curve", "type": "nominal", "scale": {"domain": domain, "range": dashes}, "legend": legend},
            "tooltip": [{"field": "curve", "title": "curve"}, {"field": "epoch"},
                        {"field": "value", "title": plot.title.lower(), "format": ".4g"}],
        },
    }  # fmt: skip
    kept = {
        "mark": {"type": "rule", "color": "#5A646E", "strokeDash": [2, 3]},
        "transform": [{"filter": "datum.kept"}],
        "encoding": {"x": {"field": "epoch", "type": "quantitative"}},
    }
    layers = [kept, curves] if plot.validation else [curves]
    return {"layer": layers, "padding": {"left": 0, "right": 4, "top": 4, "bottom": 0}}


def show_curves(histories: Mapping[str, Sequence[Mapping[str, Any]]], key: str) -> None:
    """Four charts, each with a sentence on how to read it. `key` makes them distinct on the page."""
    names = list(histories)
    kept = best_epoch(list(histories[names[0]])) if len(names) == 1 else 0
    rows = [st.columns(2, gap="medium") for _ in PLOTS[::2]]
    for number, plot in enumerate(PLOTS):
        with rows[number // 2][number % 2]:
            title = f"{plot.title}, validation" if len(names) > 1 and plot.validation else plot.title
            st.markdown(f"**{markdown(title)}**")
            st.vega_lite_chart(points(plot, histories), spec(plot, names), width="stretch",
                               height=_HEIGHT + _LEGEND_ROW * ((len(names) - 1) // 2),
                               key=f"{key}-{plot.title}", alt=f"{title} by epoch of {', '.join(names)}")  # fmt: skip
            marked = f" The thin line marks epoch {kept}, which is kept." if kept and plot.train == "loss" else ""
            st.caption(plot.reading + marked)
