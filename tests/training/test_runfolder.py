import json

import pytest

from pneumo.errors import RunError
from pneumo.training.config import make_config
from pneumo.training.runfolder import (
    RunStatus,
    best_epoch,
    commit_epoch,
    history,
    is_alive,
    list_runs,
    load_config,
    lock,
    prepare,
    read_status,
    settle,
    write_phase,
    write_status,
)

CONFIG = make_config("cnn", {"filters": "4,8", "epochs": "3"})


def line(epoch, loss):
    return {"epoch": epoch, "val_loss": loss}


def test_config_round_trip(tmp_path):
    prepare(CONFIG, tmp_path / "run", resume=False)
    assert load_config(tmp_path / "run") == CONFIG


def test_an_existing_run_is_not_overwritten(tmp_path):
    prepare(CONFIG, tmp_path, resume=False)
    with pytest.raises(RunError, match="already holds a run"):
        prepare(CONFIG, tmp_path, resume=False)
    prepare(CONFIG, tmp_path, resume=True)
    with pytest.raises(RunError, match="other settings"):
        prepare(make_config("cnn", {}), tmp_path, resume=True)


def test_a_folder_with_other_files_is_left_alone(tmp_path):
    (tmp_path / "thesis.doc").write_text("mine")
    with pytest.raises(RunError, match="already holds"):
        prepare(CONFIG, tmp_path, resume=False)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.doc"]


def test_nothing_to_resume(tmp_path):
    with pytest.raises(RunError, match="without --resume"):
        prepare(CONFIG, tmp_path, resume=True)


def test_a_run_of_an_earlier_version_goes_on_or_is_refused_with_a_reason(tmp_path):
    prepare(CONFIG, tmp_path, resume=False)
    saved = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**saved, "swapped": 0.0}))
    assert load_config(tmp_path) == CONFIG
    prepare(CONFIG, tmp_path, resume=True)
    for old in ({"swapped": 0.4}, {"balance": "style"}):
        (tmp_path / "config.json").write_text(json.dumps({**saved, **old}))
        (name,) = old
        with pytest.raises(RunError, match=f"does not fit this version of Pneumo: {name} is .* start a new run"):
            prepare(CONFIG, tmp_path, resume=True)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"architecture": "vgg"}', "nonsense"])
def test_a_damaged_config_is_refused(tmp_path, text):
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(RunError):
        load_config(tmp_path)


def test_a_running_run_whose_lock_is_free_has_failed(tmp_path):
    write_status(tmp_path, RunStatus("running", epoch=2, epochs=5))
    with lock(tmp_path):
        assert is_alive(tmp_path)
        assert read_status(tmp_path).state == "running"
    status = read_status(tmp_path)
    assert (status.state, status.epoch) == ("failed", 2)
    assert "killed" in status.why


def test_an_ended_run_needs_no_lock(tmp_path):
    write_status(tmp_path, RunStatus("cancelled", why="Cancelled."))
    assert read_status(tmp_path).state == "cancelled"


def test_status_that_cannot_be_read(tmp_path):
    (tmp_path / "status.json").write_text("{")
    with pytest.raises(RunError, match=r"status\.json"):
        read_status(tmp_path)


def test_runs_are_listed_newest_first(tmp_path):
    import os

    for age, name in enumerate(("young", "old")):
        prepare(CONFIG, tmp_path / name, resume=False)
        write_status(tmp_path / name, RunStatus("finished"))
        os.utime(tmp_path / name / "config.json", (1e9 - age, 1e9 - age))
    (tmp_path / "no-run").mkdir()
    assert [run.name for run in list_runs(tmp_path)] == ["young", "old"]


def test_best_epoch_is_the_first_with_the_lowest_loss():
    assert best_epoch([]) == 0
    assert best_epoch([line(1, 0.5), line(2, 0.3), line(3, 0.3)]) == 2


def files(run):
    return {path.name: path.read_text() for path in run.glob("*.keras")}


def test_an_epoch_counts_with_its_history_line(tmp_path):
    for epoch, loss in ((1, 0.5), (2, 0.3), (3, 0.4)):
        (tmp_path / f"last-{epoch}.keras").write_text(f"last {epoch}")
        if epoch < 3:
            (tmp_path / f"best-{epoch}.keras").write_text(f"best {epoch}")
        commit_epoch(tmp_path, line(epoch, loss))
    assert [each["epoch"] for each in history(tmp_path)] == [1, 2, 3]
    assert files(tmp_path) == {"best.keras": "best 2", "last-3.keras": "last 3"}


def test_a_kill_before_the_history_line_loses_only_that_epoch(tmp_path):
    for name in ("last-1.keras", "best-1.keras"):
        (tmp_path / name).write_text(name)
    commit_epoch(tmp_path, line(1, 0.5))
    for name in ("last-2.keras", "best-2.keras", "draft-last-2.keras"):
        (tmp_path / name).write_text(name)
    settle(tmp_path)
    assert files(tmp_path) == {"best.keras": "best-1.keras", "last-1.keras": "last-1.keras"}


def test_a_kill_after_the_history_line_keeps_that_epoch(tmp_path):
    for name in ("best.keras", "last-1.keras", "last-2.keras", "best-2.keras"):
        (tmp_path / name).write_text(name)
    (tmp_path / "history.jsonl").write_text("".join(json.dumps(each) + "\n" for each in (line(1, 0.5), line(2, 0.4))))
    settle(tmp_path)
    assert files(tmp_path) == {"best.keras": "best-2.keras", "last-2.keras": "last-2.keras"}


def test_a_starting_run_says_what_it_does(tmp_path):
    write_status(tmp_path, RunStatus("queued", epochs=3))
    write_phase(tmp_path, "reading images")
    assert (read_status(tmp_path).state, read_status(tmp_path).phase) == ("queued", "reading images")
    write_phase(tmp_path, "reading images", 1200, 5216)
    assert (read_status(tmp_path).epochs, read_status(tmp_path).phase) == (3, "reading images 1,200 of 5,216")
