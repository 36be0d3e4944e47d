"""Promotion in a separate process, so that the app never loads Keras.

RUN/promotion.json holds the state, promotion.txt the output, and promotion.lock is held by the promoting process.
"""

import contextlib
import json
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from pneumo.errors import RunError
from pneumo.files import write_json
from pneumo.paths import models_dir
from pneumo.training.jobs.folder import data_of
from pneumo.training.jobs.process import check_name, lower_priority, python, start_detached, start_logged, why_ended
from pneumo.training.runfolder import LIVE, read_status

_START_UP = 15  # seconds for the process to take its lock
_PATIENCE = 5  # seconds to wait for processes that only test the lock
_DIED = "The process stopped unexpectedly. It was killed, often because memory ran out. Promote again."
_BUSY = "The run {} is being promoted already. Wait until that has ended."


@dataclass(frozen=True)
class Promotion:
    """The latest promotion of a run."""

    state: str  # running, finished or failed
    model: str  # the id asked for
    why: str = ""  # of a failure, in words


def start_promotion(run: Path, model: str, why: str, mirrored: bool = False) -> None:
    """Start promoting `run` to models/<model> in the background (see `promote.promote_run`).

    Raises RunError at once for an id that is ill-formed or taken, a missing reason, a run that is live, queued, without
    best.keras, without its data, or being promoted already.
    """
    check_name(model, "model id")
    if (models_dir() / model).exists():
        raise RunError(f"A model {model!r} is in the registry already. Choose another id.")
    if not why.strip():
        raise RunError("Say why: promotion looks at the test split, and the reason is written into the ledger.")
    if read_status(run).state in ("queued", *LIVE):
        raise RunError(f"The run {run.name} is still queued or running. Let it end, or cancel it, and promote then.")
    if not (run / "best.keras").is_file():
        raise RunError(f"The run {run.name} has no best.keras yet. Let it finish an epoch.")
    data_of(run)
    try:
        with _lock(run, timeout=0.5):
            if _is_young(run) and _saved(run).state == "running":
                raise RunError(_BUSY.format(run.name))
            _write(run, Promotion("running", model))
    except Timeout:
        raise RunError(_BUSY.format(run.name)) from None
    start_detached(python("-m", "pneumo.training.jobs.promotion", str(run.resolve()), model, why, *_flags(mirrored)))


def read_promotion(run: Path) -> Promotion | None:
    """The latest promotion, failed if its process died; None without one."""
    if not (run / "promotion.json").is_file():
        return None
    saved = _saved(run)
    if saved.state != "running" or _is_young(run):
        return saved
    try:
        with _lock(run, timeout=0):
            saved = _saved(run)  # it may have ended since
            return Promotion("failed", saved.model, _DIED) if saved.state == "running" else saved
    except Timeout:
        return saved


def promote_command(run: Path, model: str, why: str, mirrored: bool) -> list[str]:
    words = ("models", "promote", str(run), model, f"--data={data_of(run)}", f"--why={why}", *_flags(mirrored))
    return python("-m", "pneumo", *words)


def carry_out(run: Path, model: str, why: str, mirrored: bool = False) -> None:
    """Promote in a child process and write the result. Does nothing while another process promotes `run`."""
    log = run / "promotion.txt"
    with contextlib.suppress(Timeout), _lock(run, _PATIENCE):
        _write(run, Promotion("running", model))
        log.unlink(missing_ok=True)
        try:
            code = start_logged(promote_command(run, model, why, mirrored), log).wait()
            end = Promotion("failed", model, why_ended(code, log)) if code else Promotion("finished", model)
        except (OSError, RunError) as error:
            end = Promotion("failed", model, str(error))
        _write(run, end)


def _flags(mirrored: bool) -> list[str]:
    return ["--mirrored"] if mirrored else []


def _lock(run: Path, timeout: float) -> FileLock:
    return FileLock(run / "promotion.lock", timeout=timeout)


def _write(run: Path, state: Promotion) -> None:
    write_json(run / "promotion.json", asdict(state))


def _saved(run: Path) -> Promotion:
    try:
        saved = json.loads((run / "promotion.json").read_text(encoding="utf-8"))
        return Promotion(saved["state"], saved["model"], saved["why"])
    except (OSError, ValueError, KeyError, TypeError):
        return Promotion("failed", "", "promotion.json cannot be read. Promote again.")


def _is_young(run: Path) -> bool:
    """Whether the process may still be starting, without its lock."""
    try:
        return time.time() - (run / "promotion.json").stat().st_mtime < _START_UP
    except OSError:
        return False


def main() -> None:
    """python -m pneumo.training.jobs.promotion RUN MODEL WHY [--mirrored]"""
    run, model, why, *flags = sys.argv[1:]
    lower_priority()
    carry_out(Path(run), model, why, mirrored=bool(flags))


if __name__ == "__main__":
    main()
