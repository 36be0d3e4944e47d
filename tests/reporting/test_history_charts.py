import math

from fake_runs import lines

from pneumo.reporting.history_charts import learning_curves


def by_title(*given, **named):
    return {chart.title: chart for chart in learning_curves(*given, **named)}


def test_one_run_shows_train_and_validation_and_the_kept_epoch():
    charts = by_title({"one": lines(3)}, kept_epoch=2)  # turns at the third
    assert list(charts) == ["Loss", "Accuracy", "AUC", "Learning rate"]
    loss = charts["Loss"]
    assert [(line.name, line.dash, line.x.tolist()) for line in loss.lines] == [
        ("train", "dashed", [1, 2, 3]),
        ("validation", "solid", [1, 2, 3]),
    ]
    assert loss.lines[1].y[0] == 0.6 * 1.2
    assert loss.rules == ((2.0, "epoch 2 is kept"),)
    assert loss.log_scale
    assert loss.x_range == (1.0, 3.0)
    assert charts["AUC"].rules == ()
    assert not charts["AUC"].log_scale
    assert [line.name for line in charts["Learning rate"].lines] == ["train"]


def test_several_runs_show_validation_alone_and_differ_in_colour_and_dash():
    charts = by_title({"one": lines(2), "two": lines(1, start=0.4)})
    auc = charts["AUC, validation"]
    assert [(line.name, line.y.round(3).tolist()) for line in auc.lines] == [("one", [0.76, 0.77]), ("two", [0.84])]
    assert len({line.colour for line in auc.lines}) == len({line.dash for line in auc.lines}) == 2
    assert [line.name for line in charts["Learning rate"].lines] == ["one", "two"]  # which has no validation


def test_a_value_that_is_no_number_is_left_out():
    history = lines(2)
    history[0]["val_auc"] = math.nan
    del history[1]["auc"]
    assert [(line.name, line.x.tolist()) for line in by_title({"one": history})["AUC"].lines] == [
        ("train", [1]),
        ("validation", [2]),
    ]


def test_one_epoch_is_drawn_and_without_epochs_there_is_no_chart():
    assert learning_curves({"one": lines(1)})[0].x_range == (0.5, 1.5)
    assert learning_curves({"one": []}) == ()


def test_a_loss_of_zero_has_no_logarithm():
    assert not learning_curves({"one": [{"epoch": 1, "loss": 0.0}]})[0].log_scale
