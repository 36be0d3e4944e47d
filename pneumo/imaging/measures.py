"""Numbers that describe how an image was taken: framing, exposure and sharpness. They contain no pixels and no identifiers."""

from dataclasses import dataclass, fields
from math import nan


@dataclass(frozen=True)
class Measures:
    """NaN if a number is unknown: lungs not found, aspect changed before upload, a model without a gate."""

    lung_height: float = nan  # share of the image's height that contains lung, 0 to 1
    above: float = nan  # share of the height above the lungs
    below: float = nan
    aspect: float = nan  # width / height of the file
    brightness: float = nan  # mean grey, 0 to 255
    contrast: float = nan  # standard deviation of grey
    sharpness: float = nan  # mean absolute difference of vertical neighbours, grey levels
    gate_distance: float = nan  # log odds that the image is unlike the model's train images


MEANING = {
    "lung_height": "height of the lungs (share)",
    "above": "free space above the lungs (share)",
    "below": "free space below the lungs (share)",
    "aspect": "width / height of the file",
    "brightness": "brightness (mean grey)",
    "contrast": "contrast (deviation of grey)",
    "sharpness": "sharpness (mean step of grey)",
    "gate_distance": "the gate's distance from the train images",
}
assert list(MEANING) == [field.name for field in fields(Measures)]
FRAME = ("lung_height", "above", "below", "aspect")
PICTURE = tuple(MEANING)[:-1]  # all but gate_distance, which depends on the model
