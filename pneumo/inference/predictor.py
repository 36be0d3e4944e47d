"""A verified model folder -> logit and Grad-CAM of a radiograph, without Keras or TensorFlow."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime

from pneumo.errors import ModelError
from pneumo.imaging.preprocess import model_input
from pneumo.inference.heatmap import Heatmap
from pneumo.registry import ModelCard, verified


@dataclass(frozen=True)
class Answer:
    """What the network said of one image, before any operating point."""

    logit: float
    probability: float  # calibrated, of pneumonia
    heatmap: Heatmap


class Predictor:
    """One loaded model. Holds no state of a request: one instance serves every thread and session at once."""

    def __init__(self, card: ModelCard, graph: Path):
        self.card = card
        try:
            self._session = onnxruntime.InferenceSession(str(graph), providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime raises a dozen kinds, all bare Exception subclasses
            raise ModelError(f"Model {card.id!r} does not load: {graph.name} is no graph this version can run.") from error

    @classmethod
    def load(cls, model: str, root: Path | None = None) -> "Predictor":
        """Verify hashes, then load. Raises ModelError."""
        card, folder = verified(model, root)
        return cls(card, folder / "model.onnx")

    def run(self, batch: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """float32 (n, size, size, 1) in [0, 1] -> logits (n,), signed Grad-CAM maps (n, h, w)."""
        logits, maps = self._session.run(["logit", "map"], {"radiograph": batch})
        return logits, maps

    def answer(self, image: np.ndarray) -> Answer:
        """One canonical image, uint8 (224, 224), at a time: an answer never depends on what else was asked.

        Raises ModelError when the network gives no finite number.
        """
        logits, maps = self.run(model_input(image, self.card.input)[np.newaxis])
        logit = float(logits[0])
        if not np.isfinite(logit):
            raise ModelError(f"Model {self.card.id!r} gave no number for this image; it gives no answer. Use another model.")
        heatmap = Heatmap.from_map(maps[0], self.card.heatmap_scale, self.card.input.window, self.card.heatmap_centres)
        return Answer(logit, float(self.card.calibration.probability(logit)), heatmap)
