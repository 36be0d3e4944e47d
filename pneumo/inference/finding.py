"""Model answer + operating point -> Finding: what a page, a CSV line or a report says about one file."""

import hashlib
import time
from dataclasses import dataclass

import numpy as np

from pneumo.errors import ConfigError, ImageError, ImageRejected
from pneumo.evaluation.operating_point import zone
from pneumo.imaging.decode import decode
from pneumo.imaging.preprocess import canonical
from pneumo.imaging.radiograph import SYNTHETIC, Radiograph
from pneumo.inference.gate import REJECT, check
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


def read(data: bytes, predictor: Predictor, gated: bool = True) -> Finding:
    """Decode and answer one file. A file that cannot be read, or must not be answered, becomes a Finding that says why.

    The gate needs the network's features, so the network is asked first; what it says of a refused image goes no further.
    `gated` False leaves the gate out: published figures are of all images of a split.
    """
    began = time.perf_counter()
    status, reasons, warnings, radiograph, image, answer = "ok", (), (), None, None, None
    try:
        radiograph = decode(data)
        image = canonical(radiograph)
        answer = predictor.answer(image)
        if SYNTHETIC in radiograph.facts.notes:
            warnings = ("A generated phantom, no patient: the answer means nothing.",)
        if gated:
            gate = check(radiograph.facts, image, answer.features, predictor.reference)
            if gate.outcome == REJECT:
                status, reasons, warnings, image, answer = "rejected", gate.reasons, (), None, None
            else:
                warnings += gate.reasons
    except (ImageRejected, ImageError) as error:
        status, reasons = "rejected" if isinstance(error, ImageRejected) else "error", (str(error),)
    card = predictor.card
    return Finding(status, reasons, warnings, hashlib.sha256(data).hexdigest(), card.id, card.sha256,
                   time.perf_counter() - began, radiograph, image, answer)  # fmt: skip


def judge(probability: float, card: ModelCard, operating_point: str) -> Reading:
    """Label and zone at a named operating point. Raises ConfigError with the names there are."""
    if operating_point not in card.operating_points:
        names = ", ".join(card.operating_points)
        raise ConfigError(f"Unknown operating point {operating_point!r} for model {card.id}; expected one of {names}.")
    threshold = card.operating_points[operating_point]
    label = card.classes[int(probability >= threshold)]
    return Reading(label, zone(probability, card.operating_points), threshold, operating_point)
