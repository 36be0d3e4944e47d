"""Radiograph + heat -> picture. Colour maps are perceptually even; no heat is transparent."""

import functools
import io

import cv2
import matplotlib
import numpy as np
from PIL import Image

COLOUR_MAPS = ("magma", "inferno", "viridis")
_FLOOR = 0.10  # heat below this is fully transparent
_NO_FRACTIONS = np.empty(0, np.uint16)  # where whole coordinates are looked up
_STRIP = 64  # rows at a time: what lies between the steps stays in the processor's cache


def grey_picture(pixels: np.ndarray, window: tuple[float, float] = (0.0, 1.0)) -> np.ndarray:
    """float (h, w) in [0, 1] -> uint8 (h, w, 3), grey levels `window` spread over black to white (for the eye only)."""
    low, high = window
    scale = 255.0 / max(high - low, 1e-3)
    grey = cv2.addWeighted(
        np.asarray(pixels, np.float32), scale, np.asarray(pixels, np.float32), 0.0, -low * scale, dtype=cv2.CV_8U
    )
    return cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB)


def overlay_picture(picture: np.ndarray, heat: np.ndarray, opacity: float, colour_map: str = "magma") -> np.ndarray:
    """uint8 (h, w, 3) with float (h, w) heat in [0, 1] over it; full heat covers by `opacity`, no heat not at all.

    The picture is grey (its channels are equal), and heat is drawn in 256 steps, as many as a colour map has.
    """
    colours, laid = _laid_colours(opacity, colour_map), np.empty_like(picture)
    for top in range(0, len(picture), _STRIP):
        rows = slice(top, top + _STRIP)
        levels = (np.clip(heat[rows], 0.0, 1.0) * 255.0).astype(np.int16)
        where = cv2.merge([picture[rows, :, 0].astype(np.int16), levels])
        cv2.remap(colours, where, _NO_FRACTIONS, cv2.INTER_NEAREST, dst=laid[rows])
    return laid


def legend_picture(colour_map: str, width: int = 256, height: int = 12) -> np.ndarray:
    """uint8 (height, width, 3): heat 0 at the left, 1 at the right."""
    legend: np.ndarray = np.rint(_colours(np.tile(np.linspace(0, 1, width), (height, 1)), colour_map)).astype(np.uint8)
    return legend


def colour_table(colour_map: str) -> np.ndarray:
    """uint8 (256, 4): red, green, blue and cover of each step of heat at full opacity, for whoever lays it over a picture."""
    steps = np.linspace(0.0, 1.0, 256)
    table: np.ndarray = np.rint(np.column_stack([_colours(steps, colour_map), 255.0 * _cover(steps)])).astype(np.uint8)
    return table


def png(picture: np.ndarray) -> bytes:
    """uint8 (h, w, 3) or (h, w) -> PNG bytes without metadata. Packed quickly: a sixth of the time for a tenth more bytes."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def fit_within(pixels: np.ndarray, side: int) -> np.ndarray:
    """float32 (h, w) shrunk (never enlarged) so that its longer side is at most `side`, antialiased, aspect kept."""
    height, width = pixels.shape
    factor = side / max(height, width)
    if factor >= 1:
        return pixels
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    small: np.ndarray = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    return small


@functools.lru_cache(maxsize=8)
def _laid_colours(opacity: float, colour_map: str) -> np.ndarray:
    """uint8 (256, 256, 3): each grey (along) under each step of heat (down). A picture has millions of pixels."""
    steps, greys = np.linspace(0.0, 1.0, 256)[:, np.newaxis], np.arange(256.0)[:, np.newaxis]
    cover = opacity * _cover(steps)[:, np.newaxis]
    return np.rint(greys * (1.0 - cover) + _colours(steps, colour_map) * cover).astype(np.uint8)


def _cover(heat: np.ndarray) -> np.ndarray:
    covers: np.ndarray = np.clip((heat - _FLOOR) / (1.0 - _FLOOR), 0.0, 1.0) ** 0.7
    return covers


def _colours(heat: np.ndarray, colour_map: str) -> np.ndarray:
    # The lowest sixth of magma and inferno is black, which on a radiograph would read as shadow, not as heat.
    return matplotlib.colormaps[colour_map](1 / 6 + heat * 5 / 6)[..., :3] * 255.0
