"""How much each check speaks against one answer, as a number that no prevalence moves; NaN where it does not.

Probabilities are those at the reading's prevalence. An open answer has nothing to be held against it.
"""

import math
from collections.abc import Sequence

from pneumo.evaluation.cautions import CHANGES, HEAT, HIDDEN, MODELS, SIMILAR
from pneumo.evaluation.likelihood import log_ratio_of
from pneumo.inference.finding import Reading
from pneumo.inference.lung_checks import HeatShare, Occlusion
from pneumo.inference.second_opinion import SecondOpinion, Stability, Vote
from pneumo.inference.similar_cases import SimilarCase
from pneumo.labels import Verdict

OPPOSITE = {Verdict.NORMAL: Verdict.PNEUMONIA, Verdict.PNEUMONIA: Verdict.NORMAL}  # an open answer has none


def score_cautions(opinion: SecondOpinion, votes: Sequence[Vote], reading: Reading) -> dict[str, float]:
    """Of each of NAMES."""
    return {
        HIDDEN: hidden_score(opinion.occlusion, reading),
        CHANGES: changes_score(opinion.stability, reading),
        MODELS: models_score(votes, reading),
        SIMILAR: similar_score(opinion.similar, reading),
        HEAT: heat_score(opinion.heat, reading),
    }


def hidden_score(found: Occlusion, reading: Reading) -> float:
    """Of a PNEUMONIA that stays one although no lung is to be seen: its log likelihood ratio then."""
    stays = reading.verdict == Verdict.PNEUMONIA and found.hidden >= reading.high
    return log_ratio_of(found.hidden, reading.prevalence) if stays else math.nan


def changes_score(found: Stability, reading: Reading) -> float:
    """How many small changes give another verdict."""
    turned = found.turned(reading)
    return float(turned) if turned and reading.verdict in OPPOSITE else math.nan


def models_score(votes: Sequence[Vote], reading: Reading) -> float:
    """How surely the surest of the models that give the opposite verdict gives it: the size of its log likelihood ratio."""
    against = [abs(log_ratio_of(vote.probability, reading.prevalence)) for vote in against_of(votes, reading)]
    return max(against, default=math.nan)


def against_of(votes: Sequence[Vote], reading: Reading) -> list[Vote]:
    return [vote for vote in votes if vote.verdict == OPPOSITE.get(reading.verdict)]


def similar_score(found: Sequence[SimilarCase], reading: Reading) -> float:
    """How many of the most similar train pictures have the opposite label, where it is more than half."""
    unlike = unlike_of(found, reading)
    return float(unlike) if unlike > len(found) / 2 else math.nan


def unlike_of(found: Sequence[SimilarCase], reading: Reading) -> int:
    return sum(case.label == OPPOSITE.get(reading.verdict) for case in found)


def heat_score(found: HeatShare, reading: Reading) -> float:
    """Of a PNEUMONIA whose heat is rarer in the lungs than by chance: 0 as by chance, 1 where none lies in them."""
    if reading.verdict != Verdict.PNEUMONIA or not found.in_lungs < found.area_of_lungs:
        return math.nan
    return 1 - found.in_lungs / found.area_of_lungs
