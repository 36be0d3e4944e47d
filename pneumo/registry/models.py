"""models/<id>/: read, list and verify. A folder that its seal does not fit gives no answers, and none of its files is believed."""

import dataclasses
import hashlib
import json
import logging
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
from pneumo.labels import LABELS
from pneumo.paths import models_dir
from pneumo.registry.acts import active_model, read_acts
from pneumo.registry.card_checks import odd_values
from pneumo.registry.seal import Seal, read_seal, reseal, sealed_file, sealed_files

log = logging.getLogger(__name__)

CARD_VERSION = 2  # 1: its calibration held the share of sick children, its cuts were probabilities
CARD, METRICS = "card.json", "metrics.json"
CALIBRATION = "predictions-calibration.csv"  # what the network said of the calibration part and its disturbed copies
WEIGHTS, GRAPH = "model.keras", "model.onnx"  # the graph's weights lie where Keras wrote them
REFERENCE = "reference.npz"  # without it the gate would let photographs pass
SERVED = (WEIGHTS, GRAPH, REFERENCE)
_ALMOST = 1e-12  # a cut of 0 or 1 has no log odds


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


def list_models(root: Path | None = None) -> list[str]:
    """Ids of the folders that hold a card, alphabetical."""
    root = root or models_dir()
    return sorted(path.parent.name for path in root.glob(f"*/{CARD}"))


def read_card(model: str, root: Path | None = None) -> ModelCard:
    """As the folder's manifest has it. Raises ModelError naming what is missing, unknown, out of range or of another version."""
    folder = _folder(model, root)
    return _complete(_parsed(model, sealed_file(folder, CARD, _whose(model)), folder))


def card_digest(model: str, root: Path | None = None) -> str:
    """SHA-256 of the card as the folder's manifest has it: it names the hashes of all that answers. Raises ModelError."""
    return hashlib.sha256(read_stored(model, CARD, root)).hexdigest()


def read_draft_card(model: str, root: Path | None = None) -> ModelCard:
    """Of a folder that is still being made, or to be sealed: as it lies there, perhaps without a reference. Raises ModelError."""
    folder = _folder(model, root)
    return _parsed(model, _read(folder, CARD), folder)


def check_draft(model: str, root: Path | None = None) -> None:
    """Whether a folder that is yet to be sealed could serve. Raises ModelError."""
    _complete(verified_draft(model, root).card)


def _whose(model: str) -> str:
    """How messages about a model begin."""
    return f"Model {model!r}"


def _folder(model: str, root: Path | None) -> Path:
    root = root or models_dir()
    if model not in list_models(root):
        raise ModelError(f"No model {model!r} in {root}; the models there: {', '.join(list_models(root)) or 'none'}.")
    return root / model


def _parsed(model: str, data: bytes, folder: Path) -> ModelCard:
    damaged = f"The card of model {model!r} is damaged"
    try:
        fields = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{damaged}. Restore models/{model}/card.json.") from error
    odd = odd_values(fields) if isinstance(fields, dict) else []
    if isinstance(fields, dict) and fields.get("card_version") == 1 and not odd:
        fields = _from_first_version(fields, folder)
    if unfit := _odd_fields(fields):
        raise ModelError(
            f"The card of model {model!r} does not fit this version of Pneumo: {', '.join(unfit)}. Promote the run again."
        )
    try:
        card = _card(fields)
    except (TypeError, ValueError, LookupError, AttributeError, OverflowError) as error:
        raise ModelError(f"{damaged}. Restore models/{model}/card.json.") from error
    for what, expected, received in (
        ("id", model, card.id),
        ("classes", LABELS, card.classes),
        ("preprocessing", VERSION, card.preprocessing),
        ("card version", CARD_VERSION, card.card_version),
    ):
        if expected != received:
            raise ModelError(f"Model {model!r}: {what} is {received!r}, expected {expected!r}. Promote the run again.")
    _check_hashes(card, (WEIGHTS, GRAPH))
    if odd:
        raise ModelError(f"{damaged}: {'; '.join(odd)}. Restore models/{model}/card.json.")
    return card


def _complete(card: ModelCard) -> ModelCard:
    _check_hashes(card, SERVED)
    return card


def _check_hashes(card: ModelCard, needed: Iterable[str]) -> None:
    for name in needed:
        if name not in card.files:
            older = f" Of an older model, make it: python -m pneumo gate {card.id} --data DIR --refit." if name == REFERENCE else ""
            lacks = f"Model {card.id!r}: its card has no hash of {name}, so it cannot be verified."
            raise ModelError(f"{lacks} Restore the card.{older}")


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
        parts = [row["label"] == LABELS[1] for row in read_manifest(folder / "split.csv") if row["part"] == "calibration"]
        before = float(logit(sum(parts) / len(parts)))
        calibration, points = fields["calibration"], fields["operating_points"]
        cuts = {name: float(logit(np.clip(point, _ALMOST, 1 - _ALMOST))) - before for name, point in points.items()}
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


def write_card(card: ModelCard, folder: Path, written: Iterable[str] = ()) -> None:
    """`written`: what else was just written into the folder, which the card names; a manifest learns of both."""
    text = json.dumps(dataclasses.asdict(card), indent=2) + "\n"
    (folder / CARD).write_text(text, encoding="utf-8")
    reseal(folder, (CARD, *written))


@dataclass(frozen=True)
class Verified:
    """A model that may serve. The very bytes that were hashed: a file exchanged a moment later answers nothing."""

    card: ModelCard
    files: dict[str, bytes]  # what serving reads, by name
    seal: Seal | None  # None: a draft


def verified(model: str, root: Path | None = None) -> Verified:
    """After every file of the folder was found as its manifest says, and the card's own hashes to fit as well.

    Raises ModelError; no answer may be given by a model that does not pass here.
    """
    folder = _folder(model, root)
    seal, contents = sealed_files(folder, _whose(model))
    card = _complete(_parsed(model, contents.get(CARD, b""), folder))
    return Verified(card, _as_the_card_says(card, contents), seal)


def verified_draft(model: str, root: Path | None = None) -> Verified:
    """By the card's hashes alone; see `read_draft_card`."""
    card, folder = read_draft_card(model, root), _folder(model, root)
    return Verified(card, _as_the_card_says(card, {name: _read(folder, name) for name in card.files}), None)


def _read(folder: Path, name: str) -> bytes:
    try:
        return (folder / name).read_bytes()
    except OSError as error:
        raise ModelError(f"{_whose(folder.name)} is incomplete: {name} cannot be read ({error.strerror}). Restore it.") from error


def _as_the_card_says(card: ModelCard, contents: dict[str, bytes]) -> dict[str, bytes]:
    """Those that the card names, with the hashes it gives. Raises ModelError."""
    for name, expected in card.files.items():
        if name not in contents:
            raise ModelError(f"{_whose(card.id)} is incomplete: {name} is missing. Restore it; no answer is given without it.")
        if hashlib.sha256(contents[name]).hexdigest() != expected:
            raise ModelError(f"{_whose(card.id)} does not verify: {name} was altered. Restore it; no answer is given from it.")
    return {name: contents[name] for name in card.files}


def site_model() -> str | None:
    """The model that the site made its own by an act; None where it never chose.

    Raises ModelError where that model is gone or was changed since: no other one answers in its place in silence. DataError where
    the acts were altered.
    """
    act = active_model(read_acts())
    if act is None:
        return None
    remedy = "Restore it; or choose by an act: pneumo site-model activate ID, or pneumo site-model back."
    if act.subject not in list_models():
        raise ModelError(f"The site's model {act.subject!r} is not in {models_dir()}. {remedy}")
    if card_digest(act.subject) != act.digest:
        raise ModelError(f"The site's model {act.subject!r} was changed since it was made active on {act.time[:10]}. {remedy}")
    return act.subject


def default_model(root: Path | None = None) -> str:
    """The site's own choice; without one, the model with the lowest log loss on the calibration part (test has no say).

    Raises ModelError when there is none, see also `site_model`.
    """
    if root is None and (chosen := site_model()):
        return chosen
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
    """metrics.json, one key a split; empty when the model was not evaluated yet. Raises ModelError where it was altered."""
    if not is_stored(model, METRICS, root):
        return {}
    try:
        found: dict[str, Any] = json.loads(read_stored(model, METRICS, root))
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{METRICS} of model {model!r} is damaged. Restore it.") from error
    return found


def read_stored(model: str, name: str, root: Path | None = None) -> bytes:
    """A file of the folder, as its manifest has it. Raises ModelError."""
    return sealed_file(_folder(model, root), name, _whose(model))


def is_stored(model: str, name: str, root: Path | None = None) -> bool:
    """Whether the folder's manifest names it. Raises ModelError."""
    return name in read_seal(_folder(model, root), _whose(model)).files
