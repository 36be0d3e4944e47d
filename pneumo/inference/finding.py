"""Model answer + operating point -> Finding: what a page, a CSV line or a report says about one file."""

import hashlib
import time
from dataclasses import dataclass, field, replace

import numpy as np

from pneumo.errors import ConfigError, ImageRejected, LungsNotFound, ModelError
from pneumo.evaluation.likelihood import posterior, stated_prevalence
from pneumo.evaluation.operating_point import BALANCED, RULE_IN, RULE_OUT, zone
from pneumo.imaging.decoding.decoded_file import Decoded, Refusal
from pneumo.imaging.decoding.pool import DecoderPool, shared_pool
from pneumo.imaging.preprocess import canonical
from pneumo.imaging.radiograph import SYNTHETIC, ImageFacts, Radiograph
from pneumo.inference.gate import PASS, REJECT, Gate, check
from pneumo.inference.predictor import Answer, Predictor
from pneumo.labels import LABELS, Label, Status, Verdict, Zone
from pneumo.registry.models import ModelCard

_LARGEST = 700.0  # natural logarithm of a ratio that a float still holds


@dataclass(frozen=True)
class Terms:
    """How answers are read: where the label's line is drawn, and which share of the patients have pneumonia, between 0 and 1."""

    operating_point: str = BALANCED
    prevalence: float = field(default_factory=stated_prevalence)


@dataclass(frozen=True)
class Reading:
    """An answer judged. Every page, export and report shows these values and computes none of its own.

    Probabilities are posteriors: prior odds of `prevalence` times the likelihood ratio.
    """

    verdict: Verdict  # NORMAL, INDETERMINATE or PNEUMONIA, by zone: what a person reads
    zone: Zone  # rule-out, indeterminate or rule-in
    label: Label  # NORMAL or PNEUMONIA, at the operating point: for programs
    probability: float  # of pneumonia
    likelihood_ratio: float  # above 0
    prevalence: float
    threshold: float  # of the label, a probability
    low: float  # where the indeterminate zone begins, a probability
    high: float  # where it ends
    operating_point: str

    def verdict_of(self, probability: float) -> Verdict:
        """The verdict of another probability at the same prevalence, as of the picture slightly changed."""
        return zone(probability, {RULE_OUT: self.low, RULE_IN: self.high}).verdict


@dataclass(frozen=True)
class Finding:
    """Everything said about one file. `canonical` and `answer` are None unless `status` is "ok"; `radiograph` where it was read."""

    status: Status  # ok, rejected or error
    reasons: tuple[str, ...]
    warnings: tuple[str, ...]
    sha256: str  # of the file's bytes
    model: str
    model_sha256: str
    seconds: float
    radiograph: Radiograph | None = None
    canonical: np.ndarray | None = None  # uint8 (224, 224), what every model is shown
    answer: Answer | None = None
    site_profile: str = ""  # name and hash of the profile that it is read by; empty: the model's own calibration


@dataclass(frozen=True)
class Opened:
    """A file whose bytes were decoded, or not, and that waits for a model's answer."""

    sha256: str
    seconds: float
    found: Decoded | Refusal


def read(data: bytes, predictor: Predictor, gated: bool = True) -> Finding:
    """Decode and answer one file. Whatever is wrong with it, or with what the model said of it, becomes its finding."""
    return answered(opened(data), predictor, gated)


def opened(data: bytes, decoders: DecoderPool | None = None) -> Opened:
    """Decode one file, in a process of its own (see imaging.decoding.pool); by `shared_pool` where no other decoders are given."""
    began = time.perf_counter()
    found = (decoders or shared_pool()).decode(data)
    return Opened(hashlib.sha256(data).hexdigest(), time.perf_counter() - began, found)


def answered(file: Opened, predictor: Predictor, gated: bool = True) -> Finding:
    """What the model says of a decoded file.

    The gate needs the network's features, so the network is asked first; what it says of a refused image goes no further.
    `gated` False leaves the gate out: published figures are of all images of a split.
    """
    began, card, found = time.perf_counter(), predictor.card, file.found
    if not isinstance(found, Decoded):
        status = Status.REJECTED if isinstance(found, ImageRejected) else Status.ERROR
        return Finding(status, (str(found),), (), file.sha256, card.id, card.sha256, file.seconds)
    radiograph, image = found.radiograph, found.canonical
    warnings: tuple[str, ...] = ()
    try:
        answer = predictor.answer(image)
    except ModelError as error:
        return Finding(Status.ERROR, (str(error),), (), file.sha256, card.id, card.sha256, file.seconds)
    except LungsNotFound as error:
        rules = check(radiograph.facts, image, None, None).refusals if gated else ()
        seconds = file.seconds + time.perf_counter() - began
        return Finding(Status.REJECTED, (*rules, str(error)), (), file.sha256, card.id, card.sha256, seconds, radiograph)
    gate = check(radiograph.facts, image, answer.features, predictor.reference) if gated else Gate(PASS)
    seconds = file.seconds + time.perf_counter() - began
    if gate.outcome == REJECT:
        return Finding(Status.REJECTED, gate.reasons, (), file.sha256, card.id, card.sha256, seconds, radiograph)
    if SYNTHETIC in radiograph.facts.notes:
        warnings = ("A generated phantom, no patient: the answer means nothing.",)
    profile = predictor.profile
    named = f"{profile.name} {profile.sha256[:16]}" if profile else ""
    warnings += gate.reasons + ((profile.sentence,) if profile else ())
    return Finding(Status.OK, (), warnings, file.sha256, card.id, card.sha256, seconds, radiograph, image, answer, named)


def ask_again(sha256: str, image: np.ndarray, facts: ImageFacts, predictor: Predictor) -> Finding:
    """What another model, `predictor`, and its own gate say of an image that was read before. Without pictures.

    `image` is the canonical one, uint8 (224, 224), of a file with these facts and this hash.
    """
    gone = Radiograph(np.empty((0, 0), np.float32), facts)  # gate and model look at image and facts alone
    return replace(answered(Opened(sha256, 0.0, Decoded(gone, image)), predictor), radiograph=None, canonical=None)


def image_to_keep(finding: Finding) -> np.ndarray | None:
    """The canonical image that another model could be asked about: also of a file that this one's gate refused."""
    if finding.canonical is None and finding.radiograph is not None:
        return canonical(finding.radiograph)
    return finding.canonical


def judge(log_ratio: float, card: ModelCard, terms: Terms) -> Reading:
    """A calibrated log likelihood ratio on these terms. Raises ConfigError, see `check_terms`."""
    check_terms(terms, card)
    cuts, points = card.cuts, card.points_at(terms.prevalence)
    where = zone(log_ratio, cuts)
    return Reading(
        verdict=where.verdict,
        zone=where,
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
    """Raises ConfigError for an operating point that the model does not have, or a prevalence that is none."""
    if terms.operating_point not in card.cuts:
        names = ", ".join(card.cuts)
        raise ConfigError(f"Unknown operating point {terms.operating_point!r} for model {card.id}; expected one of {names}.")
    if not 0 < terms.prevalence < 1:
        raise ConfigError(f"The prevalence is {terms.prevalence:g}; expected a share between 0 and 1, such as 0.3.")
