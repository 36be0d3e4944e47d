"""The lung segmenter as a lung source for the data set audit."""

import numpy as np

from pneumo.data.lung_masks import LungSource
from pneumo.data.records import Record
from pneumo.errors import ModelError
from pneumo.inference.lung_fields import LungFinder, lungs_folder, read_description


def segmenter() -> LungSource:
    """The registry's segmenter; None for implausible fields. Raises ModelError if it does not load or verify."""
    finder = LungFinder.load()

    def find(_: Record, image: np.ndarray) -> np.ndarray | None:
        fields = finder.find(image)
        return fields.mask if fields.plausible else None

    return LungSource(f"the project's lung segmenter ({segmenter_version()[:8]})", find)


def segmenter_version() -> str:
    """The SHA-256 in the segmenter's description; empty without a segmenter."""
    try:
        return str(read_description(lungs_folder()).get("sha256", ""))
    except ModelError:
        return ""
