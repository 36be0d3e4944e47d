"""A verified model folder -> logit and Grad-CAM of a radiograph, without Keras or TensorFlow."""

import copy
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np

from pneumo.errors import ModelError
from pneumo.imaging.lung_box import Box
from pneumo.imaging.preprocess import model_input
from pneumo.inference.heatmap import Heatmap
from pneumo.inference.lung_fields import LungFinder
from pneumo.inference.reference import FILE as REFERENCE
from pneumo.inference.reference import Reference
from pneumo.inference.session import load_session
from pneumo.memory import trim_heap
from pneumo.registry.models import GRAPH, WEIGHTS, ModelCard, Verified, verified
from pneumo.registry.seal import Seal

log = logging.getLogger(__name__)

_INPUT, _OUTPUTS = "radiograph", {"logit", "map", "features"}  # features: the gate goes by them


@dataclass(frozen=True)
class Outputs:
    """What the graph gives for n inputs, all float32."""

    logits: np.ndarray  # (n,), of pneumonia
    maps: np.ndarray  # (n, h, w), signed Grad-CAM of pneumonia
    bacterial: np.ndarray | None  # (n,), logits of bacterial against viral; None where the network has no such output
    features: np.ndarray | None = None  # (n, channels), the last feature maps averaged over space


@dataclass(frozen=True)
class Answer:
    """What the network said of one image, before any operating point."""

    logit: float
    log_ratio: float  # calibrated log likelihood ratio of pneumonia; with a prevalence a probability (inference/finding.judge)
    heatmap: Heatmap
    gradcam: np.ndarray  # float32 (h, w), the signed map that `heatmap` is cut from
    bacterial: float | None = None  # calibrated; given pneumonia, bacterial rather than viral. None: the model does not tell
    features: np.ndarray | None = None  # float32 (channels,), the image's in this model; None: an older serving graph


@dataclass(frozen=True)
class InTermsOf:
    """A site profile that answers are read by, instead of the model's own calibration and cuts."""

    name: str
    sha256: str  # of the profile
    sentence: str  # stands with every answer
    prevalence: float | None  # of the site, where nobody states another; None: the profile says nothing of it


class Predictor:
    """One loaded model. Holds no state of a request: one instance serves every thread and session at once."""

    def __init__(
        self,
        card: ModelCard,
        files: Path | Mapping[str, bytes],
        reference: Reference | None = None,
        finder: LungFinder | None = None,
        threads: int = 0,
    ):
        """`files`: what `verified` gave out; or the path of a graph that was just made, with its weights beside it.

        `finder`: finds the lungs for a lung-centred model. Without a reference the gate has its rules alone: no such model serves.
        """
        self.card, self.reference, self.finder = card, reference, finder
        self.seal: Seal | None = None  # of the folder, where it was loaded from one that is whole
        self.profile: InTermsOf | None = None
        graph, beside = (files, None) if isinstance(files, Path) else (files[GRAPH], {WEIGHTS: files[WEIGHTS]})
        self._session = load_session(graph, f"Model {card.id!r}", GRAPH, beside, threads)
        self._names = [output.name for output in self._session.get_outputs()]

    @classmethod
    def load(cls, model: str, root: Path | None = None, threads: int = 0) -> "Predictor":
        """Verify the folder, then load; `threads` is how many compute, 0 one a core. Raises ModelError."""
        found = verified(model, root)
        predictor = cls.of(found, threads)
        if found.seal and not found.seal.signer:
            log.warning("Model %r is %s: its files are whole, and nobody known here vouches for them.", model, found.seal.state)
        del found
        trim_heap()
        return predictor

    @classmethod
    def of(cls, found: Verified, threads: int = 0) -> "Predictor":
        """With the lung segmenter, where the model is lung-centred. Raises ModelError."""
        card, model = found.card, found.card.id
        finder = LungFinder.load() if card.input.lung_centred else None
        if finder and finder.sha256 != card.segmenter_sha256:
            raise ModelError(f"Model {model!r} was made with another lung segmenter than the one here. Promote the run again.")
        try:
            reference = Reference.load(BytesIO(found.files[REFERENCE])) if REFERENCE in found.files else None
        except ModelError as error:
            raise ModelError(f"Model {model!r}: {error}") from error
        predictor = cls(card, found.files, reference, finder, threads)
        predictor.seal = found.seal
        inputs = [(each.name, each.shape[1:]) for each in predictor._session.get_inputs()]
        if inputs != [(_INPUT, [card.input.size, card.input.size, 1])] or not set(predictor._names) >= _OUTPUTS:
            raise ModelError(f"Model {model!r}: {GRAPH} is another kind of graph than its card says. Promote the run again.")
        return predictor

    def read_by(self, profile: InTermsOf, card: ModelCard) -> "Predictor":
        """The same model on the terms of a site profile: `card` with its calibration and cuts. Every answer names it."""
        other = copy.copy(self)
        other.card, other.profile = card, profile
        return other

    def run(self, batch: np.ndarray) -> Outputs:
        """What the model says of float32 (n, size, size, 1) in [0, 1].

        A model that is `mirrored` gives the mean logit and map of each image and its mirror image; features stay the image's.
        """
        straight = self.one_pass(batch)
        if not self.card.mirrored:
            return straight
        mirror = self.one_pass(np.ascontiguousarray(batch[:, :, ::-1]))
        bacterial = None if straight.bacterial is None else (straight.bacterial + mirror.bacterial) / 2
        maps = (straight.maps + mirrored_back(mirror.maps, self.card.heatmap_centres)) / 2
        return Outputs((straight.logits + mirror.logits) / 2, maps, bacterial, straight.features)

    def one_pass(self, batch: np.ndarray) -> Outputs:
        """The network's own outputs."""
        found = dict(zip(self._names, self._session.run(self._names, {_INPUT: batch}), strict=True))
        return Outputs(found["logit"], found["map"], found.get("bacterial"), found.get("features"))

    def shown(self, image: np.ndarray) -> Box:
        """The part of a canonical image, uint8 (224, 224), that the network is shown.

        Raises LungsNotFound where a lung-centred model has nothing to look at.
        """
        return self.card.input.shown(self.finder.find(image).box if self.finder else None)

    def input(self, image: np.ndarray, shown: Box | None = None) -> np.ndarray:
        """float32 (size, size, 1), see `model_input`. Raises as `shown` does, where `shown` is not given."""
        return model_input(image, self.card.input, shown or self.shown(image))

    def answer(self, image: np.ndarray, shown: Box | None = None) -> Answer:
        """One canonical image, uint8 (224, 224), at a time: an answer never depends on what else was asked.

        `shown`: where the lungs are known already, as in a picture in which they were hidden. Raises LungsNotFound, and ModelError
        when the network gives no finite number.
        """
        shown = shown or self.shown(image)
        card, outputs = self.card, self.run(self.input(image, shown)[np.newaxis])
        logit, bacterial = float(outputs.logits[0]), None
        if outputs.bacterial is not None and card.subtype_calibration is not None:
            bacterial = float(card.subtype_calibration.probability(outputs.bacterial[0]))
        if not np.isfinite([logit, bacterial or 0.0]).all():
            raise ModelError(f"Model {card.id!r} gave no number for this image; it gives no answer. Use another model.")
        heatmap = Heatmap.from_map(outputs.maps[0], card.heatmap_scale, shown, card.heatmap_centres)
        features = None if outputs.features is None else outputs.features[0]
        return Answer(logit, float(card.calibration.log_ratio(logit)), heatmap, outputs.maps[0], bacterial, features)


def mirrored_back(maps: np.ndarray, centres: tuple[float, float]) -> np.ndarray:
    """Maps (n, h, w) of mirror images as they lie over the images themselves.

    `centres`: of the first and last cell, fractions of the width. Cells need not lie symmetrically, so they are interpolated.
    """
    flipped, width = maps[:, :, ::-1], maps.shape[2]
    wanted = np.linspace(*centres, width)
    weights = np.stack([np.interp(wanted, 1.0 - wanted[::-1], cell) for cell in np.eye(width)])  # (w flipped, w wanted)
    return np.asarray(flipped @ weights, maps.dtype)
