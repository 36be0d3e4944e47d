"""The queue of training runs: submit, cancel, resume, delete. All state is in the run folders.

A separate worker process (worker.py) trains queued runs one at a time. Nothing here loads Keras.
"""

import contextlib
import dataclasses
import os
import shutil
import signal
from pathlib import Path

from pneumo.data.records import Record, scan
from pneumo.data.split import split_records
from pneumo.errors import DataError, RunError
from pneumo.labels import Label
from pneumo.training.config import TrainConfig
from pneumo.training.jobs.folder import cancel_sent, data_of, queue_lock, queued, request_cancel, statuses, worker_lock, write_job
from pneumo.training.jobs.process import check_name, python, start_detached
from pneumo.training.jobs.promotion import Promotion, read_promotion, start_promotion
from pneumo.training.runfolder import LIVE, RunStatus, is_alive, is_held, load_config, prepare, read_status, write_status

__all__ = ["Promotion", "cancel", "delete", "ensure_worker", "queued", "read_promotion", "resume", "start_promotion", "submit"]

_PARTS = ("train", "validation", "calibration")  # each needs both classes


def submit(config: TrainConfig, data: Path, runs: Path, name: str) -> Path:
    """Queue a new run of `config` on `data` as runs/<name>; return its folder.

    Raises RunError for a name that is ill-formed or taken, DataError for data that cannot be split into parts of both classes.
    """
    check_name(name, "name of a run")
    data, run = Path(data).resolve(), runs.resolve() / name
    check_data(scan(data), config.seed)
    run.parent.mkdir(parents=True, exist_ok=True)
    try:
        run.mkdir()  # atomic: only one of two simultaneous requests succeeds
    except FileExistsError:
        raise RunError(f"A run {name!r} exists already. Choose another name.") from None
    prepare(config, run, resume=False)
    write_job(run, data)
    with queue_lock(runs):
        write_status(run, RunStatus("queued", epochs=config.epochs))
    ensure_worker(runs)
    return run


def check_data(records: list[Record], seed: int) -> None:
    """Raises DataError unless the split, without near-duplicates (they would need every image), has both classes in each part."""
    pool = [record for record in records if record.split != "test"]
    for label in (Label.NORMAL, Label.PNEUMONIA):
        patients = {record.patient for record in pool if record.label == label}
        if len(patients) < 3:
            raise DataError(
                f"train and val hold {len(patients)} {label} patients ({len(pool)} images in all); expected at least 3 of "
                "each class, one each to learn from, to select and to calibrate by. Add X-rays, or choose another data set."
            )
    parts = split_records(records, seed=seed)
    for part in _PARTS:
        for label in (Label.NORMAL, Label.PNEUMONIA):
            if not any(parts[record.path] == part and record.label == label for record in pool):
                problem = f"Split with seed {seed}, the {part} part would hold no {label} image: there are too few patients."
                raise DataError(f"{problem} Add X-rays, or try another seed.")


def ensure_worker(runs: Path) -> None:
    """Start a worker if there is work and none runs. Cheap; called on each page visit, to replace a dead worker."""
    work = any(status.state == "queued" or cancel_sent(run, status) for run, status in statuses(runs))
    if work and not is_held(worker_lock(runs), patience=0.1):
        start_detached(worker_command(runs.resolve()))


def worker_command(runs: Path) -> list[str]:
    return python("-m", "pneumo.training.jobs.worker", str(runs))


def cancel(run: Path) -> None:
    """Cancel a queued run at once, a live one by signal (killed after 20 s); checkpoints stay. No effect on an ended run."""
    with queue_lock(run.parent):
        status = read_status(run)
        if status.state == "queued":
            request_cancel(run, None)  # in case the worker is starting it now
            write_status(run, dataclasses.replace(status, state="cancelled", pid=None))
        elif status.state in LIVE and not cancel_sent(run, status):
            request_cancel(run, status.pid)
            if status.pid and is_alive(run):  # else the pid may be reused
                with contextlib.suppress(ProcessLookupError):
                    os.kill(status.pid, signal.SIGTERM)
    ensure_worker(run.parent)


def resume(run: Path) -> None:
    """Queue a failed or cancelled run again; it continues after the last committed epoch. Raises RunError."""
    with queue_lock(run.parent):
        status = read_status(run)
        if status.state not in ("failed", "cancelled"):
            raise RunError(f"The run {run.name} is {status.state}; only a failed or cancelled one can be resumed.")
        _check_untouched(run)
        load_config(run)
        data = data_of(run)
        write_job(run, data)
        write_status(run, RunStatus("queued", epoch=status.epoch, epochs=status.epochs))
    ensure_worker(run.parent)


def delete(run: Path) -> None:
    """Delete a run's folder. Raises RunError while the run is queued, live or being promoted."""
    with queue_lock(run.parent):
        status = read_status(run)
        if status.state in ("queued", *LIVE):
            raise RunError(f"The run {run.name} is {status.state}. Cancel it before deleting it.")
        _check_untouched(run)
        try:
            shutil.rmtree(run)
        except OSError as error:
            raise RunError(f"The run {run.name} could not be removed whole: {error.strerror}. Try again.") from error


def _check_untouched(run: Path) -> None:
    if is_alive(run):
        raise RunError(f"The run {run.name} is still ending. Try again in a few seconds.")
    current = read_promotion(run)
    if current is not None and current.state == "running":
        raise RunError(f"The run {run.name} is being promoted. Wait until that has ended.")
