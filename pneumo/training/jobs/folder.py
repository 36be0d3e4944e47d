"""Queue files beside a run: job.json (data, queueing time), the cancel request, and the locks."""

import json
import time
from pathlib import Path
from typing import Any

from filelock import FileLock

from pneumo.errors import RunError
from pneumo.files import write_json
from pneumo.training.runfolder import LIVE, RunStatus, read_status, source


def queue_lock(runs: Path) -> FileLock:
    """Held while a run is queued, started, cancelled or deleted."""
    return FileLock(runs / ".queue.lock")


def worker_lock(runs: Path) -> FileLock:
    """Held by the worker process."""
    return FileLock(runs / ".worker.lock", timeout=3)


def write_job(run: Path, data: Path) -> None:
    write_json(run / "job.json", {"data": str(data), "queued": time.time()})


def _job(run: Path) -> dict[str, Any]:
    try:
        job = json.loads((run / "job.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return job if isinstance(job, dict) else {}


def queued_at(run: Path) -> float:
    """When the run was last queued, seconds since 1970; identifies the request."""
    return float(_job(run).get("queued", 0.0))


def data_of(run: Path) -> Path:
    """The run's data set. Raises RunError if unknown or missing."""
    data = source(run).get("data") or _job(run).get("data")
    if not data:
        raise RunError(f"It is not known which data the run {run.name} learned from. Use the command line, with --data.")
    if not Path(data).exists():
        raise RunError(f"The data of the run {run.name} is no longer at {data}. Put it back, or start a new run.")
    return Path(data)


def statuses(runs: Path) -> list[tuple[Path, RunStatus]]:
    """Every run with a readable status."""
    readable = []
    for path in sorted(runs.glob("*/status.json")):
        try:
            readable.append((path.parent, read_status(path.parent)))
        except RunError:
            continue
    return readable


def queued(runs: Path) -> list[Path]:
    """Queued runs, in training order."""
    waiting = [run for run, status in statuses(runs) if status.state == "queued"]
    return sorted(waiting, key=lambda run: (queued_at(run), run.name))


def request_cancel(run: Path, pid: int | None) -> None:
    """Request the end of the run. `pid`: the trainer already signalled; None if not started."""
    draft = run / "cancel.draft"
    draft.write_text(str(pid or ""), encoding="utf-8")
    draft.replace(run / "cancel")  # atomic: an empty file has a meaning


def withdraw_cancel(run: Path) -> None:
    (run / "cancel").unlink(missing_ok=True)


def cancel_request(run: Path) -> str | None:
    """The signalled pid as text, empty if not started; None without a request."""
    try:
        return (run / "cancel").read_text(encoding="utf-8")
    except OSError:
        return None


def cancel_sent(run: Path, status: RunStatus) -> bool:
    """Whether the current trainer was signalled; requests to earlier trainers do not count."""
    return status.state in LIVE and cancel_request(run) == str(status.pid)


def seconds_since_request(run: Path) -> float:
    """0.0 without a request."""
    try:
        return time.time() - (run / "cancel").stat().st_mtime
    except OSError:
        return 0.0
