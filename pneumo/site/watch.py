"""Monitoring of a model in use by the record: weekly counts, drift since the first weeks, agreement, and reference labels."""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TypeVar

import numpy as np
from scipy.special import logit

from pneumo.evaluation.wilson import Share, wilson_interval
from pneumo.imaging.measures import MEANING
from pneumo.labels import Label, Status, Verdict, Zone
from pneumo.record.agreement import ALL, agreement_rates
from pneumo.record.case import NONE, WARN, RecordedCase, Refused
from pneumo.site.charts import CUSUM, EWMA, Signal, cusum, ewma

T = TypeVar("T", RecordedCase, Refused)
FIRST_WEEKS, LEAST = 4, 100  # the baseline: the first weeks, and at least this many cases
_EXTREME = 6.0  # scores are clipped at these log odds
SCORE, REFUSED, WARNED, NO_LUNGS = "score", "refused", "warned", "lungs not found"
_LOOK = "Look at ten pictures of that time beside older ones: "
_FRAME = f"{_LOOK}collimation, cropping and the export's frame. Correct it, or repeat site-test."
_TONE = f"{_LOOK}detector, window and compression of the export. Correct it, or repeat site-test."
_DO = {
    SCORE: "Ask whether other children came (season, ward, age). If not, compare with the readers' answers and repeat site-test.",
    **dict.fromkeys(("lung_height", "above", "below", "aspect"), _FRAME),
    **dict.fromkeys(("brightness", "contrast", "sharpness"), _TONE),
    "gate_distance": "The pictures are less like those that the model learned from. Look at ten; repeat site-test.",
    REFUSED: "Read the reasons that the gate gives: often one device, one export or another examination. Correct it at its source.",
    WARNED: "Read the warnings on History: they name what is odd. Correct it at its source.",
    NO_LUNGS: "Look at the pictures: lungs cut off, turned, or another part of the body.",
}
_NAMES = {
    SCORE: "score (log odds of pneumonia)",
    REFUSED: "share refused by the gate",
    WARNED: "share answered with a warning",
    NO_LUNGS: "share of pictures whose lungs were not found",
    **MEANING,
}


@dataclass(frozen=True)
class Week:
    monday: date  # UTC
    answers: int
    verdicts: dict[str, int]
    refused: int
    unread: int
    warned: int
    agreed: Share  # of this week's answers with a clinician's judgement


@dataclass(frozen=True)
class Alarm:
    key: str
    name: str
    since: datetime
    seen: datetime  # when the chart raised the alarm
    cases: int  # from `since` to `seen`
    before: float
    after: float
    why: str  # the chart, in one sentence
    do: str

    @property
    def sentence(self) -> str:
        return (
            f"Since {self.since:%Y-%m-%d} the {self.name} is {'higher' if self.after > self.before else 'lower'}: {self.after:.3g} "
            f"instead of {self.before:.3g} (seen on {self.seen:%Y-%m-%d}, after {self.cases} cases). {self.do}"
        )


@dataclass(frozen=True)
class Watch:
    """Of one model. `note` says why there are no charts yet; empty if there are. Shares have Wilson's interval over files."""

    model: str
    model_sha256: str
    cases: int
    first_cases: int  # in the baseline
    weeks: tuple[Week, ...]
    alarms: tuple[Alarm, ...]
    charts: tuple[str, ...]  # names of what is charted
    note: str
    agreement: dict[str, Share]
    sensitivity: Share  # of the recorded label, among files with a reference label
    specificity: Share
    not_missed: Share  # sick files whose verdict was not NORMAL


def watch_model(cases: Iterable[RecordedCase], refusals: Iterable[Refused], model: str, model_sha256: str) -> Watch:
    """Cases and refusals of all models, in any order; only those of `model_sha256` count, each file at its first time."""
    every = sorted((case for case in cases if case.model_sha256 == model_sha256), key=lambda case: case.created)
    unique = _once(every)
    known = {case.file_sha256 for case in unique}
    turned = _once(each for each in refusals if each.model_sha256 == model_sha256 and each.file_sha256 not in known)
    first = _first(unique)
    charted = _charts(unique, turned, first) if first else {}
    waiting = f"{len(unique)} cases are recorded; the charts begin when {LEAST} have come and {FIRST_WEEKS} weeks are over."
    newest = {case.file_sha256: case for case in every if case.reference != NONE}
    sick = [case for case in newest.values() if case.reference == Label.PNEUMONIA]
    healthy = [case for case in newest.values() if case.reference == Label.NORMAL]
    return Watch(
        model,
        model_sha256,
        cases=len(unique),
        first_cases=first,
        weeks=_weeks(unique, turned),
        alarms=tuple(alarm for alarm in charted.values() if alarm),
        charts=tuple(_NAMES[key] for key in charted),
        note="" if first else waiting,
        agreement=agreement_rates(every),
        sensitivity=_share(case.label == Label.PNEUMONIA for case in sick),
        specificity=_share(case.label == Label.NORMAL for case in healthy),
        not_missed=_share(case.zone != Zone.RULE_OUT for case in sick),
    )


def _once(rows: Iterable[T]) -> list[T]:
    """Each file at its first time, oldest first."""
    first: dict[str, T] = {}
    for row in sorted(rows, key=lambda row: row.created):
        first.setdefault(row.file_sha256, row)
    return list(first.values())


def _first(cases: Sequence[RecordedCase]) -> int:
    """Number of cases in the baseline; 0 while there are too few, or none after it."""
    if not cases:
        return 0
    end = datetime.fromisoformat(cases[0].created) + timedelta(weeks=FIRST_WEEKS)
    first = max(LEAST, sum(datetime.fromisoformat(case.created) < end for case in cases))
    return first if first < len(cases) else 0


def _charts(cases: Sequence[RecordedCase], turned: Sequence[Refused], first: int) -> dict[str, Alarm | None]:
    """Every chart that can run, by key, with its alarm."""
    until = cases[first - 1].created
    alarms: dict[str, Alarm | None] = {}

    def run(key: str, rows: Sequence[tuple[str, float]], chart: Callable[[Sequence[float], int], Signal | None], why: str) -> None:
        usual = sum(when <= until for when, _ in rows)
        if usual < LEAST // 2:  # too few measured baseline cases: an older record, or squashed copies
            return
        signal = chart([value for _, value in rows], usual)
        alarms[key] = None
        if signal:
            since, seen = (datetime.fromisoformat(rows[place][0]) for place in (signal.since, signal.at))
            count = signal.at - signal.since + 1
            alarms[key] = Alarm(key, _NAMES[key], since, seen, count, signal.before, signal.after, why, _DO[key])

    scores = [(case.created, float(np.clip(logit(case.probability), -_EXTREME, _EXTREME))) for case in cases]
    run(SCORE, scores, ewma, EWMA)
    for name in MEANING:
        values = ((case.created, getattr(case.measures, name)) for case in cases)
        run(name, [(when, value) for when, value in values if math.isfinite(value)], ewma, EWMA)
    measured = [
        (case.created, float(math.isnan(case.measures.lung_height))) for case in cases if not math.isnan(case.measures.brightness)
    ]
    gated = [(case.created, 0.0) for case in cases] + [(each.created, 1.0) for each in turned if each.status == Status.REJECTED]
    warned = [(case.created, float(case.gate == WARN)) for case in cases]
    for key, rows in ((NO_LUNGS, measured), (REFUSED, sorted(gated)), (WARNED, warned)):
        run(key, rows, cusum, CUSUM)
    return alarms


def _weeks(cases: Sequence[RecordedCase], turned: Sequence[Refused]) -> tuple[Week, ...]:
    """Every week from the first to the last, including empty ones."""
    by_case, by_refusal = _by_week(cases), _by_week(turned)
    mondays = sorted({*by_case, *by_refusal})
    if not mondays:
        return ()
    count = (mondays[-1] - mondays[0]).days // 7 + 1
    every = [mondays[0] + timedelta(weeks=number) for number in range(count)]
    return tuple(_week(monday, by_case[monday], by_refusal[monday]) for monday in every)


def _by_week(rows: Sequence[T]) -> defaultdict[date, list[T]]:
    weeks = defaultdict[date, list[T]](list)
    for row in rows:
        day = datetime.fromisoformat(row.created).date()
        weeks[day - timedelta(days=day.weekday())].append(row)
    return weeks


def _week(monday: date, cases: Sequence[RecordedCase], refusals: Sequence[Refused]) -> Week:
    verdicts, status = Counter(case.verdict for case in cases), Counter(each.status for each in refusals)
    counted, warned = {str(verdict): verdicts[verdict] for verdict in Verdict}, sum(case.gate == WARN for case in cases)
    refused, unread, agreed = status[Status.REJECTED], status[Status.ERROR], agreement_rates(cases)[ALL]
    return Week(monday, len(cases), counted, refused, unread, warned, agreed)


def _share(hits: Iterable[bool]) -> Share:
    every = list(hits)
    return wilson_interval(sum(every), len(every))
