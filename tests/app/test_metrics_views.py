"""What the Metrics page draws, read as HTML and Vega-Lite."""

import copy
import json

import numpy as np
import pytest
from stored_metrics import FIGURE, POINTS, ROBUSTNESS, make_stored

from pneumo.evaluation.classification_report import make_classification_report
from pneumo.reporting.chart import SCREEN, Chart, Line
from pneumo.reporting.metrics_charts import main_charts, predictive_chart
from pneumo.ui.metrics.robustness import robustness_charts, robustness_tables
from pneumo.ui.metrics.tables import at_threshold_html, matrix_html, numbers_html, report_html, table
from pneumo.ui.metrics.vega import spec

REPORT = make_classification_report(np.array([0, 0, 0, 0, 1, 1]), np.array([0.1, 0.2, 0.3, 0.5, 0.5, 0.4]), 0.5)


def test_cells_are_escaped():
    html = table(["<b>"], [["<script>", "a & b"]])
    assert "<script>" not in html
    assert "&lt;b&gt;" in html
    assert "a &amp; b" in html


def test_matrix_says_counts_rates_and_words():
    html = matrix_html(REPORT)
    assert "<b>3</b><span>0.750 of 4</span><small>right</small>" in html
    assert "<b>1</b><span>0.250 of 4</span><small>false alarm</small>" in html
    assert "<b>1</b><span>0.500 of 2</span><small>missed</small>" in html


def test_report_has_a_row_each():
    html = report_html(REPORT)
    assert '<th scope="row">NORMAL</th><td>0.750</td><td>0.750</td><td>0.750</td><td>4</td>' in html
    assert '<th scope="row">accuracy</th><td></td><td></td><td>0.667</td><td>6</td>' in html


def test_intervals_name_their_kind():
    assert "over patients" in at_threshold_html(REPORT, dict.fromkeys(("accuracy", "sensitivity", "specificity"), FIGURE))
    moved = at_threshold_html(REPORT, None)
    assert "Wilson" in moved
    assert "0.667 (0.300-0.903)" in moved


def test_undefined_figures_are_called_undefined():
    html = numbers_html(dict.fromkeys(("auc", "accuracy", "sensitivity", "specificity"), dict.fromkeys(FIGURE)))
    assert html.count("undefined") == html.count("no interval") == 4


def test_robustness_tables_show_the_figures_of_the_file():
    tables = {title: html for title, html, _ in robustness_tables(ROBUSTNESS)}
    assert len(tables) == 5
    assert "<td>undefined</td><td>0.123</td>" in tables["Changed images"]
    assert "blur sigma 2" in tables["Changed images"]
    assert "<td>0.610</td><td>0.420</td>" in tables["Without the lungs, and with nothing else"]
    assert "truly PNEUMONIA</th><td>0.500" in tables["Heat inside the lungs"]
    assert [chart.key for chart in robustness_charts(ROBUSTNESS)] == ["deletion", "insertion"]
    assert list(robustness_tables({})) == robustness_charts({}) == []


def test_an_incomplete_robustness_row_is_a_key_error():
    told = copy.deepcopy(ROBUSTNESS)
    del told["changes"][1]["auc"]
    with pytest.raises(KeyError, match="auc"):
        list(robustness_tables(told))


def every_mark(found):
    """From back to front; what shares its data is in one layer."""
    return [mark for layer in found["layer"] for mark in (every_mark(layer) if "layer" in layer else [layer["mark"]["type"]])]


def test_vega_layers():
    roc, _, calibration, histogram, _ = (spec(chart) for chart in main_charts(make_stored(), POINTS))
    assert every_mark(roc) == ["area", "line", "circle", "point", "text", "point", "text", "point", "text"]
    assert roc["width"] == roc["height"]
    assert set(every_mark(calibration)) == {"line", "circle", "rule", "point", "text"}
    assert every_mark(histogram) == ["rect", "rule", "text", "rule", "text", "rule", "text"]
    assert every_mark(spec(predictive_chart(FIGURE, FIGURE, 0.3))) == ["area", "area", "line", "circle", "rule", "text"]


def test_a_band_has_no_tooltip():
    """Streamlit gives every mark one, and an area's shows its first point under raw field names."""
    bands = spec(predictive_chart(FIGURE, FIGURE))["layer"][:2]
    assert [band["mark"]["tooltip"] for band in bands] == [None, None]


def test_each_point_is_sent_once():
    line = Line("a", np.arange(3), np.array([0.25, 0.375, 0.125]), "accent")
    sent = json.dumps(spec(Chart("k", "t", "x", "y", "r", (line,))))
    assert [sent.count(str(value)) for value in line.y] == [1, 1, 1]


def test_colour_and_dash_say_the_same():
    line = spec(predictive_chart(FIGURE, FIGURE))["layer"][2]["layer"][0]["encoding"]
    assert line["color"]["scale"]["range"] == [SCREEN["pneumonia"], SCREEN["normal"]]
    assert line["color"]["scale"]["domain"] == line["strokeDash"]["scale"]["domain"]
    dashes = line["strokeDash"]["scale"]["range"]
    assert dashes[0] != dashes[1]


def drawn(x, y):
    line = Line("a", np.array(x, float), np.array(y, float), "accent")
    values = spec(Chart("k", "t", "x", "y", "r", (line,)))["layer"][0]["data"]["values"]
    return [(row["x"], row["y"]) for row in values]


def test_each_point_of_the_roc_has_its_threshold():
    stored = make_stored()
    rows = spec(main_charts(stored, POINTS)[0])["layer"][1]["data"]["values"]
    told = [row for row in rows if row["curve"] == "model"]
    assert told[0]["threshold"] == "above every probability"
    sick = stored.probabilities[stored.labels == 1]
    for row in told[1:]:
        assert row["y"] == pytest.approx(np.mean(sick >= float(row["threshold"]) - 0.005), abs=0.05)
    assert not any("threshold" in row for row in rows if row["curve"] == "chance")


def test_of_straight_runs_only_the_ends_are_kept():
    stair = drawn([0, 0, 0, 1, 2, 2], [0, 0.3, 1, 1, 1, 2])
    assert stair == [(0, 0), (0, 1), (2, 1), (2, 2)]
    assert drawn([0, 1, 2], [0, float("nan"), 1]) == [(0, 0), (2, 1)]


def test_a_long_line_is_thinned():
    points = drawn(np.linspace(0, 1, 5000), np.linspace(0, 1, 5000) ** 2)
    assert 300 < len(points) <= 400
    assert (points[0], points[-1]) == ((0, 0), (1, 1))
