"""The Train page on run folders written by hand; what starts processes is replaced, so nothing is trained."""

import json
import shutil

import pytest
from fake_runs import make_run
from opened_app import choose_rows, open_app
from phantom_sets import copy_set
from tiny_model import make_registry

from pneumo.errors import RunError
from pneumo.reporting.history_charts import MOST
from pneumo.training.config import make_config
from pneumo.training.jobs import queue
from pneumo.training.runfolder import RunStatus, lock, write_status
from pneumo.ui.train import first_run

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6300010000000500010d0a2db40000000049454e44ae426082"
)


@pytest.fixture(scope="module")
def phantoms(tmp_path_factory):
    root = tmp_path_factory.mktemp("phantoms") / "set"
    copy_set(root, patients=10)
    return root


@pytest.fixture
def runs(tmp_path, phantoms, monkeypatch):
    monkeypatch.setenv("PNEUMO_MODELS_DIR", str(make_registry(tmp_path / "models")))
    monkeypatch.setenv("PNEUMO_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("PNEUMO_DATA_DIR", str(phantoms))
    monkeypatch.setenv("PNEUMO_RUNS_DIR", str(tmp_path / "runs"))
    monkeypatch.setattr(queue, "ensure_worker", lambda runs: None)
    (tmp_path / "runs").mkdir()
    return tmp_path / "runs"


@pytest.fixture
def calls(monkeypatch):
    """What the page asked of the jobs, in order, none of it carried out."""
    made = []
    for name in ("submit", "cancel", "resume", "delete", "start_promotion"):
        monkeypatch.setattr(queue, name, lambda *words, name=name: made.append((name, *words)))
    return made


def open_page():
    app = open_app().switch_page("pages/train.py").run()
    assert not app.exception
    return app


def text(app) -> str:
    return "\n".join(
        str(element.value)
        for kind in (app.title, app.subheader, app.markdown, app.warning, app.info, app.error, app.success, app.caption, app.code)
        for element in kind
    )


def html(app) -> str:
    return "\n".join(element.proto.body for element in app.get("html"))


def click(app, key):
    app.button(key=key).click().run()
    assert not app.exception


def choose(app, key, value):
    app.selectbox(key=f"train-set-{key}").set_value(value).run()
    assert not app.exception


def set_number(app, key, value):
    app.number_input(key=f"train-set-{key}").set_value(value).run()
    assert not app.exception


def test_without_a_run_it_says_what_a_first_one_takes(runs):
    shown = text(open_page())
    assert "No run yet" in shown
    assert "| `densenet169` |" in shown
    assert "54 images of 42 patients" in shown


def test_without_data_it_points_to_the_dataset_page(runs, tmp_path, monkeypatch):
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


def test_the_seeds_preset_is_cnn_s_alone(runs, calls):
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


def test_the_shares_reach_the_config(runs, calls):
    app = open_page()
    choose(app, "preset", "standard")
    for name, value in (("crop", 0.3), ("hidden", 0.05), ("label_smoothing", 0.05)):
        app.slider(key=f"train-set-{name}").set_value(value).run()
    assert "Changed from “standard”: crop, hidden, label smoothing." in text(app)
    assert "train cnn --crop 0.3 --hidden 0.05 --label-smoothing 0.05 --data" in text(app)
    click(app, "train-start")
    assert calls[0][1] == make_config("cnn", {"crop": 0.3, "hidden": 0.05, "label_smoothing": 0.05})


def test_a_started_run_waits_in_the_queue_and_the_next_gets_a_fresh_name(runs):
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
def test_a_bad_setting_is_told_and_cannot_be_started(runs, key, value, message):
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


def test_the_form_outlives_a_visit_to_another_page(runs):
    app = open_page()
    choose(app, "architecture", "cnn-dropout")
    set_number(app, "epochs", 9)
    app.switch_page("pages/about.py").run()
    app.switch_page("pages/train.py").run()
    assert app.selectbox(key="train-set-architecture").value == "cnn-dropout"
    assert app.number_input(key="train-set-epochs").value == 9


def test_the_running_job_with_its_place_curves_and_cancel(runs, calls):
    run = make_run(runs, "cnn-1", "running", 6, batch=33, batches=66, seconds_left=400.0)
    with lock(run):
        app = open_page()
        assert "cnn-1" in text(app)
        bars = [(element.proto.value, element.proto.text) for element in app.get("progress")]
        assert bars == [(32, "Epoch 7 of 20, batch 33 of 66; about 7 minutes left"), (50, "This epoch: 50 %")]
        assert len(app.get("vega_lite_chart")) == 4
        assert "epoch 6 of 20: loss" in text(app)
        click(app, "cancel-cnn-1")
        assert app.button(key="cancel-cnn-1").label == "Stopping"
    assert calls == [("cancel", run)]


def test_a_died_run_is_shown_as_failed_with_why(runs):
    make_run(runs, "cnn-1", "running", 2, batch=3, batches=66)
    app = open_page()
    assert "The process stopped unexpectedly" in app.error[0].value
    assert "2 of 20" in html(app)
    assert not app.button(key="train-resume").disabled


def test_table_and_details_of_past_runs(runs, phantoms):
    make_run(runs, "old", "finished", 4, when=0, settings={"epochs": 4})
    make_run(runs, "none", "cancelled", 0, when=1)
    make_run(runs, "new", "failed", 3, "resnet50", when=9, why="The disk is full. Make room.", seconds=600)
    app = open_page()
    table = app.dataframe[0].value
    assert table["Run"].tolist() == ["new", "none", "old"]
    assert table["Epochs"].tolist() == ["3 of 8", "0 of 20", "4 of 4"]
    assert table["AUC"].tolist()[2] == pytest.approx(1 - 0.6 * 0.75**2 * 1.2 / 3)  # of epoch 3, not of the last
    assert len(table["Validation loss"].tolist()[0]) == 3
    assert "The disk is full" in app.error[0].value
    for words in ("0123abc", "ab12ab12", "keras 3.15.1", "epoch 2: validation loss", "30 min"):
        assert words in html(app)
    assert f"train resnet50 --data {runs.parent / 'data'} --output {runs / 'new-again'}" in text(app)
    choose_rows(app, "Run", "none")
    assert "No epoch was finished" in text(app)
    choose_rows(app, "Run", "none", "new", "old")
    assert not app.exception
    assert "so no curve: none" in text(app)
    spec = json.loads(app.get("vega_lite_chart")[0].proto.spec)
    assert spec["layer"][0]["encoding"]["strokeDash"]["scale"]["domain"] == ["new", "old"]


def test_a_run_that_ends_is_opened(runs):
    """The one that ended last, though an older one may have been resumed."""
    old = make_run(runs, "old", "cancelled", 2, when=0)
    make_run(runs, "new", when=9)
    app = open_page()
    assert app.session_state["train-open"] == ["new"]
    choose_rows(app, "Run")
    assert app.session_state["train-open"] == []
    assert "Choose a run in the table to see it and to promote it" in text(app)
    write_status(old, RunStatus("finished", epoch=4, epochs=4))
    app.run()
    assert app.session_state["train-open"] == ["old"]


def test_more_runs_than_colours(runs):
    names = [f"run-{number}" for number in range(MOST + 1)]
    for number, name in enumerate(names):
        make_run(runs, name, when=number)
    app = open_page()
    choose_rows(app, "Run", *names)
    assert f"The first {MOST} of the {MOST + 1} chosen runs." in text(app)


def test_resume_and_delete_with_confirmation(runs, calls):
    run = make_run(runs, "cnn-1", "cancelled")
    app = open_page()
    click(app, "train-resume")
    click(app, "train-delete")
    assert "for good" in app.warning[0].value
    click(app, "train-delete-no")
    assert calls == [("resume", run)]
    click(app, "train-delete")
    click(app, "train-delete-yes")
    assert calls == [("resume", run), ("delete", run)]


def test_a_deleted_run_is_gone_from_the_page(runs):
    make_run(runs, "one", when=0)
    two = make_run(runs, "two", when=9)
    app = open_page()
    click(app, "train-delete")
    click(app, "train-delete-yes")
    assert not two.exists()
    assert app.dataframe[0].value["Run"].tolist() == ["one"]


def test_promote_asks_for_id_and_reason_and_says_how_it_ended(runs, monkeypatch):
    run = make_run(runs, "tiny", "finished")
    asked = []
    monkeypatch.setattr(queue, "start_promotion", lambda *words: asked.append(words))
    app = open_page()
    assert "evaluates it once on the test split" in text(app)
    assert app.text_input(key="train-set-model-tiny").value == "tiny-1"  # "tiny" is in the registry
    app.text_input(key="train-set-why-tiny").set_value(" candidate ").run()
    app.toggle(key="train-set-mirrored-tiny").set_value(True).run()
    click(app, "train-promote")
    assert asked == [(run, "tiny-1", "candidate", True)]

    promotion = run / "promotion.json"
    promotion.write_text(json.dumps({"state": "running", "model": "tiny-1", "why": ""}))
    app.run()
    assert "is being promoted to the model tiny-1" in text(app)
    assert "train-promote" not in [button.key for button in app.button]
    promotion.write_text(json.dumps({"state": "failed", "model": "tiny-1", "why": "It broke."}))
    app.run()
    assert "It broke." in text(app)
    assert app.text_input(key="train-set-why-tiny").value == " candidate "  # what was typed stays
    assert app.toggle(key="train-set-mirrored-tiny").value
    shutil.copytree(runs.parent / "models" / "tiny", runs.parent / "models" / "tiny-1")
    promotion.write_text(json.dumps({"state": "finished", "model": "tiny-1", "why": ""}))
    app.run()
    assert "tiny-1 is in the registry" in app.success[0].value
    assert app.text_input(key="train-set-model-tiny").value == "tiny-2"


def test_a_refusal_is_told(runs, monkeypatch):
    make_run(runs, "cnn-1", "failed")

    def refuse(*words):
        raise RunError("The data has gone.")

    monkeypatch.setattr(queue, "resume", refuse)
    app = open_page()
    click(app, "train-resume")
    assert "The data has gone." in [error.value for error in app.error]


def test_a_damaged_run_folder_does_not_stop_the_page(runs):
    make_run(runs, "good", when=9)
    (runs / "bad").mkdir()
    (runs / "bad" / "status.json").write_text("{")
    app = open_page()
    choose_rows(app, "Run", "bad")
    assert not app.exception
    assert "cannot be read" in app.error[0].value


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


def test_the_estimate_rests_on_a_run_made_here(runs):
    make_run(runs, "mine", epochs=4, settings={"size": 64, "epochs": 3}, seconds=30.0)  # 60 images: 2 a second; here about 30
    app = open_page()
    assert "Takes about 1 to 2 minutes, judging by the run mine" in text(app)
