"""The stored evaluation of a model, read and checked; nothing is computed from images."""

import contextlib
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from pneumo.errors import DataError, ModelError
from pneumo.evaluation.cautions import FILE as CAUTIONS
from pneumo.evaluation.cautions import MODELS, CautionRate
from pneumo.evaluation.likelihood import stated_prevalence
from pneumo.evaluation.metrics import confusion_matrix
from pneumo.evaluation.operating_point import BALANCED
from pneumo.evaluation.predictions import Predictions, read_predictions
from pneumo.paths import models_dir
from pneumo.registry.model_folder import list_models
from pneumo.registry.models import ModelCard, is_stored, read_card, read_stored

OLD_GATE_INTERVALS = "Wilson's method, each picture for itself, which is too narrow"  # for a gate.json without "intervals"
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
    folder = (root or models_dir()) / model
    names = {path.stem.removeprefix("predictions-") for path in folder.glob("predictions-*.csv")}
    with contextlib.suppress(DataError):
        names |= set(_all_metrics(model, root))
    return tuple(sorted(names, key=lambda name: (_FIRST.index(name) if name in _FIRST else len(_FIRST), name)))


def read_evaluated(model: str, split: str, root: Path | None = None) -> Evaluated:
    """Raises ModelError for a card that cannot be read; every other fault becomes an entry of `problems`."""
    card, folder = read_card(model, root), (root or models_dir()) / model
    again = f"Create it again: python -m pneumo evaluate {model} --split {split} --data FOLDER."
    metrics, predictions, problems = None, None, []
    try:
        metrics = _all_metrics(model, root).get(split)
        if metrics is None:
            problems.append(f"metrics.json has no figures of the split {split}. {again}")
    except DataError as error:
        problems.append(f"{error} {again}")
    path = folder / f"predictions-{split}.csv"
    try:
        _check_seal(model, path.name, root)
        predictions = read_predictions(path)
        _check_range(predictions, path)
    except DataError as error:
        predictions = None
        problems.append(f"{error} The curves need it. {again}" if path.is_file() else f"{path.name} is not stored. {again}")
    evaluated = Evaluated(card, split, metrics, predictions, tuple(problems))
    if metrics and predictions and not _belong_together(metrics, predictions, evaluated.points[BALANCED]):
        problems.append(f"metrics.json and {path.name} do not belong together: their counts differ. {again}")
    return replace(evaluated, problems=tuple(problems))


def read_history(model: str, root: Path | None = None) -> list[dict[str, Any]]:
    """history.json, one dict per epoch; empty if not stored. Raises DataError."""
    name = "history.json"
    lines = _json(model, name, root, absent=[])
    if not isinstance(lines, list) or not all(isinstance(line, dict) and isinstance(line.get("epoch"), int) for line in lines):
        raise DataError(f"{name} of model {model} is no history: expected a list with an object for each epoch.")
    return lines


def read_robustness(model: str, root: Path | None = None) -> dict[str, Any] | None:
    """robustness.json; None if not stored. Raises DataError."""
    return _object(model, "robustness.json", root)


def read_gate(model: str, root: Path | None = None) -> dict[str, Any] | None:
    """gate.json; None if not stored. Raises DataError."""
    return _object(model, "gate.json", root)


def read_cautions(model: str, root: Path | None = None) -> dict[str, CautionRate]:
    """cautions.json by name; empty if not stored, or measured with other weights.

    The caution about disagreeing models is left out if it was measured with other models than are here. Raises DataError.
    """
    stored = _object(model, CAUTIONS, root)
    if stored is None:
        return {}
    try:
        rates = {name: CautionRate.from_dict(each) for name, each in stored["cautions"].items()}
        measured, weights = dict(stored["others"]), stored["model_sha256"]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(f"{CAUTIONS} of model {model} does not fit: {error!r}. Run python -m pneumo cautions.") from error
    if weights != read_card(model, root).sha256:
        return {}
    if measured != _weights_of_others(model, root):
        rates.pop(MODELS, None)
    return rates


def _weights_of_others(model: str, root: Path | None) -> dict[str, str]:
    weights = {}
    for other in list_models(root):
        with contextlib.suppress(ModelError):  # a model that cannot be read gives no vote
            if other != model:
                weights[other] = read_card(other, root).sha256
    return weights


def _object(model: str, name: str, root: Path | None) -> dict[str, Any] | None:
    content = _json(model, name, root, absent=None)
    if content is not None and not isinstance(content, dict):
        raise DataError(f"{name} of model {model} does not fit: expected one JSON object.")
    return content


def _all_metrics(model: str, root: Path | None) -> dict[str, Any]:
    metrics = _json(model, "metrics.json", root, absent={})
    if not isinstance(metrics, dict) or not all(_is_summary(each) for each in metrics.values()):
        raise DataError("metrics.json does not fit this version of Pneumo.")
    return metrics


def _is_summary(summary: Any) -> bool:
    try:
        points = [summary, *summary["operating_points"].values()]
        return {"n", "patients", "brier", "ece", "confusion_matrix"} <= set(summary) and all(
            set(point[name]) == {"value", "low", "high"} for point in points for name in FIGURES
        )
    except (TypeError, KeyError, AttributeError):
        return False


def _json(model: str, name: str, root: Path | None, absent: Any) -> Any:
    """The file's JSON, or `absent` if not stored. Raises DataError, also if the file differs from the folder's manifest."""
    try:
        return json.loads(read_stored(model, name, root)) if is_stored(model, name, root) else absent
    except ModelError as error:
        raise DataError(str(error)) from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"{name} cannot be read as JSON.") from error


def _check_seal(model: str, name: str, root: Path | None) -> None:
    try:
        read_stored(model, name, root)
    except ModelError as error:
        raise DataError(str(error)) from error


def _check_range(predictions: Predictions, path: Path) -> None:
    if not np.all((predictions.probabilities >= 0) & (predictions.probabilities <= 1)):  # false for NaN too
        raise DataError(f"{path.name} is damaged: expected probabilities from 0 to 1.")


def _belong_together(metrics: dict[str, Any], predictions: Predictions, threshold: float) -> bool:
    counts = confusion_matrix(predictions.labels, predictions.probabilities, threshold).tolist()
    return bool(counts == metrics["confusion_matrix"])
