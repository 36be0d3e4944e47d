"""Draw a Chart with Matplotlib, for PNG and PDF. Without pyplot: its global state is not thread-safe."""

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator
from PIL import Image

from pneumo.reporting.chart import DASHES, PAPER, SCREEN, Chart, label_left


def chart_png(chart: Chart, colours: Mapping[str, str] = SCREEN) -> bytes:
    """1440 x 1080 pixels, with the reading below."""
    figure = Figure(figsize=(9.6, 7.2), dpi=150, facecolor=colours["ground"])
    draw(figure.add_axes((0.09, 0.23, 0.87, 0.70)), chart, colours)
    figure.text(0.09, 0.03, chart.reading, color=colours["quiet"], fontsize=9, wrap=True, va="bottom", parse_math=False)
    return _png(figure, colours).getvalue()


def chart_picture(chart: Chart) -> Image.Image:
    """1420 x 860 pixels at 200 per inch, in the colours of paper, without the reading."""
    figure = Figure(figsize=(7.1, 4.3), dpi=200, facecolor=PAPER["ground"])
    draw(figure.add_axes((0.08, 0.12, 0.90, 0.80)), chart, PAPER)
    return Image.open(_png(figure, PAPER)).convert("RGB")


def _png(figure: Figure, colours: Mapping[str, str]) -> io.BytesIO:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", facecolor=colours["ground"])
    buffer.seek(0)
    return buffer


def draw(axes: Axes, chart: Chart, colours: Mapping[str, str]) -> None:
    _frame(axes, chart, colours)
    words: dict[str, Any] = {"textcoords": "offset points", "color": colours["ink"], "fontsize": 8, "parse_math": False}
    for band in chart.bands:
        axes.fill_between(band.x, band.low, band.high, color=colours[band.colour], alpha=0.18, linewidth=0)
    for line in chart.lines:
        dash = "-" if line.dash == "solid" else (0, DASHES[line.dash])
        axes.plot(line.x, line.y, color=colours[line.colour], label=line.name, linewidth=1.8, linestyle=dash)
    for number, bars in enumerate(chart.bars):
        look: dict[str, Any] = {"edgecolor": colours["ground"], "linewidth": 0.6, "hatch": ("", "//")[number % 2]}
        widths = np.diff(bars.edges)
        axes.bar(bars.edges[:-1], bars.heights, widths, align="edge", color=colours[bars.colour], label=bars.name, **look)
    for number, dot in enumerate(chart.dots):
        if dot.low is not None and dot.high is not None:
            axes.plot([dot.x, dot.x], [dot.low, dot.high], color=colours["accent"], linewidth=1.4)
        axes.scatter([dot.x], [dot.y], s=20 + 160 * dot.weight, color=colours["accent"] if dot.above else colours["ink"], zorder=5)
        late = dot.x > sum(chart.x_range) / 2
        shift = (0, 9) if dot.above else (-9 if late else 9, -12 - 13 * number)
        side = "center" if dot.above else "right" if late else "left"
        axes.annotate(dot.label, (dot.x, dot.y), shift, ha=side, **words)
    for number, (x, label) in enumerate(chart.rules):
        axes.axvline(x, color=colours["ink"], linewidth=1, linestyle=(0, (4, 3)))
        late = label_left(chart, number)
        shift, side = (-4 if late else 4, -11 - 12 * number), "right" if late else "left"
        axes.annotate(label, (x, 1), shift, xycoords=("data", "axes fraction"), ha=side, **words)
    if chart.lines or chart.bars:
        legend = axes.legend(frameon=False, fontsize=8, labelcolor=colours["ink"], loc="best")
        for text in legend.get_texts():
            text.set_parse_math(False)


def _frame(axes: Axes, chart: Chart, colours: Mapping[str, str]) -> None:
    axes.set_facecolor(colours["ground"])
    axes.set_title(chart.title, color=colours["ink"], fontsize=11, loc="left", parse_math=False)
    axes.set_xlabel(chart.x_title, color=colours["quiet"], fontsize=9)
    axes.set_ylabel(chart.y_title, color=colours["quiet"], fontsize=9)
    axes.tick_params(colors=colours["quiet"], labelsize=8)
    axes.grid(color=colours["grid"], linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[:].set_color(colours["grid"])
    axes.set_xlim(*_padded(chart.x_range))
    if chart.root_scale:
        axes.set_yscale("function", functions=(lambda y: np.sign(y) * np.sqrt(np.abs(y)), lambda y: np.sign(y) * np.square(y)))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{abs(value):.0f}"))
    if chart.log_scale:
        axes.set_yscale("log")
    if chart.whole_x:
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if chart.square:
        axes.set_aspect("equal")
    if chart.y_range:
        axes.set_ylim(*(chart.y_range if chart.root_scale else _padded(chart.y_range)))


def _padded(ends: tuple[float, float]) -> tuple[float, float]:
    """With a margin, so that a point in a corner is not clipped."""
    room = 0.015 * (ends[1] - ends[0])
    return ends[0] - room, ends[1] + room
