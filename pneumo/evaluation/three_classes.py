"""Three-class confusion matrix, NORMAL, bacterial or viral, from both outputs."""

import numpy as np

from pneumo.evaluation.predictions import Predictions
from pneumo.labels import Label, Subtype

NAMES = (Label.NORMAL, Subtype.BACTERIAL, Subtype.VIRAL)


def three_class_matrix(p: Predictions, threshold: float, cut: float = 0.5) -> np.ndarray | None:
    """int64 (3, 3): rows the truth, columns the call, in the order of NAMES; cases of unknown kind are left out.

    NORMAL below `threshold`, else bacterial where its calibrated probability reaches `cut`, else viral. None without
    a subtype output.
    """
    if p.bacterial is None:
        return None
    kinds = np.array(p.subtypes)
    truth = np.select([p.labels == 0, kinds == Subtype.BACTERIAL, kinds == Subtype.VIRAL], [0, 1, 2], default=-1)
    call = np.where(p.probabilities < threshold, 0, np.where(p.bacterial >= cut, 1, 2))
    matrix = np.zeros((3, 3), np.int64)
    np.add.at(matrix, (truth[truth >= 0], call[truth >= 0]), 1)
    return matrix
