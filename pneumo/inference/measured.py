"""Image measures, including the gate's distance, for an answered image."""

from math import nan

import numpy as np

from pneumo.data.file_facts import measure
from pneumo.imaging.measures import Measures
from pneumo.imaging.radiograph import ImageFacts
from pneumo.inference.lung_fields import LungFinder
from pneumo.inference.predictor import Predictor


def measure_image(
    image: np.ndarray, facts: ImageFacts, features: np.ndarray | None, predictor: Predictor, finder: LungFinder | None
) -> Measures:
    """Measures of a canonical `image`, uint8 (224, 224), and its `features`; of lungs only where `finder` finds them plausible."""
    fields = finder.find(image) if finder else None
    reference = predictor.reference
    distance = reference.strangeness(features, image) if reference is not None and features is not None else nan
    return measure(image, (facts.width, facts.height), fields.mask if fields and fields.plausible else None, distance)
