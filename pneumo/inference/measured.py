"""The measures of a picture that a model answered for."""

from math import nan

import numpy as np

from pneumo.data.measures import measure
from pneumo.imaging.measures import Measures
from pneumo.imaging.radiograph import ImageFacts
from pneumo.inference.lung_fields import LungFinder
from pneumo.inference.predictor import Predictor


def measure_image(
    image: np.ndarray, facts: ImageFacts, features: np.ndarray | None, predictor: Predictor, finder: LungFinder | None
) -> Measures:
    """Of a canonical `image`, uint8 (224, 224), with the `features` of the model's own pass.

    Lungs that the finder itself does not believe are not measured; without a finder none are.
    """
    fields = finder.find(image) if finder else None
    known = predictor.reference is not None and features is not None
    distance = predictor.reference.strangeness(features, image) if known and predictor.reference and features is not None else nan
    return measure(image, (facts.width, facts.height), fields.mask if fields and fields.plausible else None, distance)
