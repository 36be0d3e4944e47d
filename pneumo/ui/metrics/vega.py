"""A Chart as a Vega-Lite specification, for every page that draws one. No streamlit here, for the tests."""

from typing import Any

import numpy as np

from pneumo.reporting.chart import DASHES, SCREEN, Chart, Line, label_left

_HEIGHT = 450
SQUARE = 460  # both sides of a square chart; theme.css makes it smaller on a narrow screen
_MOST = 400  # points of one line sent to the page; a longer line is thinned, its ends stay
_TEXT = {"type": "text", "color": SCREEN["ink"], "fontSize": 12}


def spec(chart: Chart, height: int = _HEIGHT) -> dict[str, Any]:
    """Layers from back to front: bands, lines, bars, vertical rules, dots. The data are inside the specification."""
    limit = 230 if height >= _HEIGHT else 140  # pixels of a name; small charts are for narrow screens
    layers = [*_bands(chart), *_lines(chart, limit), *_bars(chart), *_rules(chart), *_dots(chart)]
    size = {"height": SQUARE, "width": SQUARE} if chart.square else {"height": height}
    shared = {"x": _x(chart), "y": _y(chart)}  # each layer has these axes unless it says otherwise
    return {"encoding": shared, "layer": layers, **size, "config": {"view": {"stroke": SCREEN["grid"]}}}


def _x(chart: Chart) -> dict[str, Any]:
    whole = {"tickMinStep": 1, "format": "d"} if chart.whole_x else {}
    return {
        "field": "x",
        "type": "quantitative",
        "title": chart.x_title,
        "scale": {"domain": list(chart.x_range), "nice": False},
        "axis": {"gridColor": SCREEN["grid"], "tickCount": 6, "labelFlush": True, **whole},
    }


def _y(chart: Chart) -> dict[str, Any]:
    scale: dict[str, Any] = {"zero": False} if chart.y_range is None else {"domain": list(chart.y_range), "nice": False}
    axis: dict[str, Any] = {"gridColor": SCREEN["grid"], "tickCount": 6}
    if chart.root_scale:
        scale["type"], axis["labelExpr"] = "sqrt", "format(abs(datum.value), 'd')"
    if chart.log_scale:
        scale["type"] = "log"
    return {"field": "y", "type": "quantitative", "title": chart.y_title, "scale": scale, "axis": axis}


def _thinned(line: Line) -> np.ndarray:
    """Indices of at most _MOST points. A straight run keeps only its ends, so the line hardly changes."""
    x, y = np.asarray(line.x, float), np.asarray(line.y, float)
    index = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
    if len(index) > 2:
        inner = index[1:-1]
        straight = ((x[inner] == x[index[:-2]]) & (x[inner] == x[index[2:]])) | (
            (y[inner] == y[index[:-2]]) & (y[inner] == y[index[2:]])
        )
        index = np.concatenate([index[:1], inner[~straight], index[-1:]])
    if len(index) > _MOST:
        index = index[np.unique(np.linspace(0, len(index) - 1, _MOST).astype(int))]
    return index


def _lines(chart: Chart, label_limit: int) -> list[dict[str, Any]]:
    if not chart.lines:
        return []
    names, colours = [line.name for line in chart.lines], [SCREEN[line.colour] for line in chart.lines]
    dashes = [list(DASHES[line.dash]) for line in chart.lines]
    rows = [
        {"x": float(line.x[i]), "y": float(line.y[i]), "curve": line.name, "order": order, **_threshold(line, int(i))}
        for line in chart.lines
        for order, i in enumerate(_thinned(line))
    ]
    several = {"title": None, "orient": "top", "symbolType": "stroke", "symbolSize": 500, "columns": 2, "labelLimit": label_limit}
    legend = several if len(names) > 1 else None
    tooltip = [
        {"field": "curve", "title": "curve"},
        {"field": "x", "title": chart.x_title.split(":")[0], "format": "d" if chart.whole_x else ".2f"},
        {"field": "y", "title": chart.y_title.split(":")[0], "format": ".2e" if chart.log_scale else ".2f"},
    ]
    if any("threshold" in row for row in rows):
        tooltip.append({"field": "threshold", "title": "threshold"})
    curve = {"field": "curve", "type": "nominal", "legend": legend}
    drawn = {
        "mark": {"type": "line", "strokeWidth": 2, "clip": True},
        "encoding": {
            "order": {"field": "order", "type": "quantitative"},
            "color": {**curve, "scale": {"domain": names, "range": colours}},
            "strokeDash": {**curve, "scale": {"domain": names, "range": dashes}},
        },
    }
    # for the tooltip: a line's own would always show its first point
    points = {"mark": {"type": "circle", "opacity": 0, "size": 150, "clip": True}, "encoding": {"tooltip": tooltip}}
    return [{"data": {"values": rows}, "layer": [drawn, points]}]


def _threshold(line: Line, point: int) -> dict[str, str]:
    """The first point of a ROC has an infinite threshold: nobody is called PNEUMONIA."""
    if line.thresholds is None:
        return {}
    threshold = float(line.thresholds[point])
    return {"threshold": f"{threshold:.2f}" if np.isfinite(threshold) else "above every probability"}


def _bands(chart: Chart) -> list[dict[str, Any]]:
    layers = []
    for band in chart.bands:
        corners = np.stack([band.x, band.low, band.high], axis=1).astype(float)
        rows = [{"x": x, "y": low, "high": high} for x, low, high in corners[np.isfinite(corners).all(axis=1)].tolist()]
        # no tooltip: an area's own would always show its first point
        mark = {"type": "area", "color": SCREEN[band.colour], "opacity": 0.18, "line": False, "clip": True, "tooltip": None}
        layers.append({"data": {"values": rows}, "mark": mark, "encoding": {"y2": {"field": "high"}}})
    return layers


def _bars(chart: Chart) -> list[dict[str, Any]]:
    if not chart.bars:
        return []
    scale = {"domain": [bars.name for bars in chart.bars], "range": [SCREEN[bars.colour] for bars in chart.bars]}
    rows = [
        {"x": float(left), "end": float(right), "y": float(height), "zero": 0, "count": abs(float(height)), "class": bars.name}
        for bars in chart.bars
        for left, right, height in zip(bars.edges[:-1], bars.edges[1:], bars.heights, strict=True)
    ]
    legend = {"title": None, "orient": "top", "symbolType": "square"}
    colour = {"field": "class", "type": "nominal", "scale": scale, "legend": legend}
    tooltip = [{"field": "class"}, {"field": "count", "title": "X-rays"}]
    tooltip += [{"field": field, "title": title, "format": ".2f"} for field, title in (("x", "from"), ("end", "to"))]
    mark = {"type": "rect", "stroke": SCREEN["ground"], "strokeWidth": 1}
    encoding = {"x2": {"field": "end"}, "y2": {"field": "zero"}, "color": colour, "tooltip": tooltip}
    return [{"data": {"values": rows}, "mark": mark, "encoding": encoding}]


def _rules(chart: Chart) -> list[dict[str, Any]]:
    layers = []
    for number, (x, label) in enumerate(chart.rules):
        side = {"align": "right", "dx": -5} if label_left(chart, number) else {"align": "left", "dx": 5}
        rule = {
            "mark": {"type": "rule", "color": SCREEN["ink"], "strokeDash": [4, 3], "strokeWidth": 1.2},
            "encoding": {"y": {"value": 0}, "y2": {"value": "height"}},
        }
        place = {"y": {"value": 4 + 16 * number}, "text": {"field": "label"}}
        text = {"mark": {**_TEXT, "baseline": "top", **side}, "encoding": place}
        layers.append({"data": {"values": [{"x": x, "label": label}]}, "layer": [rule, text]})
    return layers


def _dots(chart: Chart) -> list[dict[str, Any]]:
    layers = []
    titles = {"x": chart.x_title, "y": chart.y_title}
    tips = [{"field": axis, "title": title.split(":")[0], "format": ".2f"} for axis, title in titles.items()]
    for number, dot in enumerate(chart.dots):
        marks: list[dict[str, Any]] = []
        if dot.low is not None:
            bar = {"type": "rule", "color": SCREEN["accent"], "strokeWidth": 1.5}
            marks.append({"mark": bar, "encoding": {"y": {"field": "low"}, "y2": {"field": "high"}}})
        colour, size = SCREEN["accent" if dot.above else "ink"], 40 + 260 * dot.weight
        point = {"type": "point", "filled": True, "opacity": 1, "size": size, "color": colour}
        marks.append({"mark": point, "encoding": {"tooltip": [{"field": "label", "title": "at"}, *tips]}})
        late = dot.x > sum(chart.x_range) / 2
        beside = {"align": "right" if late else "left", "dx": -10 if late else 10, "dy": 12 + 15 * number}
        above = {"align": "center", "dy": -9 - 6 * dot.weight}
        marks.append({"mark": {**_TEXT, **(above if dot.above else beside)}, "encoding": {"text": {"field": "label"}}})
        row = {"x": dot.x, "y": dot.y, "label": dot.label, "low": dot.low, "high": dot.high}
        layers.append({"data": {"values": [row]}, "layer": marks})
    return layers
