import io

import numpy as np
import pytest
from PIL import Image
from stored_metrics import FIGURE, HISTORY, POINTS, ROBUSTNESS, make_stored

from pneumo.evaluation.curves import decision_curve
from pneumo.evaluation.metrics import confusion_matrix, predictive_values, roc_auc
from pneumo.evaluation.summary import summarise
from pneumo.reporting.chart import PAPER, SCREEN, Chart, Line, grouped_points, label_left
from pneumo.reporting.chart_drawing import chart_png
from pneumo.reporting.history_charts import learning_curves
from pneumo.reporting.metrics_charts import (
    CORNER,
    calibration_chart,
    decision_chart,
    main_charts,
    models_chart,
    predictive_chart,
    removal_chart,
    roc_corner,
)

STORED = make_stored()


@pytest.fixture(scope="module")
def charts():
    return {chart.key: chart for chart in main_charts(STORED, POINTS)}


def test_every_chart_says_how_to_read_it(charts):
    every = [*charts.values(), predictive_chart(FIGURE, FIGURE), models_chart({"a": STORED}), *learning_curves({"a": HISTORY})]
    assert all(len(chart.reading) > 60 and chart.reading.endswith(".") for chart in every)
    assert len({chart.key for chart in every}) == len(every)


def test_operating_points_are_drawn_where_their_matrix_says(charts):
    assert [dot.label for dot in charts["roc"].dots] == ["rule-out", "balanced", "rule-in"]
    (tn, fp), (fn, tp) = confusion_matrix(STORED.labels, STORED.probabilities, POINTS["balanced"])
    dot, other = charts["roc"].dots[1], charts["precision-recall"].dots[1]
    assert (dot.x, dot.y) == pytest.approx((fp / (fp + tn), tp / (tp + fn)))
    assert (other.x, other.y) == pytest.approx((tp / (tp + fn), tp / (tp + fp)))
    line = charts["roc"].lines[1]
    assert any(np.allclose((x, y), (dot.x, dot.y)) for x, y in zip(line.x, line.y, strict=True))
    assert [rule[0] for rule in charts["histogram"].rules] == [0.25, 0.5, 0.75]


def test_the_corner_is_the_same_curve_and_keeps_only_its_own_points(charts):
    corner = roc_corner(charts["roc"])
    assert (corner.x_range, corner.y_range) == ((0.0, CORNER), (1 - CORNER, 1.0))
    assert corner.lines == charts["roc"].lines
    assert corner.bands == charts["roc"].bands
    assert corner.dots == tuple(dot for dot in charts["roc"].dots if dot.x <= CORNER and dot.y >= 1 - CORNER)
    assert "enlarged 5 times" in corner.title


def test_equal_thresholds_share_a_label():
    assert grouped_points({"balanced": 0.5, "rule-out": 0.2, "rule-in": 0.5}) == [("rule-out", 0.2), ("balanced, rule-in", 0.5)]


def test_figures_stand_in_the_titles(charts):
    assert charts["roc"].title == f"ROC, AUC {roc_auc(STORED.labels, STORED.probabilities):.3f}"
    assert sum(int(dot.label) for dot in charts["calibration"].dots) == 60


def test_the_smooth_calibration_curve_is_the_stored_one(charts):
    assert [line.name for line in charts["calibration"].lines] == ["perfect calibration"]  # nothing is stored
    stored = summarise(STORED, POINTS)
    chart = calibration_chart(STORED.labels, STORED.probabilities, stored)
    line, (band,) = chart.lines[1], chart.bands
    assert line.y.tolist() == stored["calibration_curve"]["observed"]
    assert (band.low <= line.y + 0.02).all()
    assert (line.y <= band.high + 0.02).all()
    intercept = stored["calibration"]["intercept"]
    assert f"intercept {intercept['value']:.2f} ({intercept['low']:.2f}" in chart.title
    assert "67 % have pneumonia" in chart.reading
    assert "ECE" not in chart.title


def test_the_decision_curve_moves_to_the_readers_prevalence():
    own, moved = (decision_chart(STORED.labels, STORED.probabilities, POINTS, prevalence) for prevalence in (None, 0.2))
    assert "67 % have pneumonia" in own.title
    assert "20 % have pneumonia" in moved.title
    expected = decision_curve(STORED.labels, STORED.probabilities, prevalence=0.2)
    assert moved.lines[2].y.tolist() == expected.model.tolist()
    assert moved.rules[1][0] == pytest.approx(1 / (1 + 2 * 4))  # even odds at two of three, at one of five
    assert own.rules[1][0] == pytest.approx(0.5)


def test_bars_of_the_sick_point_up_and_those_of_the_healthy_down(charts):
    sick, healthy = charts["histogram"].bars
    assert (sick.heights.sum(), healthy.heights.sum()) == (40, -20)


def test_predictive_bands_hold_the_line_and_mark_the_prevalence():
    chart = predictive_chart(FIGURE, {"value": 0.8, "low": 0.7, "high": 0.9}, 0.3)
    ppv, npv = chart.lines
    assert (ppv.y[29], npv.y[29]) == pytest.approx(predictive_values(0.9, 0.8, 0.3))
    assert tuple(band.low[29] for band in chart.bands) == pytest.approx(predictive_values(0.85, 0.7, 0.3))
    assert all(
        (band.low <= line.y).all() and (line.y <= band.high).all() for line, band in zip(chart.lines, chart.bands, strict=True)
    )
    assert chart.rules == ((0.3, "30 %"),)


def test_models_differ_in_colour_and_dash():
    lines = models_chart({"a": STORED, "b": make_stored(seed=5)}).lines
    assert len({(line.colour, line.dash) for line in lines}) == len({line.dash for line in lines[1:]}) + 1 == 3


def test_removal_chart():
    chart = removal_chart("deletion", ROBUSTNESS["deletion"])
    random, heat = chart.lines
    assert (random.name, random.y.tolist()) == ("in random order", [0.9, 0.6, 0.1])
    assert (heat.name, heat.y.tolist()) == ("by the heatmap", [0.9, 0.3, 0.1])


def test_labels_keep_inside():
    def sides(*rules):
        chart = Chart("k", "t", "x", "y", "r", rules=tuple((x, "") for x in rules))
        return [label_left(chart, number) for number in range(len(rules))]

    assert sides(0.1) == [False]
    assert sides(0.9) == [True]
    assert sides(0.4, 0.5) == [True, False]


@pytest.mark.parametrize("colours", [SCREEN, PAPER])
@pytest.mark.slow
def test_png_of_every_kind_of_mark(charts, colours):
    for chart in (*charts.values(), predictive_chart(FIGURE, FIGURE, 0.3)):
        picture = Image.open(io.BytesIO(chart_png(chart, colours)))
        assert picture.size == (1440, 1080)
        assert picture.convert("RGB").getpixel((2, 2)) == tuple(bytes.fromhex(colours["ground"][1:]))


def test_png_shows_the_line_in_its_colour_where_it_belongs():
    flat = Chart("k", "$a_1$ is no formula", "x", "y", "", (Line("$b$", np.array([0.0, 1.0]), np.array([0.5, 0.5]), "pneumonia"),))
    pixels = np.asarray(Image.open(io.BytesIO(chart_png(flat))).convert("RGB")).astype(int)
    amber = np.abs(pixels - [0xFF, 0xB4, 0x54]).sum(axis=2) < 30
    rows = np.flatnonzero(amber.sum(axis=1) > 1000)
    assert rows.mean() == pytest.approx(1080 * (1 - 0.23 - 0.35), abs=3)
    assert len(rows) <= 5
