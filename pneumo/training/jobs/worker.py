"""The process that works the queue off: trains queued runs one after the other, each in a child, and ends when none is left.

python -m pneumo.training.jobs.worker RUNS. Started by jobs.ensure_worker; a second one for the same folder ends at once.
"""

import contextlib
import dataclasses
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from filelock import Timeout

from pneumo.errors import PneumoError, RunError
from pneumo.training.jobs.folder import (
    cancel_request,
    data_of,
    queue_lock,
    queued,
    queued_at,
    request_cancel,
    seconds_since_request,
    statuses,
    was_told,
    withdraw_cancel,
    worker_lock,
)
from pneumo.training.jobs.process import lower_priority, python, start_logged, why_ended
from pneumo.training.runfolder import LIVE, is_alive, load_config, lock, read_status, write_status

GRACE = 20.0  # seconds between the request to end and the end by force
PAUSE = 0.2  # seconds between two looks at a child
_KILL = getattr(signal, "SIGKILL", signal.SIGTERM)  # Windows' SIGTERM is as hard


def train_command(run: Path) -> list[str]:
    """The command line that trains a run of the queue, from its beginning or from where it stopped."""
    return python(
        "-m",
        "pneumo",
        "train",
        load_config(run).architecture,
        "--data",
        str(data_of(run)),
        "--output",
        str(run),
        "--config",
        str(run / "config.json"),
        "--resume",
    )


def work(runs: Path, command: Callable[[Path], list[str]] = train_command) -> None:
    """Train what is queued below `runs` by `command` until nothing is. Returns at once where another process does so."""
    with contextlib.ExitStack() as stack:
        try:
            mine = stack.enter_context(worker_lock(runs))
        except Timeout:
            return
        while True:
            _see_out(runs)
            with queue_lock(runs):
                if not (waiting := queued(runs)):
                    mine.release()  # within the queue's lock: whoever queues a run next finds no worker and starts one
                    return
                run, asked = waiting[0], queued_at(waiting[0])
                child = _start(run, command)
            if child:
                _attend(run, child, asked)


def _see_out(runs: Path) -> None:
    """Wait for trainers that an earlier worker left behind, and for those that were cancelled and do not end."""
    while live := [run for run, status in statuses(runs) if _is_ours(run, status.state) or was_told(run, status)]:
        for run in live:
            _kill_when_due(run)
        time.sleep(PAUSE)
        for run in live:
            if not is_alive(run):
                _conclude(run)


def _is_ours(run: Path, state: str) -> bool:
    return state in LIVE and (run / "job.json").exists()


def _kill_when_due(run: Path) -> None:
    with contextlib.suppress(RunError, ProcessLookupError):
        status = read_status(run)
        if status.pid and was_told(run, status) and seconds_since_request(run) > GRACE and is_alive(run):
            os.kill(status.pid, _KILL)


def _start(run: Path, command: Callable[[Path], list[str]]) -> subprocess.Popen[bytes] | None:
    withdraw_cancel(run)
    try:
        return start_logged(command(run), run / "log.txt")
    except (OSError, PneumoError) as error:
        write_status(run, dataclasses.replace(read_status(run), state="failed", why=f"The run could not be started: {error}"))
        return None


def _attend(run: Path, child: subprocess.Popen[bytes], asked: float) -> None:
    """Wait for the child that trains `run` as it was `asked` for, and end it when that is wanted."""
    while child.poll() is None:
        request = cancel_request(run)
        if request == "":  # cancelled before it had begun, when there was nobody to tell
            request_cancel(run, child.pid)
            child.terminate()
        elif request and seconds_since_request(run) > GRACE:
            child.kill()
        time.sleep(PAUSE)
    _conclude(run, child.returncode, asked)


def _conclude(run: Path, code: int | None = None, asked: float = 0.0) -> None:
    """Give a run that stopped unexpectedly its last status. `code`: the exit code, where it is known."""
    with contextlib.suppress(RunError, Timeout), queue_lock(run.parent):
        read_status(run)  # RunError: deleted meanwhile, and taking its lock would make the folder again
        with lock(run):  # Timeout: somebody else trains it
            status = read_status(run)  # as it was written: under our own lock it says live where the trainer died
            if status.state == "queued" and queued_at(run) != asked:
                return  # resumed while the trainer was still on its way out
            if cancel_request(run) is not None and status.state not in ("finished", "cancelled"):
                write_status(run, dataclasses.replace(status, state="cancelled", why="", pid=None, seconds_left=None))
            elif code is not None and status.state in ("queued", *LIVE):
                why = why_ended(code, run / "log.txt")
                write_status(run, dataclasses.replace(status, state="failed", why=why, pid=None, seconds_left=None))
            withdraw_cancel(run)


def main() -> None:
    lower_priority()
    work(Path(sys.argv[1]))


if __name__ == "__main__":
    main()
