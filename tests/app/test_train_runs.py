"""The runs on the Train page: their folders are written by hand, no process is started, and nothing is trained."""

import json
import shutil

import pytest
from fake_runs import make_run
from opened_app import choose_rows
from train_page import click, open_page, text

from pneumo.errors import RunError
from pneumo.reporting.history_charts import MOST
from pneumo.training.jobs import queue
from pneumo.training.runfolder import RunStatus, lock, write_status


def html(app) -> str:
    return "\n".join(element.proto.body for element in app.get("html"))


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


def test_a_run_that_died_is_shown_as_failed_with_the_reason(runs):
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
    assert table["AUC"].tolist()[2] == pytest.approx(1 - 0.6 * 0.75**2 * 1.2 / 3)  # of the best epoch, 3, not of the last
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
    assert spec["layer"][0]["layer"][0]["encoding"]["strokeDash"]["scale"]["domain"] == ["new", "old"]


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
    assert app.text_input(key="train-set-why-tiny").value == " candidate "  # what was typed is kept
    assert app.toggle(key="train-set-mirrored-tiny").value
    shutil.copytree(runs.parent / "models" / "tiny", runs.parent / "models" / "tiny-1")
    promotion.write_text(json.dumps({"state": "finished", "model": "tiny-1", "why": ""}))
    app.run()
    assert "tiny-1 is in the registry" in app.success[0].value
    assert app.text_input(key="train-set-model-tiny").value == "tiny-2"


def test_a_refusal_is_shown(runs, monkeypatch):
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
