"""The train images most similar to an image, by the model's features."""

from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np

from pneumo.inference.reference import Reference
from pneumo.labels import LABELS, SUBTYPES, identify

COUNT = 12
SAME = 0.999  # held-out images have a median nearest neighbour of 0.88, copies 1.000


@dataclass(frozen=True)
class SimilarCase:
    """One train image."""

    file: str  # path within the data set
    label: str  # NORMAL or PNEUMONIA
    subtype: str  # bacterial, viral or none
    similarity: float  # cosine of the two images' components, -1 to 1

    @property
    def same(self) -> bool:
        """The image itself or a copy is a train image."""
        return self.similarity >= SAME


def find_similar_cases(features: np.ndarray, reference: Reference, count: int = COUNT) -> tuple[SimilarCase, ...]:
    """The `count` train images nearest to `features`, float32 (c,), nearest first, at most one per patient.

    Cosine similarity of the standardised components; of raw features it is above 0.99 for all chest X-rays.
    """
    scores = reference.components_of(features)
    lengths = np.linalg.norm(reference.scores, axis=1) * np.linalg.norm(scores)
    cosines = reference.scores @ scores / np.maximum(lengths, 1e-6)
    cases, patients = [], set()
    for index in np.argsort(-cosines, kind="stable"):
        file = str(reference.files[index])
        patient = identify(PurePosixPath(file).stem)[1]
        if patient not in patients:
            label, subtype = LABELS[reference.labels[index]], SUBTYPES[reference.subtypes[index]]
            cases.append(SimilarCase(file, label, subtype, float(cosines[index])))
            patients.add(patient)
        if len(cases) == count:
            break
    return tuple(cases)
