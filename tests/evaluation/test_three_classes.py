import numpy as np

from pneumo.evaluation.predictions import make_predictions
from pneumo.evaluation.three_classes import three_class_matrix

FILES = ["IM-1-1.png", "person1_bacteria_1.png", "person2_bacteria_1.png", "person3_virus_1.png", "person4_virus_1.png", "x.png"]
KINDS = ["none", "bacterial", "bacterial", "viral", "viral", "none"]
SAID = (FILES, ["NORMAL"] + ["PNEUMONIA"] * 5, KINDS, [0.0] * 6, [0.6, 0.9, 0.2, 0.8, 0.7, 0.9])


def test_by_hand():
    p = make_predictions(*SAID, bacterial=[0.7, 0.5, 0.9, 0.1, 0.8, 0.9])
    np.testing.assert_array_equal(three_class_matrix(p, 0.5), [[0, 1, 0], [1, 1, 0], [0, 1, 1]])  # the unknown kind is left out
    np.testing.assert_array_equal(three_class_matrix(p, 0.65), [[1, 0, 0], [1, 1, 0], [0, 1, 1]])


def test_a_model_without_kinds():
    assert three_class_matrix(make_predictions(*SAID), 0.5) is None
