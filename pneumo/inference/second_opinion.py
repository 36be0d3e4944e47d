"""What speaks for or against one answer: small changes, hidden lungs, the place of the heat, similar cases, other models.

Nothing here changes an answer. Log likelihood ratios are kept; `SecondOpinion.at` gives their probabilities at a prevalence.
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
)  # none of which a reader would call another picture


@dataclass(frozen=True)
class Stability:
    """Of the image as it is and under each of SMALL_CHANGES; NaN where a change got no answer."""

    unchanged: float
    changed: tuple[float, ...]

    @property
    def lowest(self) -> float:
        return float(np.nanmin([self.unchanged, *self.changed]))

    @property
    def highest(self) -> float:
        return float(np.nanmax([self.unchanged, *self.changed]))

    def turned(self, reading: Reading) -> int:
        """How many changes give another verdict on the terms of `reading`, or no answer."""
        return sum(np.isnan(value) or reading.verdict_of(value) != reading.verdict for value in self.changed)


@dataclass(frozen=True)
class Vote:
    """What one model says, by its own zones."""

    model: str
    probability: float
    verdict: str


@dataclass(frozen=True)
class SecondOpinion:
    """All of one model on one image; the votes of the other models stand beside it."""

    stability: Stability
    occlusion: Occlusion
    heat: HeatShare
    similar: tuple[SimilarCase, ...]  # empty where the model has no stored train images

    def at(self, prevalence: float) -> "SecondOpinion":
        """With probabilities where log likelihood ratios were measured."""
        steady, hidden = self.stability, self.occlusion
        unchanged, *changed = posterior(np.array([steady.unchanged, *steady.changed]), prevalence).tolist()
        before, covered = posterior(np.array([hidden.unchanged, hidden.hidden]), prevalence).tolist()
        return replace(self, stability=Stability(unchanged, tuple(changed)), occlusion=Occlusion(before, covered, hidden.reason))


def compute_second_opinion(image: np.ndarray, predictor: Predictor, answer: Answer, lungs: Lungs) -> SecondOpinion:
    """About `answer`, which `predictor` gave to the canonical `image`, uint8 (224, 224). Nine passes. Raises ModelError."""
    changed = tuple(_log_ratio(predictor, change(image)) for _, change in SMALL_CHANGES)
    return SecondOpinion(
        Stability(answer.log_ratio, changed),
        occlusion(image, predictor, answer, lungs),
        heat_in_lungs(answer, predictor.card, lungs),
        similar_to(answer, predictor),
    )


def similar_to(answer: Answer, predictor: Predictor) -> tuple[SimilarCase, ...]:
    """The train images most like the one that `predictor` gave `answer` to; empty where none are stored with the model."""
    if predictor.reference is None or answer.features is None:
        return ()
    return find_similar_cases(answer.features, predictor.reference)


def _log_ratio(predictor: Predictor, image: np.ndarray) -> float:
    try:
        return predictor.answer(image).log_ratio
    except LungsNotFound:
        return float("nan")


def vote(card: ModelCard, log_ratio: float, terms: Terms) -> Vote:
    """Raises ConfigError for terms that do not fit the model."""
    reading = judge(log_ratio, card, terms)
    return Vote(card.id, reading.probability, reading.verdict)
