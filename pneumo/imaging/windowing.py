"""DICOM windowing (centre and width), for the model's image and for the viewer."""

from dataclasses import dataclass

import numpy as np

DISPLAY_SIDE = 1280  # longer side in pixels of the copy kept for display
LINEAR, LINEAR_EXACT, SIGMOID = "LINEAR", "LINEAR_EXACT", "SIGMOID"  # VOI LUT Function, PS3.3 C.11.2.1.2 and C.11.2.1.3


@dataclass(frozen=True)
class Window:
    """A window in the file's own units: those of the stored values after the modality LUT or rescale."""

    name: str
    centre: float
    width: float


@dataclass(frozen=True)
class GreyValues:
    """Display copy of a DICOM with more than 8 bits, before windowing; at most 3.3 MB.

    `stored` is uint16 (h, w), the longer side at most DISPLAY_SIDE; `stored * slope + intercept` is in the file's units.
    `windows` are the file's own, the default first; empty if the file has none or has a VOI LUT instead.
    """

    stored: np.ndarray
    slope: float
    intercept: float
    inverted: bool  # MONOCHROME1: the lowest value is white
    function: str = LINEAR
    windows: tuple[Window, ...] = ()
    has_table: bool = False

    def __post_init__(self) -> None:
        self.stored.setflags(write=False)

    @property
    def range(self) -> tuple[float, float]:
        """Lowest and highest value, in the file's units."""
        ends = (float(end) * self.slope + self.intercept for end in (self.stored.min(), self.stored.max()))
        low, high = sorted(ends)
        return low, high

    def through(self, centre: float, width: float) -> np.ndarray:
        """float32 (h, w) in [0, 1]: the image in another window."""
        table = windowed(np.arange(2**16) * self.slope + self.intercept, centre, width, self.function).astype(np.float32)
        shown: np.ndarray = (1.0 - table if self.inverted else table)[self.stored]
        return shown


def windowed(values: np.ndarray, centre: float, width: float, function: str = LINEAR) -> np.ndarray:
    """Values in the window's units -> float64 in [0, 1], by PS3.3 C.11.2.1.2 and C.11.2.1.3; `width` above 0.

    A LINEAR window narrower than 1, which the standard forbids, is treated as LINEAR_EXACT. Raises ValueError for any other
    `function`.
    """
    if function == SIGMOID:
        return 0.5 + 0.5 * np.tanh(2.0 * (values - centre) / width)  # 1 / (1 + exp(-4 x)) that cannot overflow
    if function not in (LINEAR, LINEAR_EXACT):
        raise ValueError("expected the VOI LUT function LINEAR, LINEAR_EXACT or SIGMOID")
    if function == LINEAR and width >= 1:
        centre, width = centre - 0.5, max(width - 1.0, 1e-6)
    grey: np.ndarray = np.clip((values - centre) / width + 0.5, 0.0, 1.0)
    return grey
