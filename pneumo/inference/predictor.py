"""Run a verified model: logit and Grad-CAM of a radiograph, without Keras or TensorFlow."""

import copy
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np

from pneumo.errors import LungsNotFound, ModelError
from pneumo.imaging.lung_box import Box
from pneumo.imaging.preprocess import model_input
from pneumo.inference.heatmap import Heatmap
from pneumo.inference.lung_fields import LungFinder
from pneumo.inference.reference import Reference
from pneumo.inference.session import load_session
from pneumo.log import known
from pneumo.memory import trim_heap
from pneumo.registry.model_folder import GRAPH, REFERENCE, WEIGHTS
from pneumo.registry.models import ModelCard, Verified, verified
from pneumo.registry.seal import Seal

log = logging.getLogger(__name__)

_INPUT, _OUTPUTS = "radiograph", {"logit", "map", "features"}  # features: for the gate


@dataclass(frozen=True)
class Outputs:
    """The graph's outputs for n inputs, all float32."""

    logits: np.ndarray  # (n,), of pneumonia
    maps: np.ndarray  # (n, h, w), signed Grad-CAM of pneumonia
    bacterial: np.ndarray | None  # (n,), logits of bacterial against viral; None without a subtype output
    features: np.ndarray | None = None  # (n, channels), the last feature maps averaged over space


@dataclass(frozen=True)
class Answer:
    """The network's result for one image, before any operating point."""

    logit: float
    log_ratio: float  # calibrated log likelihood ratio of pneumonia; with a prevalence a probability (inference/finding.judge)
    heatmap: Heatmap
    gradcam: np.ndarray  # float32 (h, w), the signed map that `heatmap` is cut from
    bacterial: float | None = None  # calibrated probability of bacterial given pneumonia; None without a subtype output
    features: np.ndarray | None = None  # float32 (channels,); None: an older serving graph


@dataclass(frozen=True)
class AppliedProfile:
    """A site profile that replaces the model's own calibration and cuts."""

    name: str
    sha256: str  # of the profile
    sentence: str  # shown with every answer
    prevalence: float | None  # default prevalence at the site; None: not in the profile


class Predictor:
    """One loaded model. Stateless, so one instance serves all threads and sessions."""

    def __init__(
        self,
        card: ModelCard,
        files: Path | Mapping[str, bytes],
        reference: Reference | None = None,
        finder: LungFinder | None = None,
        threads: int = 0,
    ):
        """`files`: contents from `verified`, or the path of a new graph with its weights beside it.

        `finder`: the lung segmenter of a lung-centred model. Without a reference the gate applies only its rules.
        """
        self.card, self.reference, self.finder = card, reference, finder
        self.seal: Seal | None = None  # of its verified folder
        self.profile: AppliedProfile | None = None
        graph, beside = (files, None) if isinstance(files, Path) else (files[GRAPH], {WEIGHTS: files[WEIGHTS]})
        self._session = load_session(graph, f"Model {card.id!r}", GRAPH, beside, threads)
        self._names = [output.name for output in self._session.get_outputs()]

    @classmethod
    def load(cls, model: str, root: Path | None = None, threads: int = 0) -> "Predictor":
        """Verify the folder, then load; `threads`: compute threads, 0 for one per core. Raises ModelError."""
        folder = verified(model, root)
        predictor = cls.of(folder, threads)
        if folder.seal and not folder.seal.signer:
            state = folder.seal.state
            facts = known(model=model, seal=state)
            log.warning("Model %r is %s: its files are whole, and nobody known here vouches for them.", model, state, extra=facts)
        del folder
        trim_heap()
        return predictor

    @classmethod
    def of(cls, folder: Verified, threads: int = 0) -> "Predictor":
        """Load a verified folder, with the lung segmenter if lung-centred. Raises ModelError."""
        card, model = folder.card, folder.card.id
        finder = LungFinder.load() if card.input.lung_centred else None
        if finder and finder.sha256 != card.segmenter_sha256:
            raise ModelError(f"Model {model!r} was made with another lung segmenter than the one here. Promote the run again.")
        try:
            reference = Reference.load(BytesIO(folder.files[REFERENCE])) if REFERENCE in folder.files else None
        except ModelError as error:
            raise ModelError(f"Model {model!r}: {error}") from error
        predictor = cls(card, folder.files, reference, finder, threads)
        predictor.seal = folder.seal
        inputs = [(node.name, node.shape[1:]) for node in predictor._session.get_inputs()]
        if inputs != [(_INPUT, [card.input.size, card.input.size, 1])] or not set(predictor._names) >= _OUTPUTS:
            raise ModelError(f"Model {model!r}: {GRAPH} is another kind of graph than its card says. Promote the run again.")
        return predictor

    def with_profile(self, profile: AppliedProfile, card: ModelCard) -> "Predictor":
        """The same model with a site profile; `card` holds the profile's calibration and cuts."""
        copied = copy.copy(self)
        copied.card, copied.profile = card, profile
        return copied

    def run(self, batch: np.ndarray) -> Outputs:
        """The outputs for float32 (n, size, size, 1) in [0, 1].

        A `mirrored` model averages logit and map over each image and its mirror image; features are the image's.
        """
        straight = self.one_pass(batch)
        if not self.card.mirrored:
            return straight
        mirror = self.one_pass(np.ascontiguousarray(batch[:, :, ::-1]))
        bacterial = None if straight.bacterial is None else (straight.bacterial + mirror.bacterial) / 2
        maps = (straight.maps + mirrored_back(mirror.maps, self.card.heatmap_centres)) / 2
        return Outputs((straight.logits + mirror.logits) / 2, maps, bacterial, straight.features)

    def one_pass(self, batch: np.ndarray) -> Outputs:
        """The outputs of one pass, without mirroring."""
        outputs = dict(zip(self._names, self._session.run(self._names, {_INPUT: batch}), strict=True))
        return Outputs(outputs["logit"], outputs["map"], outputs.get("bacterial"), outputs.get("features"))

    def shown(self, image: np.ndarray) -> Box:
        """The region of a canonical image, uint8 (224, 224), that the network sees. Raises LungsNotFound without lungs."""
        return self.card.input.shown(self.finder.find(image).box if self.finder else None)

    def shown_if_found(self, image: np.ndarray) -> Box | None:
        """As `shown`, but None without plausible lungs."""
        try:
            return self.shown(image)
        except LungsNotFound:
            return None

    def input(self, image: np.ndarray, shown: Box | None = None) -> np.ndarray:
        """float32 (size, size, 1), see `model_input`. Without `shown` raises as `shown` does."""
        return model_input(image, self.card.input, shown or self.shown(image))

    def answer(self, image: np.ndarray, shown: Box | None = None) -> Answer:
        """Answer one canonical image, uint8 (224, 224). One at a time, so that answers do not depend on a batch.

        `shown`: the region if known, as with hidden lungs. Raises LungsNotFound, and ModelError for a non-finite output.
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
    """Maps (n, h, w) of mirror images, flipped back onto the images.

    `centres`: of the first and last cell, fractions of the width. Cells may lie asymmetrically, so they are interpolated.
    """
    flipped, width = maps[:, :, ::-1], maps.shape[2]
    positions = np.linspace(*centres, width)
    weights = np.stack([np.interp(positions, 1.0 - positions[::-1], cell) for cell in np.eye(width)])  # (w flipped, w)
    return np.asarray(flipped @ weights, maps.dtype)
