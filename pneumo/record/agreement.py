"""How often the clinician agreed with the model, with its interval."""

from collections.abc import Iterable, Sequence

from pneumo.evaluation.wilson import Share, wilson_interval
from pneumo.labels import Verdict
from pneumo.record.case import AGREE, NONE, RecordedCase

ALL = "all"


def agreement_rates(cases: Sequence[RecordedCase], verdicts: Iterable[str] = tuple(Verdict)) -> dict[str, Share]:
    """Share of judged answers that the clinician agreed with: "all", then each verdict.

    A file counts once per model and verdict, with its newest judgement.
    """
    newest: dict[tuple[str, str, str], RecordedCase] = {}
    for case in sorted(cases, key=lambda case: case.created):
        if case.agreement != NONE:
            newest[case.file_sha256, case.model_sha256, case.verdict] = case
    judged = list(newest.values())
    return {ALL: _share(judged)} | {verdict: _share([case for case in judged if case.verdict == verdict]) for verdict in verdicts}


def _share(judged: list[RecordedCase]) -> Share:
    return wilson_interval(sum(case.agreement == AGREE for case in judged), len(judged))
