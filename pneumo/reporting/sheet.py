"""A sheet of A4 that is written from the top down, and one that holds charts: what every longer PDF is made of."""

import textwrap

from matplotlib.figure import Figure

from pneumo.reporting.chart import PAPER, Chart
from pneumo.reporting.chart_drawing import draw

A4 = (8.27, 11.69)  # inches
MARGIN = 0.09


class Page:
    """Written from the top down."""

    def __init__(self) -> None:
        self.figure, self._y = Figure(figsize=A4, facecolor=PAPER["ground"]), 0.95

    def line(self, text: str, size: float = 9, quiet: bool = False, mono: bool = False, weight: str = "normal") -> None:
        self.figure.text(MARGIN, self._y, text, fontsize=size, color=PAPER["quiet" if quiet else "ink"], va="top", weight=weight,
                         family="monospace" if mono else "sans-serif", parse_math=False)  # fmt: skip
        self._y -= size * 1.55 / 72 / A4[1]

    def lines(self, text: str, quiet: bool = True) -> None:
        for part in textwrap.wrap(text, 106):
            self.line(part, quiet=quiet)

    def heading(self, text: str, size: float = 12) -> None:
        self.gap()
        self.line(text, size, weight="bold")

    def gap(self) -> None:
        self._y -= 0.012

    @property
    def room(self) -> int:
        """Lines of 9 points that still fit above the lower margin."""
        return int((self._y - 0.05) / (9 * 1.55 / 72 / A4[1]))


def chart_page(charts: list[Chart]) -> Figure:
    """One sheet of at most two charts, each with its sentence."""
    figure = Figure(figsize=A4, facecolor=PAPER["ground"])
    for number, chart in enumerate(charts):
        base = 0.60 - 0.47 * number
        draw(figure.add_axes((MARGIN + 0.02, base, 0.82, 0.33)), chart, PAPER)
        figure.text(MARGIN, base - 0.05, textwrap.fill(chart.reading, 112), fontsize=8, color=PAPER["quiet"], va="top",
                    parse_math=False)  # fmt: skip
    return figure
