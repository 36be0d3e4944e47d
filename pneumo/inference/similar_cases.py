"""The train images that a model takes for most like this one, named by file, each with its label."""

from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np

from pneumo.inference.reference import Reference
from pneumo.labels import LABELS, SUBTYPES, identify

COUNT = 12
SAME = 0.999  # an image's nearest neighbour in train has 0.88 (median over held-out images); its own copy has 1.000


@dataclass(frozen=True)
class SimilarCase:
    """One train image."""

    file: str  # path within the data set
    label: str  # NORMAL or PNEUMONIA
    subtype: str  # bacterial, viral or none
    similarity: float  # cosine of the two images' components, -1 to 1

    @property
    def same(self) -> bool:
        """It is the very image, or a copy: the model learned from it."""
        return self.similarity >= SAME


def find_similar_cases(features: np.ndarray, reference: Reference, count: int = COUNT) -> tuple[SimilarCase, ...]:
    """The `count` train images most like the one with `features`, float32 (c,), the nearest first; one at most of a patient.

    Compared are the stored components, each of deviation 1: without that, all chest X-rays have a cosine above 0.99.
    """
    scores = reference.components_of(features)
    lengths = np.linalg.norm(reference.scores, axis=1) * np.linalg.norm(scores)
    cosines = reference.scores @ scores / np.maximum(lengths, 1e-6)
    found, patients = [], set()
    for index in np.argsort(-cosines, kind="stable"):
        file = str(reference.files[index])
        patient = identify(PurePosixPath(file).stem)[1]
        if patient not in patients:
            label, subtype = LABELS[reference.labels[index]], SUBTYPES[reference.subtypes[index]]
            found.append(SimilarCase(file, label, subtype, float(cosines[index])))
            patients.add(patient)
        if len(found) == count:
            break
    return tuple(found)
