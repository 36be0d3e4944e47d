"""The stored evaluation of a model, read and checked; nothing is computed from images."""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from pneumo.errors import ModelError
from pneumo.evaluation.cautions import MODELS, CautionRate
from pneumo.evaluation.likelihood import stated_prevalence
from pneumo.evaluation.metrics import confusion_matrix
from pneumo.evaluation.operating_point import BALANCED
from pneumo.evaluation.predictions import Predictions
from pneumo.registry.model_folder import ModelFolder, predictions_file
from pneumo.registry.models import ModelCard, read_card
from pneumo.registry.voting import voters

FIGURES = ("auc", "accuracy", "sensitivity", "specificity", "precision", "recall", "f1")
_FIRST = ("test", "validation")  # the order on the page


@dataclass(frozen=True)
class Evaluated:
    """One model on one split. `metrics`: the split's entry of metrics.json; `problems`: what is missing or inconsistent."""

    card: ModelCard
    split: str
    metrics: dict[str, Any] | None
    predictions: Predictions | None
    problems: tuple[str, ...]

    @property
    def both_classes(self) -> bool:
        return self.predictions is not None and len(set(self.predictions.labels.tolist())) == 2

    @property
    def points(self) -> dict[str, float]:
        """The model's operating points as probabilities at the split's own prevalence, on the scale of the predictions."""
        return self.card.points_at(self.prevalence)

    @property
    def prevalence(self) -> float:
        if self.predictions is None or not self.both_classes:
            return stated_prevalence()
        return float(self.predictions.labels.mean())

    def figures(self, point: str) -> dict[str, Any] | None:
        """The stored figures {name: {value, low, high}} at an operating point; None if there are none."""
        return self.metrics["operating_points"].get(point) if self.metrics else None


def splits_of(model: str, root: Path | None = None) -> tuple[str, ...]:
    """The splits with stored results, test first. A damaged metrics.json names none; `read_evaluated` reports it."""
    folder = ModelFolder.of(model, root)
    names = {path.stem.removeprefix("predictions-") for path in folder.path.glob(predictions_file("*"))}
    with contextlib.suppress(ModelError):
        names |= set(_summaries(folder))
    return tuple(sorted(names, key=lambda name: (_FIRST.index(name) if name in _FIRST else len(_FIRST), name)))


def read_evaluated(model: str, split: str, root: Path | None = None) -> Evaluated:
    """Raises ModelError for a card that cannot be read; every other fault becomes an entry of `problems`."""
    card, folder = read_card(model, root), ModelFolder.of(model, root)
    again = f"Create it again: python -m pneumo evaluate {model} --split {split} --data FOLDER."
    metrics, predictions, problems = None, None, []
    try:
        metrics = _summaries(folder).get(split)
        if metrics is None:
            problems.append(f"metrics.json has no figures of the split {split}. {again}")
    except ModelError as error:
        problems.append(f"{error} {again}")
    name = predictions_file(split)
    try:
        predictions = folder.predictions(split)
        if not np.all((predictions.probabilities >= 0) & (predictions.probabilities <= 1)):  # false for NaN too
            raise ModelError(f"{name} is damaged: expected probabilities from 0 to 1.")
    except ModelError as error:
        predictions = None
        stored = (folder.path / name).is_file()
        problems.append(f"{error} The curves need it. {again}" if stored else f"{name} is not stored. {again}")
    evaluated = Evaluated(card, split, metrics, predictions, tuple(problems))
    if metrics and predictions:
        counts = confusion_matrix(predictions.labels, predictions.probabilities, evaluated.points[BALANCED]).tolist()
        if counts != metrics["confusion_matrix"]:
            problems.append(f"metrics.json and {name} do not belong together: their counts differ. {again}")
    return replace(evaluated, problems=tuple(problems))


def read_cautions(model: str, root: Path | None = None) -> Mapping[str, CautionRate]:
    """cautions.json by name; empty if not stored, measured with other weights, or damaged (Metrics reports that).

    The caution about disagreeing models is left out if it was measured with other models than vote here.
    """
    with contextlib.suppress(ModelError):
        stored = ModelFolder.of(model, root).cautions()
        if stored is not None and stored.model_sha256 == read_card(model, root).sha256:
            same = stored.others == _weights_of_others(model, root)
            return {name: rate for name, rate in stored.rates.items() if same or name != MODELS}
    return {}


def _weights_of_others(model: str, root: Path | None) -> dict[str, str]:
    weights = {}
    for other in voters(root).others(model):
        with contextlib.suppress(ModelError):  # a model that cannot be read gives no vote
            weights[other] = read_card(other, root).sha256
    return weights


def _summaries(folder: ModelFolder) -> dict[str, Any]:
    """By split. Raises ModelError."""
    metrics = folder.metrics()
    if not all(_is_summary(summary) for summary in metrics.values()):
        raise ModelError("metrics.json does not fit this version of Pneumo.")
    return metrics


def _is_summary(summary: Any) -> bool:
    try:
        points = [summary, *summary["operating_points"].values()]
        return {"n", "patients", "brier", "ece", "confusion_matrix"} <= set(summary) and all(
            set(point[name]) == {"value", "low", "high"} for point in points for name in FIGURES
        )
    except (TypeError, KeyError, AttributeError):
        return False
