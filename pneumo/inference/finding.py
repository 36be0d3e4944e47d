"""Model answer + operating point -> Finding: what a page, a CSV line or a report says about one file."""

import hashlib
import time
from dataclasses import dataclass

import numpy as np

from pneumo.errors import ConfigError, ImageRejected, LungsNotFound, ModelError
from pneumo.evaluation.operating_point import zone
from pneumo.imaging.decoded import Decoded, Refusal
from pneumo.imaging.decoders import shared
from pneumo.imaging.radiograph import SYNTHETIC, Radiograph
from pneumo.inference.gate import PASS, REJECT, Gate, check
from pneumo.inference.predictor import Answer, Predictor
from pneumo.registry import ModelCard


@dataclass(frozen=True)
class Reading:
    """An answer judged at one operating point."""

    label: str  # NORMAL or PNEUMONIA
    zone: str  # rule-out, indeterminate or rule-in
    threshold: float
    operating_point: str


@dataclass(frozen=True)
class Finding:
    """Everything said about one file. `canonical` and `answer` are None unless `status` is "ok"; `radiograph` where it was read."""

    status: str  # ok, rejected or error
    reasons: tuple[str, ...]
    warnings: tuple[str, ...]
    sha256: str  # of the file's bytes
    model: str
    model_sha256: str
    seconds: float
    radiograph: Radiograph | None = None
    canonical: np.ndarray | None = None  # uint8 (224, 224), what every model is shown
    answer: Answer | None = None


@dataclass(frozen=True)
class Opened:
    """A file whose bytes were decoded, or not, and that waits for a model's answer."""

    sha256: str
    seconds: float
    found: Decoded | Refusal


def read(data: bytes, predictor: Predictor, gated: bool = True) -> Finding:
    """Decode and answer one file. Whatever is wrong with it, or with what the model said of it, becomes its finding."""
    return answered(opened(data), predictor, gated)


def opened(data: bytes) -> Opened:
    """Decode one file, in a process of its own (see imaging.decoders)."""
    began = time.perf_counter()
    found = shared().decode(data)
    return Opened(hashlib.sha256(data).hexdigest(), time.perf_counter() - began, found)


def answered(file: Opened, predictor: Predictor, gated: bool = True) -> Finding:
    """What the model says of a decoded file.

    The gate needs the network's features, so the network is asked first; what it says of a refused image goes no further.
    `gated` False leaves the gate out: published figures are of all images of a split.
    """
    began, card, found = time.perf_counter(), predictor.card, file.found
    if not isinstance(found, Decoded):
        status = "rejected" if isinstance(found, ImageRejected) else "error"
        return Finding(status, (str(found),), (), file.sha256, card.id, card.sha256, file.seconds)
    radiograph, image = found.radiograph, found.canonical
    warnings: tuple[str, ...] = ()
    try:
        answer = predictor.answer(image)
    except ModelError as error:
        return Finding("error", (str(error),), (), file.sha256, card.id, card.sha256, file.seconds)
    except LungsNotFound as error:
        rules = check(radiograph.facts, image, None, None).refusals if gated else ()
        seconds = file.seconds + time.perf_counter() - began
        return Finding("rejected", (*rules, str(error)), (), file.sha256, card.id, card.sha256, seconds, radiograph)
    gate = check(radiograph.facts, image, answer.features, predictor.reference) if gated else Gate(PASS)
    seconds = file.seconds + time.perf_counter() - began
    if gate.outcome == REJECT:
        return Finding("rejected", gate.reasons, (), file.sha256, card.id, card.sha256, seconds, radiograph)
    if SYNTHETIC in radiograph.facts.notes:
        warnings = ("A generated phantom, no patient: the answer means nothing.",)
    return Finding("ok", (), warnings + gate.reasons, file.sha256, card.id, card.sha256, seconds, radiograph, image, answer)


def judge(probability: float, card: ModelCard, operating_point: str) -> Reading:
    """Label and zone at a named operating point. Raises ConfigError with the names there are."""
    if operating_point not in card.operating_points:
        names = ", ".join(card.operating_points)
        raise ConfigError(f"Unknown operating point {operating_point!r} for model {card.id}; expected one of {names}.")
    threshold = card.operating_points[operating_point]
    label = card.classes[int(probability >= threshold)]
    return Reading(label, zone(probability, card.operating_points), threshold, operating_point)
