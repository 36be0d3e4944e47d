"""Grad-CAM values -> heat on a fixed scale, laid over the image where the network looked."""

from dataclasses import dataclass

import cv2
import numpy as np

EMPTY_BELOW = 0.10  # heat under a tenth of the scale is drawn as nothing
_STRIP = 64  # rows at a time, which stay in the processor's cache


@dataclass(frozen=True)
class Heatmap:
    """`heat` float32 (h, w) in [0, 1] on the model's fixed scale.

    Heat is evidence for pneumonia alone: what spoke against it, and images without any, have none. Positions are
    fractions of the image's width and height alike: `seen` (start, end) of what the network was shown, `centres` of the
    first and the last cell of the map.
    """

    heat: np.ndarray
    seen: tuple[float, float]
    centres: tuple[float, float]

    @classmethod
    def from_map(cls, gradcam: np.ndarray, scale: float, seen: tuple[float, float], centres: tuple[float, float]) -> "Heatmap":
        """ReLU of the signed map over `scale` (from the model card), cut at 1; never stretched to the image's own maximum.

        `centres` are fractions of what was seen, as the model card gives them.
        """
        heat = np.clip(np.asarray(gradcam, np.float32) / np.float32(scale), 0.0, 1.0)
        heat.setflags(write=False)
        start, end = seen
        return cls(heat, seen, (start + centres[0] * (end - start), start + centres[1] * (end - start)))

    @property
    def peak(self) -> float:
        return float(self.heat.max())

    @property
    def empty(self) -> bool:
        return self.peak < EMPTY_BELOW

    def on_image(self, height: int, width: int) -> np.ndarray:
        """float32 (height, width) in [0, 1], in the image's own aspect; zero outside what the network was shown."""
        down, across = self._weights(height, self.heat.shape[0]), self._weights(width, self.heat.shape[1])
        full, rows = np.empty((height, width), np.float32), self.heat @ across
        for top in range(0, height, _STRIP):
            np.clip(down.T[top : top + _STRIP] @ rows, 0.0, 1.0, out=full[top : top + _STRIP])
        return full

    def _weights(self, length: int, cells: int) -> np.ndarray:
        """float32 (cells, length): how much of each cell each pixel along one axis shows; zero outside what the network saw.

        Cubic interpolation works on one axis after the other, so its weights are what it makes of single cells.
        """
        across, down = np.meshgrid(self._cells(length, cells), np.arange(cells, dtype=np.float32))
        single = np.eye(cells, dtype=np.float32)
        weights: np.ndarray = cv2.remap(single, across, down, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        weights *= self._inside(length)
        return weights

    def _cells(self, length: int, cells: int) -> np.ndarray:
        """Map coordinate (0 the first cell's centre) of each pixel along one axis."""
        first, last = self.centres
        positions = (np.arange(length, dtype=np.float32) + 0.5) / length
        return ((positions - first) / max(last - first, 1e-6) * (cells - 1)).astype(np.float32)

    def _inside(self, length: int) -> np.ndarray:
        positions = (np.arange(length) + 0.5) / length
        return ((positions >= self.seen[0]) & (positions <= self.seen[1])).astype(np.float32)
