"""Files of a run folder, runs/<id>/, read and written without Keras.

config.json (the settings), source.json (data, seed, versions, commit, device), split.csv, history.jsonl (a line an epoch),
status.json (where the run is), log.txt, tensorboard/, best.keras (the network of the lowest validation loss), last-N.keras
(after epoch N, with optimizer, for `--resume`) and lock (held by the training process while it lives). An epoch is committed by its
line in history.jsonl; see `settle`.
"""

import dataclasses
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from pneumo.data.split import SPLIT
from pneumo.errors import ConfigError, RunError
from pneumo.files import write_json
from pneumo.training.config import TrainConfig, make_config

LIVE = ("starting", "running")
LOADING = "loading libraries"  # the phase of a run whose process is being started
_MAY_STAND = {"status.json", "job.json", "log.txt", "lock", SPLIT}  # allowed in a new run: from the queue, or a custom split
DIED = (
    "The process stopped unexpectedly. It was killed, often because memory ran out; the end of log.txt may tell more. "
    "Press Resume to continue (on the command line: --resume)."
)


@dataclasses.dataclass(frozen=True)
class RunStatus:
    """status.json. `epoch`: finished epochs; `batch` of `batches`: progress of the current one."""

    state: str
    why: str = ""  # reason of a failure
    epoch: int = 0
    epochs: int = 0
    batch: int = 0
    batches: int = 0
    seconds_left: float | None = None
    pid: int | None = None
    phase: str = ""  # what it prepares, before the first epoch
    updated: float = 0.0  # seconds since 1970


def list_runs(root: Path) -> list[Path]:
    """Run folders below `root`, newest first."""
    return sorted((path.parent for path in root.glob("*/status.json")), key=_begun, reverse=True)


def _begun(run: Path) -> float:
    try:
        return (run / "config.json").stat().st_mtime
    except FileNotFoundError:
        return 0.0  # half deleted


def write_status(run: Path, status: RunStatus) -> None:
    write_json(run / "status.json", dataclasses.asdict(dataclasses.replace(status, updated=time.time())))


def write_phase(run: Path, phase: str, done: int = 0, total: int = 0) -> None:
    """Say what the run prepares, such as "reading images", and how far it is."""
    count = f" {done:,} of {total:,}" if total else ""
    write_status(run, dataclasses.replace(_saved_status(run), phase=phase + count))


def read_status(run: Path) -> RunStatus:
    """The run's status; failed if live but no process holds its lock. Raises RunError."""
    status = _saved_status(run)
    if status.state in LIVE and not is_alive(run):
        status = _saved_status(run)  # it may have just ended
        if status.state in LIVE:
            return dataclasses.replace(status, state="failed", why=DIED)
    return status


def _saved_status(run: Path) -> RunStatus:
    try:
        saved = json.loads((run / "status.json").read_text(encoding="utf-8"))
        known = {field.name for field in dataclasses.fields(RunStatus)}
        return RunStatus(**{key: value for key, value in saved.items() if key in known})
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise RunError(f"{run} is no training run: its status.json cannot be read.") from error


def lock(run: Path) -> FileLock:
    """Held by the process that trains in `run`; the system releases it when the process ends."""
    return FileLock(run / "lock", timeout=2)


def is_held(file_lock: FileLock, patience: float = 0.3) -> bool:
    """Whether another process holds the lock; `patience` outlasts other processes' tests of it."""
    try:
        with file_lock.acquire(timeout=patience):
            return False
    except Timeout:
        return True


def is_alive(run: Path) -> bool:
    """Whether a process trains in `run`, whatever its status says."""
    return is_held(lock(run))


def check_free(run: Path) -> None:
    """Raises RunError unless the folder is new or holds only files allowed before a run."""
    names = {path.name for path in run.iterdir()} if run.exists() else set()
    if not {name for name in names if not name.endswith(".draft")} <= _MAY_STAND:  # drafts of a killed process
        raise RunError(f"{run} already holds a run, or something else. Choose another --output, or go on with --resume.")


def prepare(config: TrainConfig, run: Path, resume: bool) -> None:
    """Make the run folder, or check that it holds the same run. Raises RunError."""
    if resume:
        if not (run / "config.json").is_file():
            raise RunError(f"No run to resume in {run}. Start it without --resume.")
        if load_config(run) != config:  # by value: newer settings have their defaults
            raise RunError(f"{run} was started with other settings; resume it with the ones in its config.json.")
        return
    check_free(run)
    run.mkdir(parents=True, exist_ok=True)
    write_json(run / "config.json", config.to_dict())


def load_config(run: Path) -> TrainConfig:
    """The config a run was started with. Raises RunError for a folder that is no run, or with removed settings."""
    try:
        saved = json.loads((run / "config.json").read_text())
        return make_config(saved["architecture"], saved)
    except ConfigError as error:
        remedy = "Go on with the version that began it, or start a new run."
        raise RunError(f"The run {run} does not fit this version of Pneumo: {error} {remedy}") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunError(f"{run} is no training run: its config.json cannot be read.") from error


def history(run: Path) -> list[dict[str, Any]]:
    """One dict per epoch: epoch, loss, accuracy, auc, val_loss, val_accuracy, val_auc, learning_rate, seconds."""
    path = run / "history.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.is_file() else []


def best_epoch(lines: Sequence[Mapping[str, Any]]) -> int:
    """The first epoch with the lowest validation loss; 0 for an empty history."""
    return min(lines, key=lambda line: line["val_loss"])["epoch"] if lines else 0


def commit_epoch(run: Path, line: dict[str, Any]) -> None:
    """Commit an epoch after last-N.keras, and best-N.keras if best, were saved."""
    draft = run / "history.jsonl.draft"
    draft.write_text("".join(json.dumps(entry) + "\n" for entry in [*history(run), line]), encoding="utf-8")
    draft.replace(run / "history.jsonl")
    settle(run)


def settle(run: Path) -> None:
    """Keep only the checkpoints of committed epochs, so that a kill at any time leaves a consistent run."""
    lines = history(run)
    pending = run / f"best-{best_epoch(lines)}.keras"
    if pending.exists():
        pending.replace(run / "best.keras")
    keep = {"best.keras", f"last-{len(lines)}.keras"}
    for path in run.glob("*.keras"):
        if path.name not in keep:
            path.unlink()


def source(run: Path) -> dict[str, Any]:
    """source.json: data, manifest_sha256, seed, versions, commit, device, started; empty for a run that never started."""
    path = run / "source.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
