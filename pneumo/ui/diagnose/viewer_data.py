"""The data of one X-ray for the browser's viewer: grey values, heat, outlines and words. No streamlit here."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from typing import Any, cast

import contourpy
import numpy as np

from pneumo.imaging.lung_box import WHOLE, Box
from pneumo.imaging.overlay import COLOUR_MAPS, colour_table
from pneumo.imaging.radiograph import ImageFacts
from pneumo.imaging.windowing import GreyValues
from pneumo.inference.heatmap import Heatmap
from pneumo.inference.lung_checks import Lungs
from pneumo.reporting.finding_words import LEGEND
from pneumo.ui.diagnose.parcel import pack

HEAT_SIDE = 192  # cells of the heatmap sent, over the part the model was shown; the network itself has at most 14
CONTOURS = (0.25, 0.5, 0.75)  # of the model's fixed scale
OPACITY = 0.6  # of the heatmap, until the user changes it


@dataclass(frozen=True)
class SimilarPicture:
    """A train picture to stand beside the X-ray."""

    name: str
    label: str  # with its kind, for example "PNEUMONIA bacterial"
    pixels: np.ndarray  # uint8 (h, w)


def viewer_parcel(
    key: str,
    values: GreyValues,
    facts: ImageFacts,
    heatmap: Heatmap,
    lungs: Lungs,
    similar: Sequence[SimilarPicture] = (),
    doubted: bool = False,
) -> bytes:
    """`key` identifies the picture in the browser, which remembers zoom and window by it; it holds no name.

    `doubted`: the model's heatmap does no better than chance, so it is off at first.
    """
    heat = heat_levels(heatmap)
    mask = np.zeros((1, 1), bool) if lungs.mask is None else lungs.mask
    contours = [{"level": level, "lines": outlines(heat / 255.0, level, heatmap.shown)} for level in CONTOURS]
    header = {
        "key": key,
        "picture": _described(values, facts),
        "heat": {"box": astuple(heatmap.shown), "empty": heatmap.empty, "doubted": doubted, "contours": contours},
        "lungs": {"lines": outlines(np.pad(mask, 1).astype(float), 0.5, _around(mask)), "reason": lungs.reason},
        "similar": [{"name": picture.name, "label": picture.label} for picture in similar],
        "colourMaps": COLOUR_MAPS,
        "opacity": OPACITY,
        "legend": LEGEND,
    }
    arrays = {"values": values.stored, "heat": heat, "colours": np.stack([colour_table(name) for name in COLOUR_MAPS])}
    arrays |= {} if values.table is None else {"table": values.table}
    return pack(header, arrays | {f"similar {place}": picture.pixels for place, picture in enumerate(similar)})


def heat_levels(heatmap: Heatmap) -> np.ndarray:
    """uint8 (HEAT_SIDE, HEAT_SIDE): the heat over the part that the model was shown, 0 to 255."""
    part = Heatmap(heatmap.heat, WHOLE, heatmap.centres)
    levels: np.ndarray = (part.on_image(HEAT_SIDE, HEAT_SIDE) * 255.0).astype(np.uint8)
    return levels


def outlines(field: np.ndarray, level: float, box: Box) -> list[list[float]]:
    """Lines where `field`, float (h, w) over `box`, passes `level`: x, y, x, y ... in fractions of the picture."""
    if min(field.shape) < 2:
        return []
    height, width = field.shape
    across = box.left + (np.arange(width) + 0.5) / width * box.width
    down = box.top + (np.arange(height) + 0.5) / height * box.height
    lines = cast(list[np.ndarray], contourpy.contour_generator(across, down, field).lines(level))  # an array for each line
    return [np.round(line, 4).ravel().tolist() for line in lines]


def _around(mask: np.ndarray) -> Box:
    """The box of a mask of the whole picture that was padded by one cell on each side."""
    down, across = (1 / side for side in mask.shape)
    return Box(-across, -down, 1 + across, 1 + down)


def _described(values: GreyValues, facts: ImageFacts) -> dict[str, Any]:
    presets = [
        {"name": name, "centre": window and window[0], "width": window and window[1]} for name, window in values.presets.items()
    ]
    spacing = facts.spacing and {
        "mm": facts.spacing.mm * facts.width / values.stored.shape[1],
        "where": "at the detector" if facts.spacing.at_detector else "calibrated",
    }
    stored = {name: getattr(values, name) for name in ("slope", "intercept", "function", "inverted", "range")}
    return {**stored, "presets": presets, "spacing": spacing}
