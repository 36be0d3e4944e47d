"""Paired comparison of the active model and the candidate on the same cases.

The candidate is judged at its own cuts and at the active model's: a newer version may be worse at the threshold in use.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pneumo.evaluation.compare import Difference, delong, paired_difference
from pneumo.evaluation.operating_point import BALANCED, zone
from pneumo.evaluation.wilson import Share, wilson_interval
from pneumo.labels import LABELS, Label, Status, Verdict, Zone
from pneumo.record.case import NONE, RecordedCase, Shadow
from pneumo.registry.models import ModelCard
from pneumo.site.answers import CaseAnswer


@dataclass(frozen=True)
class Pair:
    """One image answered by both models. `truth` is None if unknown. Each model's scores are on one scale."""

    patient: str
    truth: Label | None
    active_score: float
    candidate_score: float
    active_label: str
    candidate_label: str
    candidate_at_active_cut: str
    active_verdict: str
    candidate_verdict: str


@dataclass(frozen=True)
class ModelComparison:
    """Differences are candidate minus active, with 95 % interval; NaN if undefined."""

    pairs: int
    with_truth: int
    unanswered: int  # cases that the active model answered and the candidate did not
    same_verdict: Share
    verdicts: dict[str, dict[str, int]]  # the active model's -> the candidate's -> images
    auc: Difference
    sensitivity: Difference  # each at its own cut
    specificity: Difference
    sensitivity_at_active_cut: Difference
    specificity_at_active_cut: Difference
    missed_less: Difference  # of the sick, the share whose verdict is not NORMAL
    alarmed_less: Difference  # of the healthy, the share whose verdict is not PNEUMONIA


def compare_pairs(pairs: Sequence[Pair], unanswered: int) -> ModelComparison:
    """Intervals over patients. If `patient` is a file's hash, several files of one child count as several patients."""
    with_truth = [pair for pair in pairs if pair.truth is not None]
    sick = [pair for pair in with_truth if pair.truth == Label.PNEUMONIA]
    healthy = [pair for pair in with_truth if pair.truth == Label.NORMAL]
    seen = Counter((pair.active_verdict, pair.candidate_verdict) for pair in pairs)
    verdicts = {str(active): {str(candidate): seen[active, candidate] for candidate in Verdict} for active in Verdict}
    same = sum(pair.active_verdict == pair.candidate_verdict for pair in pairs)
    return ModelComparison(
        len(pairs),
        len(with_truth),
        unanswered,
        wilson_interval(same, len(pairs)),
        verdicts,
        _auc(with_truth),
        _hits(sick, lambda pair: (pair.candidate_label == Label.PNEUMONIA, pair.active_label == Label.PNEUMONIA)),
        _hits(healthy, lambda pair: (pair.candidate_label == Label.NORMAL, pair.active_label == Label.NORMAL)),
        _hits(sick, lambda pair: (pair.candidate_at_active_cut == Label.PNEUMONIA, pair.active_label == Label.PNEUMONIA)),
        _hits(healthy, lambda pair: (pair.candidate_at_active_cut == Label.NORMAL, pair.active_label == Label.NORMAL)),
        _hits(sick, lambda pair: (pair.candidate_verdict != Verdict.NORMAL, pair.active_verdict != Verdict.NORMAL)),
        _hits(healthy, lambda pair: (pair.candidate_verdict != Verdict.PNEUMONIA, pair.active_verdict != Verdict.PNEUMONIA)),
    )


def recorded_pairs(cases: Iterable[RecordedCase], shadows: Mapping[str, Shadow], active_sha256: str) -> tuple[list[Pair], int]:
    """(pairs, cases without a candidate's answer) of the record; each file once, with its newest reference label."""
    pairs: dict[str, Pair] = {}
    without: set[str] = set()
    # Cases with a reference label come last, so they replace others of the same file.
    for case in sorted(cases, key=lambda case: (case.reference != NONE, case.created)):
        shadow = shadows.get(case.id)
        if shadow is None or case.model_sha256 != active_sha256:
            continue
        if shadow.status != Status.OK or shadow.probability is None:
            without.add(case.file_sha256)
            continue
        pairs[case.file_sha256] = Pair(
            case.file_sha256,
            None if case.reference == NONE else Label(case.reference),
            case.probability,
            shadow.probability,
            case.label,
            shadow.label,
            shadow.label_at_active_cut,
            case.verdict,
            Zone(shadow.zone).verdict,
        )
    return list(pairs.values()), len(without - set(pairs))


def answered_pairs(
    active: Sequence[CaseAnswer], candidate: Sequence[CaseAnswer], active_card: ModelCard, candidate_card: ModelCard
) -> tuple[list[Pair], int]:
    """(pairs, cases without a candidate's answer) of labelled cases, in the same order for both; labels at `balanced`."""
    pairs, without = [], 0
    for active_answer, candidate_answer in zip(active, candidate, strict=True):
        if active_answer.status != Status.OK or candidate_answer.status != Status.OK:
            without += active_answer.status == Status.OK
            continue
        first = float(active_card.calibration.log_ratio(active_answer.logit))
        second = float(candidate_card.calibration.log_ratio(candidate_answer.logit))
        pairs.append(
            Pair(
                active_answer.case.patient,
                Label(active_answer.case.label),
                first,
                second,
                LABELS[first >= active_card.cuts[BALANCED]],
                LABELS[second >= candidate_card.cuts[BALANCED]],
                LABELS[second >= active_card.cuts[BALANCED]],
                zone(first, active_card.cuts).verdict,
                zone(second, candidate_card.cuts).verdict,
            )
        )
    return pairs, without


def _auc(pairs: Sequence[Pair]) -> Difference:
    sick = np.array([pair.truth == Label.PNEUMONIA for pair in pairs], bool)
    if not len(sick) or sick.all() or not sick.any():
        return Difference(np.nan, np.nan, np.nan, np.nan)
    candidate, active = (np.array([getattr(pair, name) for pair in pairs], float) for name in ("candidate_score", "active_score"))
    return delong(sick, candidate, active, tuple(pair.patient for pair in pairs))


def _hits(pairs: Sequence[Pair], of: Callable[[Pair], tuple[bool, bool]]) -> Difference:
    rows = [of(pair) for pair in pairs]
    candidate, active = np.array([row[0] for row in rows], bool), np.array([row[1] for row in rows], bool)
    return paired_difference(candidate, active, [pair.patient for pair in pairs])
