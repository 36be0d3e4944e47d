"""Findings: the result for one file, as pages, exports and reports show it."""

import hashlib
import time
from dataclasses import dataclass, field, replace

import numpy as np

from pneumo.errors import ConfigError, ImageRejected, LungsNotFound, ModelError
from pneumo.evaluation.likelihood import posterior, stated_prevalence
from pneumo.evaluation.operating_point import BALANCED, RULE_IN, RULE_OUT, zone
from pneumo.imaging.decoding.decode import Decoded, Refusal
from pneumo.imaging.decoding.pool import DecoderPool, shared_pool
from pneumo.imaging.preprocess import canonical
from pneumo.imaging.radiograph import SYNTHETIC, ImageFacts, Radiograph
from pneumo.inference.gate import PASS, REJECT, Gate, check
from pneumo.inference.predictor import Answer, Predictor
from pneumo.labels import LABELS, Label, Status, Verdict, Zone
from pneumo.registry.models import ModelCard

_LARGEST = 700.0  # largest exponent that a float holds


@dataclass(frozen=True)
class Terms:
    """How answers are judged: the operating point of the label, and the prevalence of pneumonia, in (0, 1)."""

    operating_point: str = BALANCED
    prevalence: float = field(default_factory=stated_prevalence)


@dataclass(frozen=True)
class Reading:
    """A judged answer. Every page, export and report shows these values and computes none.

    Probabilities are posteriors: prior odds of `prevalence` times the likelihood ratio.
    """

    verdict: Verdict  # NORMAL, INDETERMINATE or PNEUMONIA, by zone: for people
    zone: Zone  # rule-out, indeterminate or rule-in
    label: Label  # NORMAL or PNEUMONIA, at the operating point: for programs
    probability: float  # of pneumonia
    likelihood_ratio: float  # above 0
    prevalence: float
    threshold: float  # probability cut of the label
    low: float  # probability where the indeterminate zone begins
    high: float  # and where it ends
    operating_point: str

    def verdict_of(self, probability: float) -> Verdict:
        """The verdict of another probability at the same prevalence, as of a slightly changed image."""
        return zone(probability, {RULE_OUT: self.low, RULE_IN: self.high}).verdict


@dataclass(frozen=True)
class Finding:
    """The result for one file. `canonical` and `answer` are None unless `status` is "ok", `radiograph` if it was not decoded."""

    status: Status  # ok, rejected or error
    reasons: tuple[str, ...]
    warnings: tuple[str, ...]
    sha256: str  # of the file's bytes
    model: str
    model_sha256: str
    seconds: float
    radiograph: Radiograph | None = None
    canonical: np.ndarray | None = None  # uint8 (224, 224), the input of every model
    answer: Answer | None = None
    site_profile: str = ""  # name and hash of the applied site profile; empty: the model's own calibration


@dataclass(frozen=True)
class Opened:
    """A decoded or refused file, before the model's answer."""

    sha256: str
    seconds: float
    decoded: Decoded | Refusal


def read(data: bytes, predictor: Predictor, gated: bool = True) -> Finding:
    """Decode and answer one file. Errors of file or model become its finding."""
    return answer_file(open_file(data), predictor, gated)


def open_file(data: bytes, decoders: DecoderPool | None = None) -> Opened:
    """Decode one file in a separate process (see imaging.decoding.pool), by default of `shared_pool`."""
    began = time.perf_counter()
    decoded = (decoders or shared_pool()).decode(data)
    return Opened(hashlib.sha256(data).hexdigest(), time.perf_counter() - began, decoded)


def answer_file(file: Opened, predictor: Predictor, gated: bool = True) -> Finding:
    """The model's finding for a decoded file.

    The gate needs the network's features, so the network runs first; the answer for a refused image is dropped. `gated` False
    skips the gate: published figures are of all images of a split.
    """
    began, card, decoded = time.perf_counter(), predictor.card, file.decoded
    if not isinstance(decoded, Decoded):
        status = Status.REJECTED if isinstance(decoded, ImageRejected) else Status.ERROR
        return Finding(status, (str(decoded),), (), file.sha256, card.id, card.sha256, file.seconds)
    radiograph, image = decoded.radiograph, decoded.canonical
    try:
        answer = predictor.answer(image)
    except ModelError as error:
        return Finding(Status.ERROR, (str(error),), (), file.sha256, card.id, card.sha256, file.seconds)
    except LungsNotFound as error:
        rules = check(radiograph.facts, image, None, None) if gated else Gate(PASS)
        reasons = (*(rules.reasons if rules.outcome == REJECT else ()), str(error))
        seconds = file.seconds + time.perf_counter() - began
        return Finding(Status.REJECTED, reasons, (), file.sha256, card.id, card.sha256, seconds, radiograph)
    gate = check(radiograph.facts, image, answer.features, predictor.reference) if gated else Gate(PASS)
    seconds = file.seconds + time.perf_counter() - began
    if gate.outcome == REJECT:
        return Finding(Status.REJECTED, gate.reasons, (), file.sha256, card.id, card.sha256, seconds, radiograph)
    phantom = ("A generated phantom, no patient: the answer means nothing.",) if SYNTHETIC in radiograph.facts.notes else ()
    profile = predictor.profile
    profile_name = f"{profile.name} {profile.sha256[:16]}" if profile else ""
    warnings = (*phantom, *gate.reasons, *([profile.sentence] if profile else ()))
    return Finding(Status.OK, (), warnings, file.sha256, card.id, card.sha256, seconds, radiograph, image, answer, profile_name)


def ask_again(sha256: str, image: np.ndarray, facts: ImageFacts, predictor: Predictor) -> Finding:
    """The finding of another model and its gate for an image read before, without pictures.

    `image`: canonical, uint8 (224, 224), of the file with these facts and this hash.
    """
    no_pixels = Radiograph(np.empty((0, 0), np.float32), facts)  # gate and model use only image and facts
    return replace(answer_file(Opened(sha256, 0.0, Decoded(no_pixels, image)), predictor), radiograph=None, canonical=None)


def image_to_keep(finding: Finding) -> np.ndarray | None:
    """The canonical image for other models, also of a file that this model's gate refused."""
    if finding.canonical is None and finding.radiograph is not None:
        return canonical(finding.radiograph)
    return finding.canonical


def judge(log_ratio: float, card: ModelCard, terms: Terms) -> Reading:
    """Judge a calibrated log likelihood ratio. Raises ConfigError, see `check_terms`."""
    check_terms(terms, card)
    cuts, points = card.cuts, card.points_at(terms.prevalence)
    answer_zone = zone(log_ratio, cuts)
    return Reading(
        verdict=answer_zone.verdict,
        zone=answer_zone,
        label=LABELS[int(log_ratio >= cuts[terms.operating_point])],
        probability=float(posterior(log_ratio, terms.prevalence)),
        likelihood_ratio=float(np.exp(np.clip(log_ratio, -_LARGEST, _LARGEST))),
        prevalence=terms.prevalence,
        threshold=points[terms.operating_point],
        low=points[RULE_OUT],
        high=points[RULE_IN],
        operating_point=terms.operating_point,
    )


def check_terms(terms: Terms, card: ModelCard) -> None:
    """Raises ConfigError for an unknown operating point or a prevalence outside (0, 1)."""
    if terms.operating_point not in card.cuts:
        names = ", ".join(card.cuts)
        raise ConfigError(f"Unknown operating point {terms.operating_point!r} for model {card.id}; expected one of {names}.")
    if not 0 < terms.prevalence < 1:
        raise ConfigError(f"The prevalence is {terms.prevalence:g}; expected a share between 0 and 1, such as 0.3.")
