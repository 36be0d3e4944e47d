from stored_metrics import POINTS

from pneumo.evaluation.predictions import make_predictions
from pneumo.reporting.evaluation_rows import point_rows, zone_rows

FILES = [f"test/{'PNEUMONIA/person' if i < 6 else 'NORMAL/IM-'}{i:04}{'_virus_1' if i < 6 else '-0001'}.png" for i in range(10)]
PREDICTIONS = make_predictions(
    FILES,
    ["PNEUMONIA"] * 6 + ["NORMAL"] * 4,
    ["viral"] * 6 + ["none"] * 4,
    [0.0] * 10,
    [0.9, 0.9, 0.8, 0.75, 0.5, 0.1, 0.1, 0.2, 0.3, 0.9],
)


def test_zones_hold_shares_of_each_class():
    assert zone_rows(PREDICTIONS, POINTS) == [
        ("NORMAL", "0.167 (0.026-0.597)", "0.500 (0.125-0.875)", "0.33"),  # 1 of 6, 2 of 4
        ("INDETERMINATE", "0.167 (0.026-0.597)", "0.250 (0.037-0.744)", "0.67"),
        ("PNEUMONIA", "0.667 (0.275-0.913)", "0.250 (0.037-0.744)", "2.67"),
    ]


def test_an_empty_zone_is_no_row():
    assert [row[0] for row in zone_rows(PREDICTIONS, dict.fromkeys(POINTS, 0.5))] == ["NORMAL", "PNEUMONIA"]


def test_ratios_without_a_healthy_child_or_without_anybody():
    assert zone_rows(PREDICTIONS, {"rule-out": 0.05, "balanced": 0.05, "rule-in": 0.95})[0][3] == "undefined"
    assert zone_rows(PREDICTIONS, {"rule-out": 0.4, "balanced": 0.6, "rule-in": 0.89})[1][3] == "no healthy child"


def test_points_with_one_threshold_are_one_row():
    figure = {"value": 0.9, "low": 0.8, "high": 0.95}
    rates = {"sensitivity": figure, "specificity": figure}
    chosen = {"with_choice": {"sensitivity": {"value": 0.9, "low": 0.7, "high": 0.97}}}
    metrics = {"operating_points": {name: {**rates, **chosen} for name in POINTS}}
    points = {"balanced": 0.5, "rule-out": 0.2, "rule-in": 0.5}
    rows = point_rows(metrics, points, {"balanced": 0.3, "rule-out": 0.1, "rule-in": 0.3})
    assert [row[:2] for row in rows] == [("rule-out", "0.100"), ("balanced, rule-in", "0.300")]
    assert rows[0][2:] == ("0.900 (0.800-0.950) [0.700-0.970]", "0.900 (0.800-0.950) [not stored]")
