"""Results by subtype: healthy, bacterial, viral, and pneumonia of unknown kind."""

from dataclasses import dataclass

import numpy as np

from pneumo.evaluation.metrics import roc_auc
from pneumo.evaluation.predictions import Predictions
from pneumo.evaluation.wilson import Share, clustered_wilson
from pneumo.labels import Label, Subtype


@dataclass(frozen=True)
class Group:
    """One kind of case at one threshold."""

    name: str
    images: int
    patients: int
    right: Share  # classified correctly: sensitivity of the sick, specificity of the healthy; interval over patients
    auc: float  # this kind against all healthy images; NaN for the healthy themselves


def by_subtype(predictions: Predictions, threshold: float) -> tuple[Group, ...]:
    """The kinds that occur, the healthy first."""
    sick, kinds = predictions.labels == 1, np.array(predictions.subtypes)
    known = predictions.of_known_kind
    called, patients = predictions.probabilities >= threshold, np.asarray(predictions.patients)
    masks = {
        Label.NORMAL: ~sick,
        "PNEUMONIA, bacterial": known & (kinds == Subtype.BACTERIAL),
        "PNEUMONIA, viral": known & (kinds == Subtype.VIRAL),
        "PNEUMONIA, kind unknown": sick & ~known,
    }
    groups = []
    for name, mask in masks.items():
        if mask.any():
            against, right = mask | ~sick, clustered_wilson((called == sick)[mask], patients[mask])
            auc = roc_auc(mask[against], predictions.probabilities[against]) if sick[mask].any() else float("nan")
            groups.append(Group(name, int(mask.sum()), len(set(patients[mask])), right, auc))
    return tuple(groups)
