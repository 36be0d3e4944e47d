"""Second opinion on one answer: small image changes, hidden lungs, heat in the lungs, similar cases, other models.

It never changes an answer. Log likelihood ratios are stored; `SecondOpinion.at` converts them to probabilities.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from pneumo.errors import LungsNotFound
from pneumo.evaluation.likelihood import posterior
from pneumo.imaging.perturbations import blur, brightness, contrast, jpeg, rotation, shift
from pneumo.inference.finding import Reading, Terms, judge
from pneumo.inference.lung_checks import HeatShare, Lungs, Occlusion, heat_in_lungs, occlusion
from pneumo.inference.predictor import Answer, Predictor
from pneumo.inference.similar_cases import SimilarCase, find_similar_cases
from pneumo.registry.models import ModelCard

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
