"""Window centre and width: from a DICOM's grey values to black and white, for the model's picture and for the eye alike."""

from dataclasses import dataclass

import numpy as np

DISPLAY_SIDE = 2560  # longer side in pixels of what is kept for the eye: most radiographs whole
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
    """A picture's values before any window, for the eye alone; no answer depends on them.

    `stored` is uint8 or uint16 (h, w), the longer side at most DISPLAY_SIDE; a value in the file's units is
    `stored * slope + intercept`. `windows` are the file's own, the default first; empty where it has none, or a table instead.
    `table`, of a file with a VOI LUT: uint8, the grey of each stored value from 0 on, before any inversion.
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
        """Lowest and highest value in the picture."""
        ends = (float(end) * self.slope + self.intercept for end in (self.stored.min(), self.stored.max()))
        low, high = sorted(ends)
        return low, high

    @property
    def presets(self) -> dict[str, tuple[float, float] | None]:
        """Name -> (centre, width), the file's default presentation first; None for the file's table."""
        low, high = self.range
        # By PS3.3 C.11.2.1.2.1 a LINEAR window of this centre and width runs from `low`, black, to `high`, white.
        one = 1.0 if self.function == LINEAR and high - low >= 1 else 0.0
        named = {window.name: (window.centre, window.width) for window in self.windows}
        full = ((low + high + one) / 2, max(high - low + one, 1e-9))
        return {**({TABLE: None} if self.table is not None else {}), **named, FULL_RANGE: full}

    def through(self, centre: float, width: float) -> np.ndarray:
        """float32 (h, w) in [0, 1]: the picture through another window."""
        return self._shown(windowed(np.arange(2**16) * self.slope + self.intercept, centre, width, self.function))

    def presented(self) -> np.ndarray:
        """float32 (h, w) in [0, 1]: the picture as its file wants it shown, which is how the model is given it."""
        first = next(iter(self.presets.values()))
        if first is not None:
            return self.through(*first)
        assert self.table is not None
        return self._shown(self.table / 255.0)

    def _shown(self, greys: np.ndarray) -> np.ndarray:
        table = greys.astype(np.float32)
        shown: np.ndarray = (1.0 - table if self.inverted else table)[self.stored]
        return shown


def plain_values(pixels: np.ndarray, bits: int) -> GreyValues:
    """float (h, w) in [0, 1], of a picture of so many bits that has no units of its own -> the same as 8 or 16 bits of grey."""
    kind, top = (np.uint8, 255.0) if bits <= 8 else (np.uint16, 65535.0)
    stored = np.rint(np.clip(pixels, 0.0, 1.0) * top).astype(kind)
    return GreyValues(stored, 1.0, 0.0, False, LINEAR_EXACT, (Window(AS_STORED, top / 2, top),))


def windowed(values: np.ndarray, centre: float, width: float, function: str = LINEAR) -> np.ndarray:
    """Values in the window's units -> float64 in [0, 1], by PS3.3 C.11.2.1.2 and C.11.2.1.3; `width` above 0.

    A LINEAR window narrower than 1, which the standard does not allow, is taken for LINEAR_EXACT. Raises ValueError for a
    function of another name.
    """
    if function == SIGMOID:
        return 0.5 + 0.5 * np.tanh(2.0 * (values - centre) / width)  # 1 / (1 + exp(-4 x)) that cannot overflow
    if function not in (LINEAR, LINEAR_EXACT):
        raise ValueError("expected the VOI LUT function LINEAR, LINEAR_EXACT or SIGMOID")
    if function == LINEAR and width >= 1:
        centre, width = centre - 0.5, max(width - 1.0, 1e-6)
    grey: np.ndarray = np.clip((values - centre) / width + 0.5, 0.0, 1.0)
    return grey
