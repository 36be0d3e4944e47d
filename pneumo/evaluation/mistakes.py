"""The most confident mistakes of a model."""

from dataclasses import dataclass

import numpy as np

from pneumo.evaluation.predictions import Predictions
from pneumo.labels import Label


@dataclass(frozen=True)
class Mistake:
    """One misclassified image."""

    file: str
    label: str  # the true one
    called: str
    subtype: str
    probability: float

    @property
    def truth(self) -> str:
        """The label, with its subtype if known."""
        return self.label if self.subtype == "none" else f"{self.label}, {self.subtype}"


def most_confident_mistakes(predictions: Predictions, threshold: float, most: int = 12) -> tuple[tuple[Mistake, ...], ...]:
    """(missed pneumonias, lowest probability first; false alarms, highest first), at most `most` of each."""
    sick, called = predictions.labels == 1, predictions.probabilities >= threshold
    order = np.argsort(predictions.probabilities, kind="stable")
    missed = [i for i in order if sick[i] and not called[i]]
    alarms = [i for i in order[::-1] if not sick[i] and called[i]]

    def mistake(index: int) -> Mistake:
        names = (Label.PNEUMONIA, Label.NORMAL) if sick[index] else (Label.NORMAL, Label.PNEUMONIA)
        return Mistake(predictions.files[index], *names, predictions.subtypes[index], float(predictions.probabilities[index]))

    return tuple(map(mistake, missed[:most])), tuple(map(mistake, alarms[:most]))
