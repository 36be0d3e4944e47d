import math

from fake_runs import lines

from pneumo.ui.train.curves import PLOTS, points, spec

LOSS, _, AUC, RATE = PLOTS


def test_one_run_shows_train_and_validation_and_the_kept_epoch():
    rows = points(LOSS, {"one": lines(3)})  # turns at the third
    assert [(row["epoch"], row["curve"]) for row in rows] == [(e, c) for c in ("train", "validation") for e in (1, 2, 3)]
    assert {row["epoch"] for row in rows if row["kept"]} == {2}
    assert rows[3]["value"] == 0.6 * 1.2


def test_several_runs_show_validation_alone():
    histories = {"one": lines(2), "two": lines(1, start=0.4)}
    assert [(row["curve"], round(row["value"], 3)) for row in points(AUC, histories)] == [
        ("one", 0.76),
        ("one", 0.77),
        ("two", 0.84),
    ]
    assert {row["curve"] for row in points(RATE, histories)} == {"one", "two"}  # which has no validation
    scales = [spec(AUC, list(histories))["layer"][1]["encoding"][key]["scale"] for key in ("color", "strokeDash")]
    assert all(len({str(value) for value in scale["range"]}) == 2 for scale in scales)


def test_a_value_that_is_no_number_is_left_out():
    history = lines(2)
    history[0]["val_auc"] = math.nan
    del history[1]["auc"]
    assert [(row["epoch"], row["curve"]) for row in points(AUC, {"one": history})] == [(1, "train"), (2, "validation")]
