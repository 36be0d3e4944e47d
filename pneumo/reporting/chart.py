"""What a chart shows, said once: the page draws it with Vega-Lite, PNG and PDF with Matplotlib."""

from dataclasses import dataclass

import numpy as np

# Roles, so that paper may have darker hues of the same colours. Dashes, labels and places say the same without colour.
SCREEN = {
    "ground": "#0B0E11",
    "ink": "#E6EAED",
    "quiet": "#9AA5AF",
    "grid": "#232A31",
    "pneumonia": "#FFB454",
    "normal": "#5FD3BC",
    "accent": "#4CC2FF",
    "second": "#F0E442",
    "third": "#D98CB8",
    "fourth": "#E6EAED",
    "fifth": "#F08A4B",
    "sixth": "#8FA3FF",
}
PAPER = {
    "ground": "#FFFFFF",
    "ink": "#14181C",
    "quiet": "#5A646E",
    "grid": "#DDE2E6",
    "pneumonia": "#B26A00",
    "normal": "#0B7A66",
    "accent": "#0B6FA8",
    "second": "#8A7D00",
    "third": "#9C3F77",
    "fourth": "#14181C",
    "fifth": "#A64A10",
    "sixth": "#4453B8",
}
MODELS = ("accent", "second", "third", "fourth", "fifth", "sixth")  # a colour and a dash for each model of a comparison
DASHES = {"solid": (1, 0), "dashed": (7, 4), "dotted": (2, 3), "dash-dot": (9, 3, 2, 3), "short": (4, 4), "long": (12, 4)}


@dataclass(frozen=True)
class Line:
    """A curve with its name in the legend; `low` and `high` make a band, `steps` corners instead of slopes."""

    name: str
    x: np.ndarray
    y: np.ndarray
    colour: str
    dash: str = "solid"
    steps: bool = False
    low: np.ndarray | None = None
    high: np.ndarray | None = None


@dataclass(frozen=True)
class Dot:
    """A marked point with its label, and an interval where there is one. `weight` 0 to 1 makes its area."""

    x: float
    y: float
    label: str
    low: float | None = None
    high: float | None = None
    weight: float = 0.3
    above: bool = False  # a count above it; else the label stands beside it, the next dot's lower


@dataclass(frozen=True)
class Bars:
    """Bars from 0 over [edges[i], edges[i + 1]]; negative heights hang down, and count as positive."""

    name: str
    edges: np.ndarray
    heights: np.ndarray
    colour: str


@dataclass(frozen=True)
class Chart:
    """`reading` is the sentence that says how to read it; `rules` are upright lines (x, label)."""

    key: str  # of its file and its widget
    title: str
    x_title: str
    y_title: str
    reading: str
    lines: tuple[Line, ...] = ()
    dots: tuple[Dot, ...] = ()
    bars: tuple[Bars, ...] = ()
    rules: tuple[tuple[float, str], ...] = ()
    x_range: tuple[float, float] = (0.0, 1.0)
    y_range: tuple[float, float] | None = (0.0, 1.0)  # None: as the data want it
    root_scale: bool = False  # heights by their square root, so that bars of two and of two hundred are both seen
    log_scale: bool = False  # heights by their logarithm; all above 0
    whole_x: bool = False  # x counts something, such as epochs


def grouped_points(points: dict[str, float]) -> list[tuple[str, float]]:
    """Operating points by threshold, rising; those with one threshold share a label, such as "rule-out, balanced"."""
    names: dict[float, list[str]] = {}
    for name, cut in points.items():
        names.setdefault(cut, []).append(name)
    return [(", ".join(names[cut]), cut) for cut in sorted(names)]


def label_left(chart: Chart, number: int) -> bool:
    """Whether the label of this upright line stands on its left: where there is no room on the right, or the next line follows."""
    low, high = chart.x_range
    place = (chart.rules[number][0] - low) / (high - low)
    return place > 0.6 or (place > 0.25 and number < len(chart.rules) - 1)
