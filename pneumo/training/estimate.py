"""Estimate a run's duration from an earlier run or from measured speeds."""

import json
from dataclasses import dataclass
from pathlib import Path

from pneumo.data.split import SPLIT, read_manifest
from pneumo.errors import PneumoError
from pneumo.labels import Label
from pneumo.training.config import TrainConfig
from pneumo.training.runfolder import history, list_runs, load_config, read_status

START_UP = 30.0  # seconds: loading Keras, dividing the data, building the network
LUNGS = 56.0  # images a second whose lungs are found before the first epoch; 18 ms each on one core
_HELD = 1.25  # validation images, each twice, beside the train images
_SPEEDS = Path(__file__).with_name("speeds.json")
_SHORTER, _LONGER = 0.75, 1.4  # range around the estimate: machines are shared, and the first epoch is slower
_MINUTES = (1, 2, 3, 5, 8, 10, 15, 20, 25, 30, 40, 50, 60, 75, 90, 120)
_HOURS = (1, 1.5, 2, 3, 4, 6, 8, 12, 18, 24, 36, 48, 72, 96, 120, 168)


@dataclass(frozen=True)
class Estimate:
    """Expected seconds, and the basis of the estimate as the end of a sentence."""

    seconds: float
    basis: str

    @property
    def words(self) -> str:
        """The time as a range, such as "about 20 to 40 minutes"."""
        return in_words(self.seconds)


def images_an_epoch(config: TrainConfig, normal: int, pneumonia: int) -> int:
    """Images per epoch for a train part with these counts; more with balance "replicate"."""
    return 2 * max(normal, pneumonia) if config.balance == "replicate" else normal + pneumonia


def estimate_seconds(config: TrainConfig, images: int, runs: Path, speeds: Path = _SPEEDS) -> Estimate | None:
    """Estimate a run with `images` images per epoch, all epochs; None without a basis."""
    stages = {"head": config.head_epochs, "tune": config.epochs - config.head_epochs}
    for known in (_from_runs(config, runs), _from_speeds(config, speeds)):
        if known and all(known[0].get(stage) for stage, epochs in stages.items() if epochs):
            rates, basis = known
            epochs_take = sum(epochs * images / rates[stage] for stage, epochs in stages.items() if epochs)
            return Estimate(preparation(config, images) + epochs_take, basis)
    return None


def preparation(config: TrainConfig, images: int) -> float:
    """Seconds before the first epoch, without reading images that were never read before."""
    return START_UP + (_HELD * images / LUNGS if config.lung_centred or config.hidden else 0.0)


def _from_runs(config: TrainConfig, runs: Path) -> tuple[dict[str, float], str] | None:
    """Images a second, by stage, of the newest finished run of the same architecture, size and network settings."""
    for run in list_runs(runs):
        try:
            old = load_config(run)
            same = (old.architecture, old.size, old.network) == (config.architecture, config.size, config.network)
            if not same or read_status(run).state != "finished":
                continue
            labels = [row["label"] for row in read_manifest(run / SPLIT) if row["part"] == "train"]
        except PneumoError:
            continue
        images = images_an_epoch(old, labels.count(Label.NORMAL), labels.count(Label.PNEUMONIA))
        rates = {}
        for stage, lines in (("head", history(run)[: old.head_epochs]), ("tune", history(run)[old.head_epochs :])):
            if seconds := sum(line["seconds"] for line in lines):
                rates[stage] = images * len(lines) / seconds
        return rates, f"the run {run.name}, made here with the same network"
    return None


def _from_speeds(config: TrainConfig, speeds: Path) -> tuple[dict[str, float], str] | None:
    """Measured images a second, by stage, scaled with the image's area."""
    try:
        measured = json.loads(speeds.read_text(encoding="utf-8"))
        entry = measured["images_per_second"][config.architecture]
        scale = (entry["size"] / config.size) ** 2
        rates = {stage: entry[stage] * scale for stage in ("head", "tune") if entry.get(stage)}
        return rates, f"speeds measured on another machine ({measured['machine']})"
    except (OSError, ValueError, KeyError, TypeError):
        return None


def in_words(seconds: float) -> str:
    """A range of round numbers around `seconds`, in minutes or hours."""
    if seconds * _LONGER <= 60:
        return "less than a minute"
    if seconds <= 75 * 60:
        low, high = _around(seconds / 60, _MINUTES)
        return f"about {low} to {high} minutes" if low else f"up to {high} minutes"
    low, high = _around(seconds / 3600, _HOURS)
    return f"about {low:g} to {high:g} hours" if high else "more than a week"


def _around(value: float, steps: tuple[float, ...]) -> tuple[float, float]:
    """The round numbers next below and above the range of `value`; 0 where there is none."""
    low = max((step for step in steps if step <= value * _SHORTER), default=0)
    return low, min((step for step in steps if step >= value * _LONGER), default=0)
