"""How a picture was taken, in a few numbers: where the lungs lie, how it was exposed. No pixel, nobody's name."""

from dataclasses import dataclass, fields
from math import nan


@dataclass(frozen=True)
class Measures:
    """NaN where a number is not known: lungs not found, a file squashed before it came, a model without a gate."""

    lung_height: float = nan  # share of the picture's height with lung in it, 0 to 1
    above: float = nan  # share of the height that lies above all lung
    below: float = nan
    aspect: float = nan  # width / height of the file
    brightness: float = nan  # mean grey, 0 to 255
    contrast: float = nan  # standard deviation of grey
    sharpness: float = nan  # mean absolute difference of vertical neighbours, grey levels
    gate_distance: float = nan  # log odds that the picture is nothing like the model's train images


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
PICTURE = tuple(MEANING)[:-1]  # all but the gate's distance, which is a model's own
