"""What speaks for or against one answer: small changes, hidden lungs, the place of the heat, similar cases, other models.

Nothing here changes an answer. Probabilities are kept, not labels, so that every operating point can judge them anew.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from pneumo.errors import LungsNotFound
from pneumo.imaging.changes import blur, brightness, contrast, jpeg, rotation, shift
from pneumo.inference.finding import judge
from pneumo.inference.lung_checks import HeatShare, Lungs, Occlusion, heat_in_lungs, occlusion
from pneumo.inference.predictor import Answer, Predictor
from pneumo.inference.similar_cases import SimilarCase, similar_cases
from pneumo.registry import ModelCard

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
    """Calibrated probabilities of the image as it is and under each of SMALL_CHANGES; NaN where a change got no answer."""

    unchanged: float
    changed: tuple[float, ...]

    @property
    def lowest(self) -> float:
        return float(np.nanmin([self.unchanged, *self.changed]))

    @property
    def highest(self) -> float:
        return float(np.nanmax([self.unchanged, *self.changed]))

    def turned(self, threshold: float) -> int:
        """How many changes give the other label at `threshold`, or no answer."""
        return sum(np.isnan(value) or (value >= threshold) != (self.unchanged >= threshold) for value in self.changed)


@dataclass(frozen=True)
class Vote:
    """What one model says at its own operating point of the same name."""

    model: str
    probability: float
    threshold: float
    label: str


@dataclass(frozen=True)
class SecondOpinion:
    """All of one model on one image; the votes of the other models stand beside it."""

    stability: Stability
    occlusion: Occlusion
    heat: HeatShare
    similar: tuple[SimilarCase, ...]  # empty where the model has no stored train images


def second_opinion(image: np.ndarray, predictor: Predictor, answer: Answer, lungs: Lungs) -> SecondOpinion:
    """About `answer`, which `predictor` gave to the canonical `image`, uint8 (224, 224). Nine passes. Raises ModelError."""
    changed = tuple(_probability(predictor, change(image)) for _, change in SMALL_CHANGES)
    similar: tuple[SimilarCase, ...] = ()
    if predictor.reference is not None and answer.features is not None:
        similar = similar_cases(answer.features, predictor.reference)
    return SecondOpinion(Stability(answer.probability, changed), occlusion(image, predictor, answer, lungs),
                         heat_in_lungs(answer, predictor.card, lungs), similar)  # fmt: skip


def _probability(predictor: Predictor, image: np.ndarray) -> float:
    try:
        return predictor.answer(image).probability
    except LungsNotFound:
        return float("nan")


def vote(card: ModelCard, probability: float, operating_point: str) -> Vote:
    """Raises ConfigError for an operating point that the model does not have."""
    reading = judge(probability, card, operating_point)
    return Vote(card.id, probability, reading.threshold, reading.label)
