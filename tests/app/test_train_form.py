"""The Train page before a start: form, preview and estimate. No process is started, so nothing is trained."""

import json

import pytest
from fake_runs import make_run
from train_page import click, open_page, text

from pneumo.errors import RunError
from pneumo.training.config import make_config
from pneumo.ui.train import first_run

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6300010000000500010d0a2db40000000049454e44ae426082"
)


def choose(app, key, value):
    app.selectbox(key=f"train-set-{key}").set_value(value).run()
    assert not app.exception


def set_number(app, key, value):
    app.number_input(key=f"train-set-{key}").set_value(value).run()
    assert not app.exception


def test_without_a_run_the_page_says_what_a_first_one_takes(runs):
    shown = text(open_page())
    assert "No run yet" in shown
    assert "| `densenet169` |" in shown
    assert "54 images of 42 patients" in shown


def test_without_data_the_page_points_to_the_dataset_page(runs, tmp_path, monkeypatch):
    monkeypatch.setenv("PNEUMO_DATA_DIR", str(tmp_path / "absent"))
    app = open_page()
    assert "There is no data set here yet" in text(app)
    assert app.button(key="train-start").disabled


def test_preset_and_architecture_fill_the_form(runs):
    app = open_page()
    choose(app, "architecture", "resnet50")
    assert app.number_input(key="train-set-head_epochs").value == app.number_input(key="train-set-epochs").value == 2
    assert app.number_input(key="train-set-size").value == 96
    choose(app, "preset", "thorough")
    assert app.number_input(key="train-set-epochs").value == 20
    assert app.number_input(key="train-set-patience").value == 5
    assert app.slider(key="train-set-dropout").value == 0.3
    choose(app, "architecture", "cnn")
    assert app.number_input(key="train-set-learning_rate").value == 5e-4
    assert "train-set-head_epochs" not in [element.key for element in app.number_input]


def test_the_seeds_preset_is_for_cnn_only(runs, calls):
    app = open_page()
    choose(app, "preset", "seeds")
    assert "three blocks of 32, 64 and 128 channels" in text(app)
    assert "train cnn --size 96 --filters 32,64,128 --kernel-size 2 --data" in text(app)
    click(app, "train-start")
    assert calls[0][1] == make_config("cnn", {"filters": "32,64,128", "kernel_size": 2, "size": 96})
    choose(app, "architecture", "resnet50")
    assert app.selectbox(key="train-set-preset").value == "standard"
    assert "seeds" not in app.selectbox(key="train-set-preset").options


def test_start_submits_the_config_that_the_command_line_would_build(runs, calls, phantoms):
    app = open_page()
    choose(app, "preset", "standard")
    set_number(app, "epochs", 7)
    set_number(app, "learning_rate", 2e-4)
    choose(app, "balance", "replicate")
    app.checkbox(key="train-set-subtype").check().run()
    assert "Changed from “standard”: epochs, learning rate, balance, subtype." in text(app)
    command = f"python -m pneumo train cnn --epochs 7 --learning-rate 0.0002 --balance replicate --subtype True --data {phantoms} "
    assert command + f"--output {runs / 'cnn-1'}" in text(app)
    click(app, "train-start")
    settings = {"epochs": "7", "learning-rate": "0.0002", "balance": "replicate", "subtype": "True"}
    assert calls == [("submit", make_config("cnn", settings), phantoms, runs, "cnn-1")]


def test_crop_hidden_and_smoothing_reach_the_config(runs, calls):
    app = open_page()
    choose(app, "preset", "standard")
    for name, value in (("crop", 0.3), ("hidden", 0.05), ("label_smoothing", 0.05)):
        app.slider(key=f"train-set-{name}").set_value(value).run()
    assert "Changed from “standard”: crop, hidden, label smoothing." in text(app)
    assert "train cnn --crop 0.3 --hidden 0.05 --label-smoothing 0.05 --data" in text(app)
    click(app, "train-start")
    assert calls[0][1] == make_config("cnn", {"crop": 0.3, "hidden": 0.05, "label_smoothing": 0.05})


def test_a_started_run_is_queued_and_the_next_gets_a_new_name(runs):
    app = open_page()
    click(app, "train-start")
    assert json.loads((runs / "cnn-1" / "status.json").read_text())["state"] == "queued"
    assert "1: **cnn-1**, cnn" in text(app)
    assert app.text_input(key="train-set-name").value == "cnn-2"
    app.text_input(key="train-set-name").set_value("cnn-1").run()
    click(app, "train-start")
    assert "exists already" in app.error[0].value
    click(app, "cancel-cnn-1")
    assert json.loads((runs / "cnn-1" / "status.json").read_text())["state"] == "cancelled"
    assert "1: **cnn-1**" not in text(app)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [("learning_rate", 10.0, "above 0, at most 1"), ("epochs", 0, "at least 1"), ("size", 8, "32 to 512")],
)
def test_a_bad_setting_is_reported_and_prevents_the_start(runs, key, value, message):
    app = open_page()
    set_number(app, key, value)
    assert message in app.error[0].value
    assert app.button(key="train-start").disabled


def test_weights_from_a_file_need_its_path(runs):
    app = open_page()
    choose(app, "architecture", "densenet169")
    choose(app, "backbone_weights", "a file on this computer")
    assert "Name the file" in app.error[0].value
    app.text_input(key="train-set-weights_file").set_value("/srv/weights.h5").run()
    assert "--backbone-weights /srv/weights.h5" in text(app)


def test_the_form_is_kept_while_another_page_is_visited(runs):
    app = open_page()
    choose(app, "architecture", "cnn-dropout")
    set_number(app, "epochs", 9)
    app.switch_page("pages/about.py").run()
    app.switch_page("pages/train.py").run()
    assert app.selectbox(key="train-set-architecture").value == "cnn-dropout"
    assert app.number_input(key="train-set-epochs").value == 9


def test_augmentation_preview_is_drawn_once_for_each_strength(runs, monkeypatch):
    drawn = []
    monkeypatch.setattr(first_run, "render_preview", lambda *words: drawn.append((*words[:2], *words[3:])) or PNG)
    app = open_page()
    click(app, "train-preview-ask")
    assert "cut to the box of its lungs. Right: eight draws at strength 1." in text(app)
    app.slider(key="train-set-augmentation").set_value(0.5).run()
    app.slider(key="train-set-crop").set_value(0.3).run()
    click(app, "train-preview-ask")
    app.run()
    assert drawn == [(1.0, 0, 1.0, True), (0.5, 0, 0.3, True)]
    click(app, "train-preview-close")
    assert "eight draws" not in text(app)


def test_a_preview_that_fails_says_why(runs, monkeypatch):
    def fail(*words):
        raise RunError("The preview could not be made: no room.")

    monkeypatch.setattr(first_run, "render_preview", fail)
    app = open_page()
    choose(app, "architecture", "cnn-dropout")
    set_number(app, "seed", 4)
    click(app, "train-preview-ask")
    assert "no room" in app.error[0].value


def test_the_estimate_uses_a_run_on_this_computer(runs):
    make_run(runs, "mine", epochs=4, settings={"size": 64, "epochs": 3}, seconds=30.0)  # 60 images: 2 a second
    app = open_page()
    assert "Takes about 1 to 2 minutes, judging by the run mine" in text(app)
