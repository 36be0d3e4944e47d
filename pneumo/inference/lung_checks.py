"""Does an answer rest on the lungs? The score with the lungs hidden, and the share of the heat that lies in them."""

from dataclasses import dataclass

import numpy as np

from pneumo.imaging.lung_cover import lungs_hidden
from pneumo.inference.heatmap import heat_share, seen_share
from pneumo.inference.lung_fields import LungFinder, lungs_folder
from pneumo.inference.predictor import Answer, Predictor
from pneumo.registry.models import ModelCard

_NO_HEAT = "No place spoke for pneumonia, so there is no heat to share out."
RESTS_ON_LUNGS = 0.2  # a score that moves less when the lungs are hidden does not rest on them


@dataclass(frozen=True)
class Lungs:
    """The lung fields of one image, bool (224, 224), or None and the reason why they cannot be told."""

    mask: np.ndarray | None
    reason: str = ""


@dataclass(frozen=True)
class HeatShare:
    """Shares, 0 to 1, of the raw map's positive heat and of what the network is shown; NaN for the reason."""

    in_lungs: float
    area_of_lungs: float
    reason: str = ""


@dataclass(frozen=True)
class Occlusion:
    """With the lungs in sight and painted over (see `lungs_hidden`): log likelihood ratios as measured, or the probabilities of
    `SecondOpinion.at`; NaN for the reason.
    """

    unchanged: float
    hidden: float
    reason: str = ""

    def moved(self, threshold: float) -> float:
        """How far hiding the lungs moves the score away from the label at `threshold`; negative where it strengthens it."""
        return self.unchanged - self.hidden if self.unchanged >= threshold else self.hidden - self.unchanged

    def same_side(self, threshold: float) -> bool:
        return (self.unchanged >= threshold) == (self.hidden >= threshold)

    def alarms(self, threshold: float) -> bool:
        """A PNEUMONIA that stays one, and hardly moves, although no lung is to be seen.

        Of NORMAL nothing is said: there is no finding to be missed when it is hidden. A model that says 0.5 of a picture
        without lungs passes with every score that is clearly above that.
        """
        called = self.unchanged >= threshold
        return called and self.same_side(threshold) and self.moved(threshold) < RESTS_ON_LUNGS


def occlusion(image: np.ndarray, predictor: Predictor, answer: Answer, lungs: Lungs) -> Occlusion:
    """One pass. Raises ModelError."""
    if lungs.mask is None:
        return Occlusion(answer.log_ratio, float("nan"), lungs.reason)
    hidden = predictor.answer(lungs_hidden(image, lungs.mask), answer.heatmap.shown)
    return Occlusion(answer.log_ratio, hidden.log_ratio)


def heat_in_lungs(answer: Answer, card: ModelCard, lungs: Lungs) -> HeatShare:
    """By the signed map, not by the heatmap, which is cut off at full heat: the share is of all of it."""
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
    found = finder.find(image)
    return Lungs(found.mask) if found.plausible else Lungs(None, found.reason)


def load_finder() -> LungFinder | None:
    """The segmenter; None where there is none. Raises ModelError for one that does not verify."""
    return LungFinder.load() if lungs_folder().is_dir() else None
