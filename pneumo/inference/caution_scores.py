"""Scores of the cautions against one answer, independent of prevalence; NaN: no caution.

Probabilities are at the reading's prevalence. An indeterminate answer gets no caution.
"""

import math
from collections.abc import Sequence

from pneumo.evaluation.cautions import CHANGES, HEAT, HIDDEN, MODELS, SIMILAR
from pneumo.evaluation.likelihood import log_ratio_of
from pneumo.inference.finding import Reading
from pneumo.inference.lung_checks import HeatShare, Occlusion
from pneumo.inference.second_opinion import SecondOpinion, SimilarCase, Stability, Vote
from pneumo.labels import Verdict

OPPOSITE = {Verdict.NORMAL: Verdict.PNEUMONIA, Verdict.PNEUMONIA: Verdict.NORMAL}  # none for INDETERMINATE


def score_cautions(opinion: SecondOpinion, votes: Sequence[Vote], reading: Reading) -> dict[str, float]:
    """The score of each of NAMES."""
    return {
        HIDDEN: hidden_score(opinion.occlusion, reading),
        CHANGES: changes_score(opinion.stability, reading),
        MODELS: models_score(votes, reading),
        SIMILAR: similar_score(opinion.similar, reading),
        HEAT: heat_score(opinion.heat, reading),
    }


def hidden_score(occlusion: Occlusion, reading: Reading) -> float:
    """The log likelihood ratio with the lungs hidden, if the verdict stays PNEUMONIA."""
    stays = reading.verdict == Verdict.PNEUMONIA and occlusion.hidden >= reading.high
    return log_ratio_of(occlusion.hidden, reading.prevalence) if stays else math.nan


def changes_score(stability: Stability, reading: Reading) -> float:
    """The number of small changes that change the verdict."""
    turned = stability.turned(reading)
    return float(turned) if turned and reading.verdict in OPPOSITE else math.nan


def models_score(votes: Sequence[Vote], reading: Reading) -> float:
    """The largest absolute log likelihood ratio among models with the opposite verdict."""
    against = [abs(log_ratio_of(vote.probability, reading.prevalence)) for vote in against_of(votes, reading)]
    return max(against, default=math.nan)


def against_of(votes: Sequence[Vote], reading: Reading) -> list[Vote]:
    return [vote for vote in votes if vote.verdict == OPPOSITE.get(reading.verdict)]


def similar_score(cases: Sequence[SimilarCase], reading: Reading) -> float:
    """The number of similar train images with the opposite label, if more than half."""
    unlike = unlike_of(cases, reading)
    return float(unlike) if unlike > len(cases) / 2 else math.nan


def unlike_of(cases: Sequence[SimilarCase], reading: Reading) -> int:
    return sum(case.label == OPPOSITE.get(reading.verdict) for case in cases)


def heat_score(heat: HeatShare, reading: Reading) -> float:
    """For a PNEUMONIA with less heat in the lungs than by chance: 0 as by chance, 1 with none in them."""
    if reading.verdict != Verdict.PNEUMONIA or not heat.in_lungs < heat.area_of_lungs:
        return math.nan
    return 1 - heat.in_lungs / heat.area_of_lungs
