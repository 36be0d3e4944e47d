"""Grad-CAM heatmaps on a fixed scale, placed over the image region the network saw."""

from dataclasses import dataclass

import cv2
import numpy as np

from pneumo.imaging.lung_box import Box
from pneumo.registry.models import ModelCard

EMPTY_BELOW = 0.10  # heat below a tenth of the scale is not drawn
_STRIP = 64  # rows at a time, to fit the CPU cache


@dataclass(frozen=True)
class Heatmap:
    """`heat` float32 (h, w) in [0, 1] on the model's fixed scale.

    Heat is evidence for pneumonia only. `shown`: the region the network saw; `centres` of its first and last cell, as fractions.
    """

    heat: np.ndarray
    shown: Box
    centres: tuple[float, float]

    @classmethod
    def from_map(cls, gradcam: np.ndarray, scale: float, shown: Box, centres: tuple[float, float]) -> "Heatmap":
        """ReLU of the signed map over `scale` (from the model card), clipped at 1; never rescaled per image."""
        heat = np.clip(np.asarray(gradcam, np.float32) / np.float32(scale), 0.0, 1.0)
        heat.setflags(write=False)
        return cls(heat, shown, centres)

    @property
    def peak(self) -> float:
        return float(self.heat.max())

    @property
    def empty(self) -> bool:
        return self.peak < EMPTY_BELOW

    def on_image(self, height: int, width: int) -> np.ndarray:
        """float32 (height, width) in [0, 1], in the image's aspect; zero outside `shown`."""
        down = self._weights(height, self.heat.shape[0], self.shown.top, self.shown.bottom)
        across = self._weights(width, self.heat.shape[1], self.shown.left, self.shown.right)
        full, rows = np.empty((height, width), np.float32), self.heat @ across
        for top in range(0, height, _STRIP):
            np.clip(down.T[top : top + _STRIP] @ rows, 0.0, 1.0, out=full[top : top + _STRIP])
        return full

    def _weights(self, length: int, cells: int, start: float, end: float) -> np.ndarray:
        """float32 (cells, length): weights of cubic, separable interpolation along one axis; zero outside `start` to `end`."""
        positions = (np.arange(length, dtype=np.float32) + 0.5) / length
        first, last = (start + centre * (end - start) for centre in self.centres)
        places = ((positions - first) / max(last - first, 1e-6) * (cells - 1)).astype(np.float32)
        across, down = np.meshgrid(places, np.arange(cells, dtype=np.float32))
        single = np.eye(cells, dtype=np.float32)
        weights: np.ndarray = cv2.remap(single, across, down, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        weights *= ((positions >= start) & (positions <= end)).astype(np.float32)
        return weights


def heat_share(gradcam: np.ndarray, card: ModelCard, shown: Box, mask: np.ndarray) -> float:
    """Share of the positive heat of a raw map (h, w) inside `mask`, bool (224, 224); NaN without positive heat.

    The map is placed as it is drawn, but scaled to its own maximum, so that nothing is clipped.
    """
    peak = float(np.max(gradcam))
    if peak <= 0:
        return float("nan")
    heat = Heatmap.from_map(gradcam, peak, shown, card.heatmap_centres).on_image(*mask.shape)
    return float(heat[mask].sum() / heat.sum())


def seen_share(shown: Box, mask: np.ndarray) -> float:
    """Share of `shown` that `mask`, bool (h, w), covers: the `heat_share` of a uniform map."""
    rows, columns = ((np.arange(side) + 0.5) / side for side in mask.shape)
    down, across = (rows >= shown.top) & (rows <= shown.bottom), (columns >= shown.left) & (columns <= shown.right)
    return float(mask[np.ix_(down, across)].mean())
