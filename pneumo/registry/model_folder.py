"""The files of a model folder, models/<id>/: their names, and readers that trust only what the folder's manifest lists."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pneumo.data.split import SPLIT, parse_manifest
from pneumo.errors import DataError, ModelError
from pneumo.evaluation.cautions import CautionRate
from pneumo.evaluation.gate_figures import GateFigures
from pneumo.evaluation.predictions import Predictions, parse_predictions
from pneumo.files import write_json
from pneumo.paths import models_dir
from pneumo.registry.seal import read_seal, reseal, sealed_file

CARD = "card.json"
WEIGHTS, GRAPH = "model.keras", "model.onnx"  # the graph reads its weights from the Keras file
REFERENCE = "reference.npz"  # of the gate, which needs it to refuse photographs
METRICS, HISTORY = "metrics.json", "history.json"
ROBUSTNESS, GATE, CAUTIONS = "robustness.json", "gate.json", "cautions.json"
README = "README.md"
_T = TypeVar("_T")
CALIBRATION = "calibration"  # the part whose predictions set calibration and cuts, perturbed copies included


def predictions_file(split: str) -> str:
    """The name of the file with the network's logits for a split or part."""
    return f"predictions-{split}.csv"


@dataclass(frozen=True)
class StoredCautions:
    """cautions.json, and the weights (SHA-256) of the model and the other models it was measured with."""

    rates: Mapping[str, CautionRate]
    model_sha256: str
    others: Mapping[str, str]

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> "StoredCautions":
        rates = {name: CautionRate.from_dict(rate) for name, rate in stored["cautions"].items()}
        return cls(rates, stored["model_sha256"], dict(stored["others"]))


@dataclass(frozen=True)
class ModelFolder:
    """One registered model's folder. Each reader raises ModelError for a file that is altered, damaged or of another version."""

    model: str
    root: Path

    @classmethod
    def of(cls, model: str, root: Path | None = None) -> "ModelFolder":
        """Raises ModelError where there is no such model."""
        root = root or models_dir()
        if model not in list_models(root):
            raise ModelError(f"No model {model!r} in {root}; the models there: {', '.join(list_models(root)) or 'none'}.")
        return cls(model, root)

    @property
    def path(self) -> Path:
        return self.root / self.model

    @property
    def subject(self) -> str:
        """The beginning of messages about the model."""
        return f"Model {self.model!r}"

    def holds(self, name: str) -> bool:
        """Whether the manifest lists the file. Raises ModelError if the manifest was altered."""
        return name in read_seal(self.path, self.subject).files

    def read(self, name: str) -> bytes:
        """The bytes of a file, verified against the manifest. Raises ModelError."""
        return sealed_file(self.path, name, self.subject)

    def metrics(self) -> dict[str, Any]:
        """metrics.json, a summary for each split; empty if the model has not been evaluated."""
        return self._object(METRICS) or {}

    def history(self) -> list[dict[str, Any]]:
        """history.json, a dict for each epoch; empty if it is not stored."""
        lines = self._json(HISTORY)
        lines = [] if lines is None else lines
        if not isinstance(lines, list) or not all(isinstance(line, dict) and isinstance(line.get("epoch"), int) for line in lines):
            raise ModelError(f"{HISTORY} of model {self.model} is no history: expected a list with an object for each epoch.")
        return lines

    def robustness(self) -> dict[str, Any] | None:
        return self._object(ROBUSTNESS)

    def gate(self) -> GateFigures | None:
        return self._converted(GATE, GateFigures.from_dict)

    def cautions(self) -> StoredCautions | None:
        return self._converted(CAUTIONS, StoredCautions.from_dict)

    def predictions(self, split: str) -> Predictions:
        """Of a split or part. Raises ModelError, also if there are none."""
        return self._table(predictions_file(split), parse_predictions)

    def split_rows(self) -> list[dict[str, str]]:
        """split.csv, a row for each image."""
        return self._table(SPLIT, parse_manifest)

    def _table(self, name: str, parse: Callable[[bytes, str], _T]) -> _T:
        try:
            return parse(self.read(name), name)
        except DataError as error:
            raise ModelError(str(error)) from error

    def _json(self, name: str) -> Any:
        """None where it is not stored."""
        try:
            return json.loads(self.read(name)) if self.holds(name) else None
        except (ValueError, RecursionError) as error:
            raise ModelError(f"{name} of model {self.model!r} is damaged: it is not JSON. Restore it.") from error

    def _object(self, name: str) -> dict[str, Any] | None:
        stored = self._json(name)
        if stored is not None and not isinstance(stored, dict):
            raise ModelError(f"{name} of model {self.model} does not fit: expected one JSON object.")
        return stored

    def _converted(self, name: str, from_dict: Callable[[dict[str, Any]], _T]) -> _T | None:
        stored = self._object(name)
        try:
            return None if stored is None else from_dict(stored)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            unfit = f"{name} of model {self.model} does not fit this version of Pneumo ({error!r}). Make it anew."
            raise ModelError(unfit) from error


def store(folder: Path, name: str, value: Any) -> None:
    """Write a JSON file into a model's folder, or into any other, and list it in the manifest if there is one."""
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / name, value)
    reseal(folder, (name,))


def list_models(root: Path | None = None) -> list[str]:
    """Ids of the folders that contain a card, in alphabetical order."""
    root = root or models_dir()
    return sorted(path.parent.name for path in root.glob(f"*/{CARD}"))
