"""DICOM windowing (centre and width), for the model's image and for the viewer."""

from dataclasses import dataclass

import numpy as np

DISPLAY_SIDE = 2560  # longer side in pixels of the copy kept for display; most radiographs are smaller
LINEAR, LINEAR_EXACT, SIGMOID = "LINEAR", "LINEAR_EXACT", "SIGMOID"  # VOI LUT Function, PS3.3 C.11.2.1.2 and C.11.2.1.3
AS_STORED, FULL_RANGE, TABLE = "as stored", "full range of the picture", "table of the file (VOI LUT)"


@dataclass(frozen=True)
class Window:
    """A window in the file's own units: those of the stored values after the modality LUT or rescale."""

    name: str
    centre: float
    width: float


@dataclass(frozen=True)
class GreyValues:
    """Display copy of an image before windowing; no answer depends on it.

    `stored` is uint8 or uint16 (h, w), the longer side at most DISPLAY_SIDE; `stored * slope + intercept` is in the file's
    units. `windows` are the file's own, the default first; empty if the file has none or has a VOI LUT instead.
    `table`, for a file with a VOI LUT: uint8, the grey of each stored value from 0 on, before any inversion.
    """

    stored: np.ndarray
    slope: float
    intercept: float
    inverted: bool  # MONOCHROME1: the lowest value is white
    function: str = LINEAR
    windows: tuple[Window, ...] = ()
    table: np.ndarray | None = None

    def __post_init__(self) -> None:
        self.stored.setflags(write=False)

    @property
    def range(self) -> tuple[float, float]:
        """Lowest and highest value, in the file's units."""
        ends = (float(end) * self.slope + self.intercept for end in (self.stored.min(), self.stored.max()))
        low, high = sorted(ends)
        return low, high

    @property
    def presets(self) -> dict[str, tuple[float, float] | None]:
        """{name: (centre, width)}, the file's default presentation first; None instead for the file's table."""
        low, high = self.range
        # By PS3.3 C.11.2.1.2.1 this LINEAR window is black at `low` and white at `high`.
        extra = 1.0 if self.function == LINEAR and high - low >= 1 else 0.0
        named = {window.name: (window.centre, window.width) for window in self.windows}
        full = ((low + high + extra) / 2, max(high - low + extra, 1e-9))
        return {**({TABLE: None} if self.table is not None else {}), **named, FULL_RANGE: full}

    def through(self, centre: float, width: float) -> np.ndarray:
        """float32 (h, w) in [0, 1]: the image in another window."""
        return self._shown(windowed(np.arange(2**16) * self.slope + self.intercept, centre, width, self.function))

    def presented(self) -> np.ndarray:
        """float32 (h, w) in [0, 1]: the image in the file's default presentation, as the model receives it."""
        first = next(iter(self.presets.values()))
        if first is not None:
            return self.through(*first)
        assert self.table is not None
        return self._shown(self.table / 255.0)

    def _shown(self, greys: np.ndarray) -> np.ndarray:
        table = greys.astype(np.float32)
        return np.asarray((1.0 - table if self.inverted else table)[self.stored])


def plain_values(pixels: np.ndarray, bits: int) -> GreyValues:
    """An image without units, float (h, w) in [0, 1], with `bits` bits of grey -> GreyValues of 8 or 16 bits."""
    dtype, top = (np.uint8, 255.0) if bits <= 8 else (np.uint16, 65535.0)
    stored = np.rint(np.clip(pixels, 0.0, 1.0) * top).astype(dtype)
    return GreyValues(stored, 1.0, 0.0, False, LINEAR_EXACT, (Window(AS_STORED, top / 2, top),))


def windowed(values: np.ndarray, centre: float, width: float, function: str = LINEAR) -> np.ndarray:
    """Values in the window's units -> float64 in [0, 1], by PS3.3 C.11.2.1.2 and C.11.2.1.3; `width` above 0.

    A LINEAR window narrower than 1, forbidden by the standard, counts as LINEAR_EXACT. Raises ValueError for another `function`.
    """
    if function == SIGMOID:
        return 0.5 + 0.5 * np.tanh(2.0 * (values - centre) / width)  # 1 / (1 + exp(-4 x)) that cannot overflow
    if function not in (LINEAR, LINEAR_EXACT):
        raise ValueError("expected the VOI LUT function LINEAR, LINEAR_EXACT or SIGMOID")
    if function == LINEAR and width >= 1:
        centre, width = centre - 0.5, max(width - 1.0, 1e-6)
    return np.clip((values - centre) / width + 0.5, 0.0, 1.0)
