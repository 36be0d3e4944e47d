"""A run as the Train page shows it, in words. No streamlit here, for the tests."""

import json
import math
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pneumo.errors import PneumoError
from pneumo.training.config import TrainConfig
from pneumo.training.estimate import Estimate
from pneumo.training.runfolder import LIVE, LOADING, RunStatus, best_epoch, history, list_runs, load_config, read_status, source

_SHOWN = ("started", "data", "manifest_sha256", "seed", "commit", "backend", "device", "mixed_precision")
_SOURCE = {name: name.replace("_", " ").capitalize() for name in _SHOWN} | {"manifest_sha256": "Split, SHA-256"}
PREPARED = "New data is read once; the lungs are found in every run, in about a minute for 5,000 images."


@dataclass(frozen=True)
class RunView:
    """A run folder, as read at one moment."""

    path: Path
    status: RunStatus
    config: TrainConfig | None  # None: config.json cannot be read
    lines: list[dict[str, Any]]  # the history, a dict an epoch

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def is_live(self) -> bool:
        """Whether it trains, or its process is being started."""
        return self.status.state in LIVE or (self.status.state == "queued" and bool(self.status.phase))

    @property
    def is_past(self) -> bool:
        return not self.is_live and self.status.state != "queued"

    @property
    def architecture(self) -> str:
        return self.config.architecture if self.config else "unknown"

    @property
    def best_line(self) -> dict[str, Any]:
        """The history line of the epoch that is kept; empty before the first."""
        best = best_epoch(self.lines)
        return next((line for line in self.lines if line["epoch"] == best), {})

    @property
    def seconds(self) -> float:
        """Training time of the epochs that count."""
        return float(sum(line["seconds"] for line in self.lines))


def run_views(runs: Path) -> list[RunView]:
    """Every run below `runs`, newest first; a folder that cannot be read is a failed run with the error."""
    return [_view(path) for path in list_runs(runs)]


def _view(path: Path) -> RunView:
    try:
        status = read_status(path)
    except PneumoError as error:
        status = RunStatus("failed", str(error))
    try:
        config = load_config(path)
    except PneumoError:
        config = None
    try:
        lines = history(path)
    except (OSError, ValueError):  # the folder is being removed or was edited by hand
        lines = []
    return RunView(path, status, config, lines)


def train_command(config: TrainConfig, data: Path | str, output: Path | str) -> str:
    """The command line of the same run."""
    return shlex.join(["python", "-m", "pneumo", "train", *config.command, "--data", str(data), "--output", str(output)])


def repeat_command(view: RunView, data: Path) -> str:
    """The command that repeats this run beside it, on its own data (`data` if that is not recorded)."""
    assert view.config is not None, "expected a run whose settings can be read"
    return train_command(view.config, _source(view).get("data", data), f"{view.path}-again")


def place(view: RunView) -> str:
    """Where a live run is, in one line."""
    status = view.status
    if status.state != "running":
        return f"Starting: {status.phase or LOADING}. {PREPARED}"
    words = f"Epoch {min(status.epoch + 1, status.epochs)} of {status.epochs}, batch {status.batch} of {status.batches}"
    return words + (f"; {rough(status.seconds_left)} left" if status.seconds_left is not None else "")


def shares(status: RunStatus) -> tuple[float, float]:
    """(share of the run done, share of the current epoch done), both 0 to 1."""
    batch = status.batch / status.batches if status.batches else 0.0
    whole = (status.epoch + batch) / status.epochs if status.epochs else 0.0
    return min(whole, 1.0), min(batch, 1.0)


def rough(seconds: float) -> str:
    """A duration without false precision."""
    if seconds < 60:
        return "less than a minute"
    if seconds < 100 * 60:
        minutes = round(seconds / 60)
        return f"about {minutes} minute{'s' if minutes > 1 else ''}"
    return f"about {seconds / 3600:.1f} hours"


def duration(seconds: float) -> str:
    """12 s, 3 min, 1 h 05 min."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"


def estimate_sentence(estimate: Estimate | None) -> str:
    if estimate is None:
        return "The time is not known: nothing similar was trained here or measured before."
    return f"Takes {estimate.words}, judging by {estimate.basis}. Reading new data for the first time comes on top."


def figure(value: float | None) -> str:
    return "none" if value is None or not math.isfinite(value) else f"{value:.3f}"


def facts(view: RunView) -> list[tuple[str, str]]:
    """(label, text) of the run's settings, source and result."""
    origin, best = _source(view), view.best_line
    rows = [("State", view.status.state), ("Architecture", view.architecture)]
    if view.config:
        rows.append(("Epochs", f"{len(view.lines)} of {view.config.epochs}"))
    if best:
        auc, accuracy = (figure(best.get(name)) for name in ("val_auc", "val_accuracy"))
        kept = f"epoch {best['epoch']}: validation loss {figure(best['val_loss'])}, AUC {auc}, accuracy {accuracy}"
        rows += [("Kept", kept), ("Duration", duration(view.seconds))]
    rows += [(title, _plain(origin[key])) for key, title in _SOURCE.items() if key in origin]
    if origin.get("versions"):
        rows.append(("Versions", ", ".join(f"{name} {version}" for name, version in origin["versions"].items())))
    return rows


def free_name(stem: str, taken: Path) -> str:
    """`stem`-1, or the first number that no folder below `taken` has."""
    return next(name for number in range(1, 10**6) if not (taken / (name := f"{stem}-{number}")).exists())


def _source(view: RunView) -> dict[str, Any]:
    try:
        return source(view.path)
    except (OSError, json.JSONDecodeError):
        return {}


def _plain(value: Any) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
