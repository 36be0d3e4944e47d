import math

import numpy as np
import pytest

from pneumo.data.file_facts import measure
from pneumo.imaging.measures import Measures


def test_lungs_and_exposure_in_numbers():
    image, lungs = np.full((224, 224), 100, np.uint8), np.zeros((224, 224), bool)
    image[::2] = 104
    lungs[56:168, 20:200] = True
    measures = measure(image, (640, 512), lungs, gate_distance=-3.5)
    assert measures == Measures(0.5, 0.25, 0.25, 1.25, 102.0, 2.0, 4.0, -3.5)


def test_unknown_measures_are_nan():
    measures = measure(np.full((224, 224), 7, np.uint8), (224, 224), None)
    assert [
        math.isnan(each) for each in (measures.lung_height, measures.above, measures.below, measures.aspect, measures.gate_distance)
    ] == [True] * 5
    assert (measures.brightness, measures.contrast, measures.sharpness) == (7, 0, 0)
    assert math.isnan(measure(np.zeros((224, 224), np.uint8), (640, 512), np.zeros((224, 224), bool)).lung_height)


@pytest.mark.parametrize("gate", [None, 2.0])
def test_reference_and_finder_are_used_if_present(gate):
    from pneumo.imaging.radiograph import ImageFacts
    from pneumo.inference.lung_fields import LungFields
    from pneumo.inference.measured import measure_image

    class Stub:
        reference = None

        def strangeness(self, features, image):
            return gate

        def find(self, image):
            return LungFields(np.ones((224, 224), bool), 0.9, "" if gate else "not believed")

    stub = Stub()
    stub.reference = stub if gate else None
    measures = measure_image(np.zeros((224, 224), np.uint8), ImageFacts("PNG", 300, 200, 8, 1), np.zeros(2), stub, stub)
    assert measures.gate_distance == gate if gate else math.isnan(measures.gate_distance)
    assert measures.lung_height == 1 if gate else math.isnan(measures.lung_height)
    assert measures.aspect == 1.5
