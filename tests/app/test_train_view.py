from fake_runs import make_run

from pneumo.training.runfolder import RunStatus
from pneumo.ui.train.view import duration, free_name, place, repeat_command, rough, run_views, shares


def test_progress_of_a_run():
    assert shares(RunStatus("running", epoch=1, epochs=4, batch=5, batches=10)) == (0.375, 0.5)
    assert shares(RunStatus("starting")) == (0.0, 0.0)
    assert shares(RunStatus("running", epoch=4, epochs=4, batch=1, batches=2)) == (1.0, 0.5)


def test_times_in_words():
    assert [rough(s) for s in (40, 70, 400, 9000)] == ["less than a minute", "about 1 minute", "about 7 minutes", "about 2.5 hours"]
    assert [duration(s) for s in (12.4, 200, 3900)] == ["12 s", "3 min", "1 h 05 min"]


def test_the_command_names_what_differs_from_the_defaults_and_a_new_folder(tmp_path):
    run = make_run(tmp_path / "runs", "my run", settings={"epochs": 3, "optimizer": "adamw"})
    (run / "source.json").unlink()
    (view,) = run_views(tmp_path / "runs")
    assert (
        repeat_command(view, "data")
        == f"python -m pneumo train cnn --epochs 3 --optimizer adamw --data data --output '{run}-again'"
    )


def test_a_free_name_is_proposed(tmp_path):
    (tmp_path / "cnn-1").mkdir()
    assert free_name("cnn", tmp_path) == "cnn-2"


def test_a_run_whose_process_is_being_started_is_no_longer_in_the_queue(tmp_path):
    make_run(tmp_path, "waits", "queued", 0)
    make_run(tmp_path, "loads", "queued", 0, phase="loading libraries", when=5)
    loads, waits = run_views(tmp_path)
    assert (loads.is_live, waits.is_live) == (True, False)
    assert not loads.is_past
    assert place(loads).startswith("Starting: loading libraries. ")
