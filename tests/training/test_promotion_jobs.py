"""Promotions in a separate process, and a run from the queue to an answer."""

import math
import os
import signal
import sys

import pytest
from job_runs import ENDED, TINY, state, wait

from pneumo.errors import RunError
from pneumo.inference.finding import read
from pneumo.inference.predictor import Predictor
from pneumo.synthetic.phantom import make_phantom, phantom_png
from pneumo.training.config import make_config
from pneumo.training.jobs import folder as jobs_folder
from pneumo.training.jobs import promotion, queue
from pneumo.training.runfolder import RunStatus, history, read_status, write_status

pytestmark = pytest.mark.long


def fake_run(runs, data, best=True):
    run = runs / "run"
    run.mkdir(parents=True)
    write_status(run, RunStatus("finished"))
    jobs_folder.write_job(run, data)
    if best:
        (run / "best.keras").touch()
    return run


def test_promotions_refused_at_once(tmp_path, small_data, monkeypatch):
    monkeypatch.setenv("PNEUMO_MODELS_DIR", str(tmp_path / "models"))
    monkeypatch.setattr(promotion, "start_detached", lambda command: None)
    (tmp_path / "models" / "taken").mkdir(parents=True)
    run = fake_run(tmp_path / "runs", small_data, best=False)
    for model, why, message in (
        ("Bad Id", "w", "model id"),
        ("taken", "w", "in the registry already"),
        ("new", " ", "Say why"),
        ("new", "w", "best.keras"),
    ):
        with pytest.raises(RunError, match=message):
            queue.start_promotion(run, model, why)
    (run / "best.keras").touch()
    write_status(run, RunStatus("queued"))
    with pytest.raises(RunError, match="queued or running"):
        queue.start_promotion(run, "new", "w")
    write_status(run, RunStatus("finished"))
    jobs_folder.write_job(run, tmp_path / "gone")
    with pytest.raises(RunError, match="no longer at"):
        queue.start_promotion(run, "new", "w")
    assert queue.read_promotion(run) is None
    jobs_folder.write_job(run, small_data)
    queue.start_promotion(run, "new", "w")
    assert queue.read_promotion(run) == queue.Promotion("running", "new")
    for act in (lambda: queue.start_promotion(run, "new-2", "w"), lambda: queue.delete(run)):
        with pytest.raises(RunError, match="being promoted"):
            act()


def test_states_of_a_promotion(tmp_path, small_data, monkeypatch):
    run = fake_run(tmp_path / "runs", small_data)
    for code, expected in (
        ("print('fine')", queue.Promotion("finished", "m")),
        (
            "import sys; print(1); sys.exit('The calibration part is poor.')",
            queue.Promotion("failed", "m", "The calibration part is poor. (exit code 1)"),
        ),
    ):
        monkeypatch.setattr(promotion, "promote_command", lambda *_, code=code: [sys.executable, "-c", code])
        promotion.carry_out(run, "m", "w")
        assert queue.read_promotion(run) == expected
    promotion._write(run, queue.Promotion("running", "m"))
    os.utime(run / "promotion.json", (0, 0))
    assert "stopped unexpectedly" in queue.read_promotion(run).why
    monkeypatch.setattr(promotion, "_PATIENCE", 0.1)
    with promotion._lock(run, 0):
        assert queue.read_promotion(run) == queue.Promotion("running", "m")
        promotion.carry_out(run, "other", "w")  # another process is promoting it
        assert queue.read_promotion(run).model == "m"


def test_from_submit_to_an_answer(tmp_path, small_data, monkeypatch):
    """With real training: a run is killed, says why, is resumed by the queue and promoted, and the model answers."""
    models = tmp_path / "models"
    monkeypatch.setenv("PNEUMO_MODELS_DIR", str(models))
    monkeypatch.setenv("PNEUMO_CACHE_DIR", str(tmp_path / "cache"))
    run = queue.submit(make_config("cnn", {**TINY, "epochs": 12}), small_data, tmp_path / "runs", "tiny-cnn")
    wait(lambda: len(history(run)) >= 1, seconds=300)
    os.kill(read_status(run).pid, signal.SIGKILL)
    wait(lambda: read_status(run).pid is None, seconds=10)
    assert "signal 9" in read_status(run).why
    done = len(history(run))
    assert done < 12
    queue.resume(run)
    assert state(run, *ENDED, seconds=300).state == "finished"
    assert [line["epoch"] for line in history(run)] == list(range(1, 13))
    queue.start_promotion(run, "tiny-cnn", "test of the queue", mirrored=True)
    assert wait(lambda: (p := queue.read_promotion(run)).state != "running" and p, seconds=400) == queue.Promotion(
        "finished", "tiny-cnn"
    )
    predictor = Predictor.load("tiny-cnn", models)
    assert predictor.card.mirrored
    finding = read(phantom_png(make_phantom("bacterial", seed=99)), predictor)
    assert math.isfinite(finding.answer.log_ratio)
    assert "test of the queue" in (models / "ledger.csv").read_text()
