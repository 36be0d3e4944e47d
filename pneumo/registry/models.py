"""List, read and verify model folders, models/<id>/. A folder that does not match its seal is not used."""

import dataclasses
import hashlib
import json
import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import logit

from pneumo.data.split import SPLIT, read_manifest
from pneumo.errors import ModelError, PneumoError
from pneumo.evaluation.calibration import Calibration
from pneumo.evaluation.likelihood import posterior, stated_prevalence
from pneumo.imaging.preprocess import VERSION, InputSpec
from pneumo.labels import LABELS
from pneumo.log import known
from pneumo.paths import models_dir
from pneumo.registry.acts import active_model, read_acts
from pneumo.registry.card_checks import invalid_values
from pneumo.registry.model_folder import CARD, GRAPH, REFERENCE, WEIGHTS, ModelFolder, list_models
from pneumo.registry.seal import Seal, reseal, sealed_files

log = logging.getLogger(__name__)

CARD_VERSION = 2  # version 1: the calibration included the prevalence of its data, and cuts were probabilities
SERVED = (WEIGHTS, GRAPH, REFERENCE)
_ALMOST = 1e-12  # cuts are kept this far from 0 and 1, which have no finite log odds


@dataclasses.dataclass(frozen=True)
class ModelCard:
    """card.json: everything needed to reproduce an answer."""

    id: str
    architecture: str
    classes: tuple[str, ...]
    input: InputSpec
    preprocessing: str  # imaging.preprocess.VERSION at training
    calibration: Calibration
    cuts: dict[str, float]  # operating point: threshold of the log likelihood ratio
    heatmap_scale: float  # Grad-CAM value drawn as full heat
    heatmap_centres: tuple[float, float]  # centres of the first and last heatmap cell, as fractions of the network's input
    selection_loss: float  # log loss on predictions-calibration.csv, classes weighted equally; the lowest is the default model
    training: dict[str, Any]  # the run's config
    epochs_run: int
    best_epoch: int
    manifest_sha256: str  # of split.csv
    data: str
    versions: dict[str, str]
    commit: str
    created: str
    files: dict[str, str]  # name: SHA-256, of the files that serving reads
    card_version: int = CARD_VERSION
    subtype_calibration: Calibration | None = None  # bacterial against viral; None: the model has no subtype output
    segmenter_sha256: str | None = None  # of models/lungs/lungs.onnx, if the model is lung-centred
    mirrored: bool = False  # average the logits of the image and its mirror image

    @property
    def sha256(self) -> str:
        """SHA-256 of the weights, which identifies the model in the record."""
        return self.files[WEIGHTS]

    @property
    def operating_points(self) -> dict[str, float]:
        """The cuts as probabilities at the stated prevalence, on the scale of an answer's probability."""
        return self.points_at(stated_prevalence())

    def points_at(self, prevalence: float) -> dict[str, float]:
        """The cuts as probabilities at `prevalence`, the share (0 to 1) of children with pneumonia."""
        return {name: float(posterior(cut, prevalence)) for name, cut in self.cuts.items()}

    def probability(self, logits: np.ndarray | float) -> np.ndarray:
        """Probability of pneumonia at the stated prevalence, float64, same shape as the network's `logits`."""
        return posterior(self.calibration.log_ratio(logits), stated_prevalence())


def read_card(model: str, root: Path | None = None) -> ModelCard:
    """The verified card. Raises ModelError if it is altered, incomplete, of another version, or has unknown or invalid values."""
    folder = ModelFolder.of(model, root)
    return _parsed(folder, folder.read(CARD))


def card_digest(model: str, root: Path | None = None) -> str:
    """SHA-256 of the verified card, which contains the hashes of all served files. Raises ModelError."""
    return hashlib.sha256(ModelFolder.of(model, root).read(CARD)).hexdigest()


def read_draft_card(model: str, root: Path | None = None, needed: Iterable[str] = (WEIGHTS, GRAPH)) -> ModelCard:
    """The card of a folder that is not sealed yet, with the hashes of the files `needed`. Raises ModelError."""
    folder = ModelFolder.of(model, root)
    return _parsed(folder, _draft_file(folder, CARD), needed)


def _parsed(folder: ModelFolder, data: bytes, needed: Iterable[str] = SERVED) -> ModelCard:
    model = folder.model
    card_of = f"The card of model {model!r}"
    try:
        fields = json.loads(data)
        invalid = invalid_values(fields) if isinstance(fields, dict) else []
        if isinstance(fields, dict) and fields.get("card_version") == 1 and not invalid:
            fields = _from_version_1(fields, folder.path)
        if mismatched := ", ".join(_mismatched_fields(fields)):
            raise ModelError(f"{card_of} does not fit this version of Pneumo: {mismatched}. Promote the run again.")
        card = _card(fields)
    except (TypeError, ValueError, LookupError, AttributeError, OverflowError, RecursionError) as error:
        raise ModelError(f"{card_of} is damaged. Restore models/{model}/card.json.") from error
    for field, expected, received in (
        ("id", model, card.id),
        ("classes", LABELS, card.classes),
        ("preprocessing", VERSION, card.preprocessing),
        ("card version", CARD_VERSION, card.card_version),
    ):
        if expected != received:
            raise ModelError(f"Model {model!r}: {field} is {received!r}, expected {expected!r}. Promote the run again.")
    for name in needed:
        if name not in card.files:
            refit = f" For an older model, create it: python -m pneumo gate {model} --data DIR --refit."
            problem = f"Model {model!r}: its card has no hash of {name}, so it cannot be verified. Restore the card."
            raise ModelError(problem + (refit if name == REFERENCE else ""))
    if invalid:
        raise ModelError(f"{card_of} is damaged: {'; '.join(invalid)}. Restore models/{model}/card.json.")
    return card


def _card(fields: dict[str, Any]) -> ModelCard:
    subtype = fields.get("subtype_calibration")
    typed = {
        "input": InputSpec(**fields["input"]),
        "calibration": Calibration(**fields["calibration"]),
        "classes": tuple(fields["classes"]),
        "heatmap_centres": tuple(map(float, fields["heatmap_centres"])),
        "subtype_calibration": Calibration(**subtype) if subtype else None,
        "cuts": {name: float(cut) for name, cut in fields["cuts"].items()},
        "files": dict(fields["files"]),
        "selection_loss": float(fields["selection_loss"]),
    }
    return ModelCard(**fields | typed)


def _from_version_1(fields: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Convert a card of version 1: log odds minus the prior log odds of the calibration part are log likelihood ratios."""
    try:
        sick = [row["label"] == LABELS[1] for row in read_manifest(folder / SPLIT) if row["part"] == "calibration"]
        prior = float(logit(sum(sick) / len(sick)))
        calibration = {**fields["calibration"], "bias": fields["calibration"]["bias"] - prior}
        points = fields["operating_points"].items()
        cuts = {name: float(logit(np.clip(point, _ALMOST, 1 - _ALMOST))) - prior for name, point in points}
    except (PneumoError, TypeError, KeyError, AttributeError, ZeroDivisionError):
        return fields  # the error is reported where cards are checked
    kept = {name: value for name, value in fields.items() if name != "operating_points"}
    return {**kept, "calibration": calibration, "cuts": cuts, "card_version": CARD_VERSION}


def _mismatched_fields(fields: Any) -> list[str]:
    """Missing and unknown fields. Fields with a default may be missing: the card is older than the field."""
    if not isinstance(fields, dict):
        return ["no object"]
    known = dataclasses.fields(ModelCard)
    missing = {field.name for field in known if field.default is dataclasses.MISSING} - set(fields)
    return sorted(missing | (set(fields) - {field.name for field in known}))


def write_card(card: ModelCard, folder: Path, written: Iterable[str] = ()) -> None:
    """Write card.json and update the manifest for it and for `written`, other files just written to the folder."""
    text = json.dumps(dataclasses.asdict(card), indent=2) + "\n"
    (folder / CARD).write_text(text, encoding="utf-8")
    reseal(folder, (CARD, *written))


@dataclasses.dataclass(frozen=True)
class Verified:
    """A verified model. Holds the bytes that were hashed, so that a file replaced later cannot be used."""

    card: ModelCard
    files: dict[str, bytes]  # the files that serving reads, by name
    seal: Seal | None  # None: a draft


def verified(model: str, root: Path | None = None) -> Verified:
    """Verify every file of the folder against its manifest, and the served files against the card's hashes.

    Raises ModelError. No answer may be given by a model that fails here.
    """
    folder = ModelFolder.of(model, root)
    seal, contents = sealed_files(folder.path, folder.subject)
    card = _parsed(folder, contents.get(CARD, b""))
    return Verified(card, _files_of_card(folder, card, contents), seal)


def verified_draft(model: str, root: Path | None = None, needed: Iterable[str] = (WEIGHTS, GRAPH)) -> Verified:
    """Verify a folder not sealed yet by its card's hashes only; see `read_draft_card`."""
    card, folder = read_draft_card(model, root, needed), ModelFolder.of(model, root)
    return Verified(card, _files_of_card(folder, card, {name: _draft_file(folder, name) for name in card.files}), None)


def _draft_file(folder: ModelFolder, name: str) -> bytes:
    try:
        return (folder.path / name).read_bytes()
    except OSError as error:
        raise ModelError(f"{folder.subject} is incomplete: {name} cannot be read ({error.strerror}). Restore it.") from error


def _files_of_card(folder: ModelFolder, card: ModelCard, contents: dict[str, bytes]) -> dict[str, bytes]:
    """The files that the card names. Raises ModelError if one is missing or its hash differs."""
    for name, expected in card.files.items():
        if name not in contents:
            raise ModelError(f"{folder.subject} is incomplete: {name} is missing. Restore it; no answer is given without it.")
        if hashlib.sha256(contents[name]).hexdigest() != expected:
            raise ModelError(f"{folder.subject} does not verify: {name} was altered. Restore it; no answer is given from it.")
    return {name: contents[name] for name in card.files}


def site_model() -> str | None:
    """The default model chosen by the site (see acts.py); None if it never chose one.

    Raises ModelError if that model is missing or was changed since, so that no other model silently takes its place; DataError
    if the log of acts was altered.
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
    """The site's own choice; without one, the usable model with the lowest log loss on the calibration part, never on test.

    Raises ModelError if there is none; see also `site_model`.
    """
    if root is None and (chosen := site_model()):
        return chosen
    cards, refused = [], 0
    for model in list_models(root):
        try:
            cards.append(read_card(model, root))
        except ModelError as error:
            refused += 1
            log.warning("%s", error, extra=known(model=model))  # use the other models, but report this one
    if not cards:
        raise ModelError(f"No usable model in {root or models_dir()}. Restore the folder, or train and promote one.")
    best = best_of(cards)
    if refused:
        log.warning("The default is now %s, the best of the others.", best, extra=known(model=best))
    return best


def best_of(cards: Iterable[ModelCard]) -> str:
    return min(cards, key=lambda card: card.selection_loss).id
