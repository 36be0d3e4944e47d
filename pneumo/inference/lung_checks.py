"""Checks that an answer rests on the lungs: the score with lungs hidden, and the share of heat inside them."""

from dataclasses import dataclass

import numpy as np

from pneumo.imaging.lung_cover import lungs_hidden
from pneumo.inference.heatmap import heat_share, seen_share
from pneumo.inference.lung_fields import LungFinder, lungs_folder
from pneumo.inference.predictor import Answer, Predictor
from pneumo.registry.models import ModelCard

_NO_HEAT = "No place spoke for pneumonia, so there is no heat to share out."
RESTS_ON_LUNGS = 0.2  # smallest score change with hidden lungs that counts as resting on them


@dataclass(frozen=True)
class Lungs:
    """The lung fields of one image, bool (224, 224), or None and the reason."""

    mask: np.ndarray | None
    reason: str = ""


@dataclass(frozen=True)
class HeatShare:
    """Shares in the lungs, 0 to 1, of the raw map's positive heat and of the shown region; NaN with a reason."""

    in_lungs: float
    area_of_lungs: float
    reason: str = ""


@dataclass(frozen=True)
class Occlusion:
    """Scores with lungs visible and hidden: log likelihood ratios, or probabilities from `SecondOpinion.at`; NaN with a reason."""

    unchanged: float
    hidden: float
    reason: str = ""

    def moved(self, threshold: float) -> float:
        """How far hiding the lungs moves the score away from the label at `threshold`; negative if it strengthens the label."""
        return self.unchanged - self.hidden if self.unchanged >= threshold else self.hidden - self.unchanged

    def same_side(self, threshold: float) -> bool:
        return (self.unchanged >= threshold) == (self.hidden >= threshold)


def occlusion(image: np.ndarray, predictor: Predictor, answer: Answer, lungs: Lungs) -> Occlusion:
    """One pass. Raises ModelError."""
    if lungs.mask is None:
        return Occlusion(answer.log_ratio, float("nan"), lungs.reason)
    hidden = predictor.answer(lungs_hidden(image, lungs.mask), answer.heatmap.shown)
    return Occlusion(answer.log_ratio, hidden.log_ratio)


def heat_in_lungs(answer: Answer, card: ModelCard, lungs: Lungs) -> HeatShare:
    """Measured on the signed map, as the heatmap is clipped."""
    if lungs.mask is None:
        return HeatShare(float("nan"), float("nan"), lungs.reason)
    if answer.heatmap.empty:
        return HeatShare(float("nan"), float("nan"), _NO_HEAT)
    shown = answer.heatmap.shown
    share = heat_share(answer.gradcam, card, shown, lungs.mask)
    reason = "" if np.isfinite(share) else _NO_HEAT
    return HeatShare(share, seen_share(shown, lungs.mask), reason)


def lungs_of(image: np.ndarray, finder: LungFinder | None) -> Lungs:
    """Lung fields of a canonical image by the segmenter."""
    if finder is None:
        return Lungs(None, "This installation has no lung segmenter (models/lungs).")
    fields = finder.find(image)
    return Lungs(fields.mask) if fields.plausible else Lungs(None, fields.reason)


def load_finder() -> LungFinder | None:
    """The segmenter, None if not installed. Raises ModelError for one that does not verify."""
    return LungFinder.load() if lungs_folder().is_dir() else None
