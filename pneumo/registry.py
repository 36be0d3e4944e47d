"""models/<id>/: read, list and verify. A folder whose hashes do not fit gives no answers."""

import dataclasses
import hashlib
import json
import logging
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import logit

from pneumo.data.split import read_manifest
from pneumo.errors import ModelError, PneumoError
from pneumo.evaluation.calibration import Calibration
from pneumo.evaluation.likelihood import posterior, stated_prevalence
from pneumo.imaging.preprocess import VERSION, InputSpec

log = logging.getLogger(__name__)

CLASSES = ("NORMAL", "PNEUMONIA")
CARD_VERSION = 2  # 1: its calibration held the share of sick children, its cuts were probabilities
WEIGHTS, GRAPH = "model.keras", "model.onnx"  # the graph's weights lie where Keras wrote them


@dataclass(frozen=True)
class ModelCard:
    """card.json: everything needed to repeat an answer."""

    id: str
    architecture: str
    classes: tuple[str, ...]
    input: InputSpec
    preprocessing: str  # imaging.preprocess.VERSION at training
    calibration: Calibration
    cuts: dict[str, float]  # by operating point, of the log likelihood ratio
    heatmap_scale: float  # Grad-CAM value drawn as full heat
    heatmap_centres: tuple[float, float]  # of its first and last cell, fractions of the network's input
    selection_loss: float  # of predictions-calibration.csv, both classes weighing the same; the lowest is the default
    training: dict[str, Any]  # the run's config
    epochs_run: int
    best_epoch: int
    manifest_sha256: str  # of split.csv
    data: str
    versions: dict[str, str]
    commit: str
    created: str
    files: dict[str, str]  # name -> SHA-256 of what serving reads
    card_version: int = CARD_VERSION
    subtype_calibration: Calibration | None = None  # bacterial against viral; None: the model does not tell them apart
    segmenter_sha256: str | None = None  # of models/lungs/lungs.onnx, where the model is lung-centred
    mirrored: bool = False  # answers are the mean of the image and its mirror image (logits)

    @property
    def sha256(self) -> str:
        """The model's name for the record: the hash of its weights."""
        return self.files[WEIGHTS]

    @property
    def operating_points(self) -> dict[str, float]:
        """The cuts as probabilities at the stated prevalence, on the scale of an answer's probability."""
        return self.points_at(stated_prevalence())

    def points_at(self, prevalence: float) -> dict[str, float]:
        """The cuts as probabilities where `prevalence` (between 0 and 1) of the children are sick."""
        return {name: float(posterior(cut, prevalence)) for name, cut in self.cuts.items()}

    def probability(self, logits: np.ndarray | float) -> np.ndarray:
        """Probability of pneumonia at the stated prevalence, float64, same shape as the network's `logits`."""
        return posterior(self.calibration.log_ratio(logits), stated_prevalence())


def models_dir() -> Path:
    return Path(os.environ.get("PNEUMO_MODELS_DIR", "models"))


def list_models(root: Path | None = None) -> list[str]:
    """Ids of the folders that hold a card, alphabetical."""
    root = root or models_dir()
    return sorted(path.parent.name for path in root.glob("*/card.json"))


def read_card(model: str, root: Path | None = None) -> ModelCard:
    """Raises ModelError naming what is missing, unknown or made for another version."""
    path = (root or models_dir()) / model / "card.json"
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        known = ", ".join(list_models(root)) or "none"
        raise ModelError(f"No model {model!r} in {path.parent.parent}; the models there: {known}.") from error
    except ValueError as error:
        raise ModelError(f"The card of model {model!r} is damaged. Restore models/{model}/card.json.") from error
    if isinstance(fields, dict) and fields.get("card_version") == 1:
        fields = _from_first_version(fields, path.parent)
    if odd := _odd_fields(fields):
        raise ModelError(
            f"The card of model {model!r} does not fit this version of Pneumo: {', '.join(odd)}. Promote the run again."
        )
    try:
        card = _card(fields)
    except (TypeError, ValueError, LookupError, AttributeError) as error:
        raise ModelError(f"The card of model {model!r} is damaged. Restore models/{model}/card.json.") from error
    for what, expected, received in (
        ("id", model, card.id),
        ("classes", CLASSES, card.classes),
        ("preprocessing", VERSION, card.preprocessing),
        ("card version", CARD_VERSION, card.card_version),
    ):
        if expected != received:
            raise ModelError(f"Model {model!r}: {what} is {received!r}, expected {expected!r}. Promote the run again.")
    for name in (WEIGHTS, GRAPH):
        if name not in card.files:
            raise ModelError(f"Model {model!r}: its card has no hash of {name}, so it cannot be verified. Restore the card.")
    return card


def _card(fields: dict[str, Any]) -> ModelCard:
    subtype = fields.get("subtype_calibration")
    return ModelCard(**{
        **fields, "input": InputSpec(**fields["input"]), "calibration": Calibration(**fields["calibration"]),
        "classes": tuple(fields["classes"]), "heatmap_centres": tuple(map(float, fields["heatmap_centres"])),
        "subtype_calibration": Calibration(**subtype) if subtype else None,
        "cuts": {name: float(cut) for name, cut in fields["cuts"].items()}, "files": dict(fields["files"]),
        "selection_loss": float(fields["selection_loss"]),
    })  # fmt: skip


def _from_first_version(fields: dict[str, Any], folder: Path) -> dict[str, Any]:
    """A card of version 1 as one of today: its log odds less those of its calibration part are log likelihood ratios."""
    try:
        parts = [row["label"] == CLASSES[1] for row in read_manifest(folder / "split.csv") if row["part"] == "calibration"]
        before = float(logit(sum(parts) / len(parts)))
        calibration, points = fields["calibration"], fields["operating_points"]
        cuts = {name: float(logit(point)) - before for name, point in points.items()}
        newer = {"calibration": {**calibration, "bias": calibration["bias"] - before}, "cuts": cuts, "card_version": CARD_VERSION}
    except (PneumoError, TypeError, KeyError, AttributeError, ZeroDivisionError):
        return fields  # what is wrong with it is told where cards are checked
    return {**{name: value for name, value in fields.items() if name != "operating_points"}, **newer}


def _odd_fields(fields: Any) -> list[str]:
    """What a card lacks or has too much. A field with a default may be absent: the card is older than the field."""
    if not isinstance(fields, dict):
        return ["no object"]
    known = dataclasses.fields(ModelCard)
    missing = {field.name for field in known if field.default is dataclasses.MISSING} - set(fields)
    return sorted(missing | (set(fields) - {field.name for field in known}))


def write_card(card: ModelCard, folder: Path) -> None:
    text = json.dumps(dataclasses.asdict(card), indent=2) + "\n"
    (folder / "card.json").write_text(text, encoding="utf-8")


def verified(model: str, root: Path | None = None) -> tuple[ModelCard, dict[str, bytes]]:
    """The card and the files that serving reads, by name, after every file was found with the hash the card gives.

    The very bytes that were hashed are given out, so that a file exchanged a moment later answers nothing. Raises ModelError;
    no answer may be given by a model that does not pass here.
    """
    card = read_card(model, root)
    folder = (root or models_dir()) / model
    contents: dict[str, bytes] = {}
    for name, expected in card.files.items():
        path = folder / name
        if not path.is_file():
            raise ModelError(f"Model {model!r} is incomplete: {name} is missing. Restore it; no answer is given without it.")
        try:
            contents[name] = path.read_bytes()
        except OSError as error:
            raise ModelError(f"Model {model!r}: {name} cannot be read ({error.strerror}). Restore it.") from error
        if hashlib.sha256(contents[name]).hexdigest() != expected:
            raise ModelError(f"Model {model!r} does not verify: {name} was altered. Restore it; no answer is given from it.")
    return card, contents


def default_model(root: Path | None = None) -> str:
    """The model with the lowest log loss on the calibration part (test has no say). Raises ModelError when there is none."""
    cards, refused = [], 0
    for model in list_models(root):
        try:
            cards.append(read_card(model, root))
        except ModelError as error:
            refused += 1
            log.warning("%s", error)  # it must not hide the others, nor be passed over in silence
    if not cards:
        raise ModelError(f"No usable model in {root or models_dir()}. Restore the folder, or train and promote one.")
    best = best_of(cards)
    if refused:
        log.warning("The default is now %s, the best of the others.", best)
    return best


def best_of(cards: Iterable[ModelCard]) -> str:
    return min(cards, key=lambda card: card.selection_loss).id


def read_metrics(model: str, root: Path | None = None) -> dict[str, Any]:
    """metrics.json, one key a split; empty when the model was not evaluated yet."""
    path = (root or models_dir()) / model / "metrics.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
