"""Second opinion on one answer: small image changes, hidden lungs, heat in the lungs, similar cases, other models.

It never changes an answer. Log likelihood ratios are stored; `SecondOpinion.at` converts them to probabilities.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import PurePosixPath

import numpy as np

from pneumo.errors import LungsNotFound
from pneumo.evaluation.likelihood import posterior
from pneumo.imaging.perturbations import blur, brightness, contrast, jpeg, rotation, shift
from pneumo.inference.finding import Reading, Terms, judge
from pneumo.inference.lung_checks import HeatShare, Lungs, Occlusion, heat_in_lungs, occlusion
from pneumo.inference.predictor import Answer, Predictor
from pneumo.inference.reference import Reference
from pneumo.labels import LABELS, SUBTYPES, identify
from pneumo.registry.models import ModelCard

_NEAREST = 12  # similar cases
SAME = 0.999  # held-out images have a median nearest neighbour of 0.88, copies 1.000
SMALL_CHANGES: tuple[tuple[str, Callable[[np.ndarray], np.ndarray]], ...] = (
    ("mirrored", lambda image: np.ascontiguousarray(image[:, ::-1])),
    ("shifted by 3 %", partial(shift, right=0.03, down=0.0)),
    ("turned by 3 degrees", partial(rotation, degrees=3.0)),
    ("turned by -3 degrees", partial(rotation, degrees=-3.0)),
    ("brighter by 0.10", partial(brightness, amount=0.10)),
    ("contrast x 0.8", partial(contrast, factor=0.8)),
    ("blurred by 0.7 px", partial(blur, sigma=0.7)),
    ("JPEG quality 50", partial(jpeg, quality=50)),
)  # too small to matter to a reader


@dataclass(frozen=True)
class Stability:
    """Scores of the image and of each of SMALL_CHANGES; NaN without an answer."""

    unchanged: float
    changed: tuple[float, ...]

    @property
    def lowest(self) -> float:
        return float(np.nanmin([self.unchanged, *self.changed]))

    @property
    def highest(self) -> float:
        return float(np.nanmax([self.unchanged, *self.changed]))

    def turned(self, reading: Reading) -> int:
        """The number of changes with another verdict than `reading`, or without an answer."""
        return sum(np.isnan(value) or reading.verdict_of(value) != reading.verdict for value in self.changed)


@dataclass(frozen=True)
class Vote:
    """The verdict of one model, by its own zones."""

    model: str
    probability: float
    verdict: str


@dataclass(frozen=True)
class SimilarCase:
    """One train image."""

    file: str  # path within the data set
    label: str  # NORMAL or PNEUMONIA
    subtype: str  # bacterial, viral or none
    similarity: float  # cosine of the two images' components, -1 to 1

    @property
    def same(self) -> bool:
        """The image itself or a copy is a train image."""
        return self.similarity >= SAME


@dataclass(frozen=True)
class SecondOpinion:
    """All checks of one model on one image; votes of other models are separate."""

    stability: Stability
    occlusion: Occlusion
    heat: HeatShare
    similar: tuple[SimilarCase, ...]  # empty without a reference

    def at(self, prevalence: float) -> "SecondOpinion":
        """The same with log likelihood ratios converted to probabilities."""
        stability, occlusion = self.stability, self.occlusion
        unchanged, *changed = posterior(np.array([stability.unchanged, *stability.changed]), prevalence).tolist()
        visible, hidden = posterior(np.array([occlusion.unchanged, occlusion.hidden]), prevalence).tolist()
        return replace(self, stability=Stability(unchanged, tuple(changed)), occlusion=Occlusion(visible, hidden, occlusion.reason))


def compute_second_opinion(image: np.ndarray, predictor: Predictor, answer: Answer, lungs: Lungs) -> SecondOpinion:
    """Check `answer` of `predictor` to the canonical `image`, uint8 (224, 224). Nine passes. Raises ModelError."""
    changed = tuple(log_ratio_or_nan(predictor, change(image)) for _, change in SMALL_CHANGES)
    return SecondOpinion(
        Stability(answer.log_ratio, changed),
        occlusion(image, predictor, answer, lungs),
        heat_in_lungs(answer, predictor.card, lungs),
        similar_to(answer, predictor),
    )


def similar_to(answer: Answer, predictor: Predictor) -> tuple[SimilarCase, ...]:
    """The train images most similar to the answered one; empty without a reference."""
    if predictor.reference is None or answer.features is None:
        return ()
    return find_similar_cases(answer.features, predictor.reference)


def find_similar_cases(features: np.ndarray, reference: Reference, count: int = _NEAREST) -> tuple[SimilarCase, ...]:
    """The `count` train images nearest to `features`, float32 (c,), nearest first, at most one per patient.

    Cosine similarity of the standardised components; of raw features it is above 0.99 for all chest X-rays.
    """
    scores = reference.components_of(features)
    lengths = np.linalg.norm(reference.scores, axis=1) * np.linalg.norm(scores)
    cosines = reference.scores @ scores / np.maximum(lengths, 1e-6)
    cases, patients = [], set()
    for index in np.argsort(-cosines, kind="stable"):
        file = str(reference.files[index])
        patient = identify(PurePosixPath(file).stem)[1]
        if patient not in patients:
            label, subtype = LABELS[reference.labels[index]], SUBTYPES[reference.subtypes[index]]
            cases.append(SimilarCase(file, label, subtype, float(cosines[index])))
            patients.add(patient)
        if len(cases) == count:
            break
    return tuple(cases)


def log_ratio_or_nan(predictor: Predictor, image: np.ndarray) -> float:
    """The log likelihood ratio of a canonical image; NaN without an answer."""
    try:
        return predictor.answer(image).log_ratio
    except LungsNotFound:
        return float("nan")


def vote(card: ModelCard, log_ratio: float, terms: Terms) -> Vote:
    """Raises ConfigError for terms that do not fit the model."""
    reading = judge(log_ratio, card, terms)
    return Vote(card.id, reading.probability, reading.verdict)
