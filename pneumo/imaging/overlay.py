"""Radiograph + heatmap -> picture. Colour maps are perceptually uniform; where there is no heat the overlay is transparent."""

import functools
import io

import cv2
import matplotlib
import numpy as np
from PIL import Image

COLOUR_MAPS = ("magma", "inferno", "viridis")
_FLOOR = 0.10  # heat below this is fully transparent
_NO_FRACTIONS = np.empty(0, np.uint16)  # for cv2.remap: all coordinates are whole
_STRIP = 64  # rows processed at a time, so that intermediate arrays stay in the processor's cache


def grey_picture(pixels: np.ndarray, window: tuple[float, float] = (0.0, 1.0)) -> np.ndarray:
    """float (h, w) in [0, 1] -> uint8 (h, w, 3) for display; the grey levels of `window` are spread over black to white."""
    (low, high), pixels = window, np.asarray(pixels, np.float32)
    scale = 255.0 / max(high - low, 1e-3)
    grey = cv2.addWeighted(pixels, scale, pixels, 0.0, -low * scale, dtype=cv2.CV_8U)
    return cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB)


def overlay_picture(picture: np.ndarray, heat: np.ndarray, opacity: float, colour_map: str = "magma") -> np.ndarray:
    """Lay heat, float (h, w) in [0, 1], over a picture, uint8 (h, w, 3). Heat 1 covers with `opacity`, no heat not at all.

    The picture must be grey (equal channels). Heat is drawn in 256 steps, as many as a colour map has.
    """
    colours, blended = _blended_colours(opacity, colour_map), np.empty_like(picture)
    for top in range(0, len(picture), _STRIP):
        rows = slice(top, top + _STRIP)
        levels = (np.clip(heat[rows], 0.0, 1.0) * 255.0).astype(np.int16)
        grey_and_heat = cv2.merge([picture[rows, :, 0].astype(np.int16), levels])
        cv2.remap(colours, grey_and_heat, _NO_FRACTIONS, cv2.INTER_NEAREST, dst=blended[rows])
    return blended


def legend_picture(colour_map: str, width: int = 256, height: int = 12) -> np.ndarray:
    """uint8 (height, width, 3): heat 0 at the left, 1 at the right."""
    return np.asarray(np.rint(_colours(np.tile(np.linspace(0, 1, width), (height, 1)), colour_map)), np.uint8)


def colour_table(colour_map: str) -> np.ndarray:
    """uint8 (256, 4): red, green, blue and alpha of each step of heat at full opacity, for the viewer."""
    steps = np.linspace(0.0, 1.0, 256)
    return np.asarray(np.rint(np.column_stack([_colours(steps, colour_map), 255.0 * _alpha(steps)])), np.uint8)


def png(picture: np.ndarray) -> bytes:
    """uint8 (h, w, 3) or (h, w) -> PNG bytes without metadata. Fast compression: a sixth of the time for a tenth more bytes."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def fit_within(pixels: np.ndarray, side: int) -> np.ndarray:
    """float32 (h, w), reduced with antialiasing so that its longer side is at most `side`; aspect kept, never enlarged."""
    height, width = pixels.shape
    factor = side / max(height, width)
    if factor >= 1:
        return pixels
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)


@functools.lru_cache(maxsize=8)
def _blended_colours(opacity: float, colour_map: str) -> np.ndarray:
    """uint8 (256, 256, 3), a look-up table: row = heat, column = grey. Faster than blending millions of pixels."""
    steps, greys = np.linspace(0.0, 1.0, 256)[:, np.newaxis], np.arange(256.0)[:, np.newaxis]
    cover = opacity * _alpha(steps)[:, np.newaxis]
    return np.rint(greys * (1.0 - cover) + _colours(steps, colour_map) * cover).astype(np.uint8)


def _alpha(heat: np.ndarray) -> np.ndarray:
    """Alpha of heat in [0, 1] at full opacity."""
    return np.clip((heat - _FLOOR) / (1.0 - _FLOOR), 0.0, 1.0) ** 0.7


def _colours(heat: np.ndarray, colour_map: str) -> np.ndarray:
    # Skip the lowest sixth: in magma and inferno it is black, which on a radiograph looks like shadow, not heat.
    return matplotlib.colormaps[colour_map](1 / 6 + heat * 5 / 6)[..., :3] * 255.0
