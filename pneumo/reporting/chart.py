"""The content of a chart. The page draws it with Vega-Lite, PNG and PDF with Matplotlib."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

_COLOURS = {  # by role: on the screen, and on paper in darker hues. Dashes, labels and positions say the same without colour
    "ground": ("#0B0E11", "#FFFFFF"),
    "ink": ("#E6EAED", "#14181C"),
    "quiet": ("#9AA5AF", "#5A646E"),
    "grid": ("#232A31", "#DDE2E6"),
    "pneumonia": ("#FFB454", "#B26A00"),
    "normal": ("#5FD3BC", "#0B7A66"),
    "accent": ("#4CC2FF", "#0B6FA8"),
    "second": ("#F0E442", "#8A7D00"),
    "third": ("#D98CB8", "#9C3F77"),
    "fourth": ("#E6EAED", "#14181C"),
    "fifth": ("#F08A4B", "#A64A10"),
    "sixth": ("#8FA3FF", "#4453B8"),
}
SCREEN, PAPER = ({role: hues[medium] for role, hues in _COLOURS.items()} for medium in (0, 1))
MODELS = ("accent", "second", "third", "fourth", "fifth", "sixth")  # colours of compared models; each also has a dash
DASHES = {"solid": (1, 0), "dashed": (7, 4), "dotted": (2, 3), "dash-dot": (9, 3, 2, 3), "short": (4, 4), "long": (12, 4)}


@dataclass(frozen=True)
class Line:
    """A curve with its name in the legend. `thresholds` of its points are for the tooltip."""

    name: str
    x: np.ndarray
    y: np.ndarray
    colour: str
    dash: str = "solid"
    thresholds: np.ndarray | None = None


@dataclass(frozen=True)
class Band:
    """The area between `low` and `high`, without a name in the legend."""

    x: np.ndarray
    low: np.ndarray
    high: np.ndarray
    colour: str


@dataclass(frozen=True)
class Dot:
    """A labelled point, with an interval if there is one. Its area grows with `weight`, 0 to 1."""

    x: float
    y: float
    label: str
    low: float | None = None
    high: float | None = None
    weight: float = 0.3
    above: bool = False  # label above the dot; else beside it, each lower than the last


@dataclass(frozen=True)
class Bars:
    """Bars over [edges[i], edges[i + 1]]. Negative heights are drawn downwards and labelled as positive counts."""

    name: str
    edges: np.ndarray
    heights: np.ndarray
    colour: str


@dataclass(frozen=True)
class Chart:
    """`reading` explains how to read the chart; `rules` are vertical lines (x, label)."""

    key: str  # names its file and its widget
    title: str
    x_title: str
    y_title: str
    reading: str
    lines: tuple[Line, ...] = ()
    bands: tuple[Band, ...] = ()
    dots: tuple[Dot, ...] = ()
    bars: tuple[Bars, ...] = ()
    rules: tuple[tuple[float, str], ...] = ()
    x_range: tuple[float, float] = (0.0, 1.0)
    y_range: tuple[float, float] | None = (0.0, 1.0)  # None: fitted to the data
    root_scale: bool = False  # square-root y axis: small bars stay visible beside tall ones
    log_scale: bool = False  # logarithmic y axis; all values above 0
    whole_x: bool = False  # x is an integer, such as an epoch
    square: bool = False  # both axes have the same scale


def grouped_points(points: Mapping[str, float]) -> list[tuple[str, float]]:
    """Operating points by rising threshold; those with the same threshold share a label, such as "rule-out, balanced"."""
    names: dict[float, list[str]] = {}
    for name, cut in points.items():
        names.setdefault(cut, []).append(name)
    return [(", ".join(names[cut]), cut) for cut in sorted(names)]


def label_left(chart: Chart, number: int) -> bool:
    """Whether the label of this vertical line goes on its left, because the right has no room or the next line follows."""
    low, high = chart.x_range
    place = (chart.rules[number][0] - low) / (high - low)
    return place > 0.6 or (place > 0.25 and number < len(chart.rules) - 1)
