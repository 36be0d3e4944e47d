"""The record beside an answer: stored once, with agreement and note, and a warning when it was not. Nothing when it is off."""

import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import streamlit as st

from pneumo.access import Action
from pneumo.errors import PneumoError, RecordError
from pneumo.inference.finding import Finding, Terms, judge
from pneumo.inference.predictor import Predictor
from pneumo.outgoing import markdown
from pneumo.record.case import AGREE, AGREEMENTS, DISAGREE, NONE, NOTE_LENGTH, PASS, REFERENCES, WARN, Answered
from pneumo.record.settings import record_url
from pneumo.reporting.finding_report import NOT_STATED
from pneumo.ui.history.watching import Picture, measures_of, refused_of, shadows_of
from pneumo.ui.shell.access import check
from pneumo.ui.shell.state import Case

if TYPE_CHECKING:
    from pneumo.record.store import Record

_Key = tuple[str, str, str]  # file, model's weights, operating point
AGREEMENT_WORDS = {AGREE: "agree", DISAGREE: "disagree", NONE: "not said"}
_NOTE_LABEL = "Note for the record. Type no names, dates of birth or numbers of patients."


@dataclass
class _Memory:
    """What this browser session knows of the record."""

    session: str = field(default_factory=lambda: secrets.token_hex(8))
    ids: dict[_Key, str] = field(default_factory=dict)
    counted: set[tuple[str, str]] = field(default_factory=set)  # files without an answer: (file, model's weights)
    refused: set[_Key] = field(default_factory=set)  # failed once and not tried again unasked, as a locked database costs seconds
    problem: str = ""
    unsaved: dict[str, str] = field(default_factory=dict)  # widget -> why its value is not in the record


def open_record() -> "Record":
    """The record that the environment names. Raises ConfigError, RecordError; loads SQLAlchemy."""
    try:
        from pneumo.record import store
    except ImportError as error:
        raise RecordError(f"{error.name} is not installed: run `pip install -r requirements.txt`. Nothing is recorded.") from error
    record = store.open_record()
    assert record is not None, "expected a record that is switched on"
    return record


def record_answers(
    findings: Sequence[Finding | None], predictor: Predictor, terms: Terms, busy: bool, pictures: Sequence[Picture]
) -> None:
    """Record every answer of this session, once for each file, model and operating point. Never raises.

    `findings`, answered or not, are those of `predictor`, `pictures` theirs. While `busy` reading files, a failure is not retried.
    """
    if record_url() is None:
        return
    memory = _memory()
    answered = [
        (_answered(finding, predictor, terms), finding, picture)
        for finding, picture in zip(findings, pictures, strict=True)
        if finding and finding.answer
    ]
    new = {key: entry for entry in answered if (key := _key(entry[0])) not in memory.ids}
    refused = {(file.file_sha256, file.model_sha256): file for file in refused_of(findings, memory.session, predictor)}
    refused = {key: file for key, file in refused.items() if key not in memory.counted}
    if not (new or refused) or (memory.problem and (new.keys() <= memory.refused or busy)):
        return
    try:
        record = open_record()
        if new:
            measured = [replace(case, measures=measures_of(finding, picture, predictor)) for case, finding, picture in new.values()]
            ids = record.keep(measured, actor())
            memory.ids.update(zip(new, ids, strict=True))
            recorded = [(case_id, finding, picture) for case_id, (_, finding, picture) in zip(ids, new.values(), strict=True)]
            if shadows := shadows_of(recorded, predictor, terms):
                record.keep_shadows(shadows)
        if refused:
            record.keep_refused(list(refused.values()))
            memory.counted |= refused.keys()
        memory.problem, memory.refused = "", set()
    except PneumoError as error:
        memory.problem, memory.refused = str(error), set(new)


def show_record(case: Case, predictor: Predictor, terms: Terms) -> None:
    """Under an answer: agreement and note, or why the answer was not recorded."""
    if record_url() is None:
        return
    memory, answered = _memory(), _answered(case.finding_of(predictor), predictor, terms)
    case_id = memory.ids.get(_key(answered))
    if case_id:
        show_judgement(case_id, partial(_set_remark, case, answered.verdict))
        st.caption("Recorded: the file's hash, the model and its answer. No picture, no file name. See History.")
    else:
        st.warning(f"This answer was not recorded. {markdown(memory.problem)} The answer itself is not affected.")
        st.button("Record now", on_click=_retry, key="record_now")


def show_recorded(findings: Iterable[Finding | None], predictor: Predictor, terms: Terms) -> None:
    """How many of the answers are recorded, or why some are not."""
    if record_url() is None:
        return
    keys = {_key(_answered(finding, predictor, terms)) for finding in findings if finding and finding.answer}
    if not keys:
        return
    if missing := len(keys - _memory().ids.keys()):
        st.warning(
            f"{missing:,} of {len(keys)} answers were not recorded. {markdown(_memory().problem)} The answers are not affected."
        )
        st.button("Record now", on_click=_retry, key="record_now")
    else:
        st.caption(f"Recorded: {len(keys)} answers, each with the file's hash, the model and its answer. See History.")


def what_stays() -> str:
    """What is stored after the page is closed, in one sentence."""
    if record_url() is None:
        return "Nothing is kept when you close the page."
    return "This installation records each answer with the file's hash, and no picture and no file name: see History."


def show_judgement(case_id: str, on_change: Callable[[str, str], None] | None = None, needs: Action = Action.READ) -> None:
    """The clinician's agreement and note, written as they change if `needs` is permitted; `on_change` gets field and value."""
    keys = {name: _widget(name, case_id) for name in ("agreement", "note")}
    if not all(key in st.session_state for key in keys.values()):
        try:
            stored = open_record().get(case_id)
        except PneumoError as error:
            st.warning(markdown(str(error)))
            return
        if stored is None:
            st.info("This case was deleted from the record.")
            return
        for name, key in keys.items():
            st.session_state[key] = getattr(stored, name)
    agreement, note = (_kept(case_id, name, needs, on_change) for name in keys)
    st.radio("Do you agree with this answer?", AGREEMENTS, format_func=AGREEMENT_WORDS.get, horizontal=True, **agreement)
    st.text_area(_NOTE_LABEL, height=80, max_chars=NOTE_LENGTH, **note)
    for name, key in keys.items():
        if key in _memory().unsaved:
            st.warning(f"The {name} was not saved. {markdown(_memory().unsaved[key])}")
            st.button("Save again", on_click=_write, args=(case_id, name, needs), key=f"again-{key}")


def show_reference(case_id: str, stored: str) -> None:
    """The final diagnosis; sensitivity and specificity on Monitoring are counted by it."""
    key, reference = _widget("reference", case_id), _kept(case_id, "reference", Action.RECORD)
    st.session_state.setdefault(key, stored)
    words = {value: AGREEMENT_WORDS.get(value, value) for value in REFERENCES}
    st.radio("What it turned out to be", REFERENCES, format_func=words.get, horizontal=True, **reference)
    if key in _memory().unsaved:
        st.warning(f"It was not saved. {markdown(_memory().unsaved[key])}")


def actor() -> str:
    """For the log: the address or account that is logged in, else a random number of this browser session."""
    claims = st.user.to_dict()
    return str(claims.get("email") or claims.get("sub") or f"session {_memory().session}")


def _set_remark(case: Case, label: str, name: str, value: str) -> None:
    """Copy agreement and note of the record into the case's report."""
    changes = {"note": value} if name == "note" else {"agreement": NOT_STATED if value == NONE else value, "label": label}
    case.remarks = replace(case.remarks, **changes)


def _widget(name: str, case_id: str) -> str:
    """The key of the widget for a field of a recorded case."""
    return f"recorded_{name}-{case_id}"


def _kept(case_id: str, name: str, needs: Action, on_change: Callable[[str, str], None] | None = None) -> dict[str, Any]:
    """What makes that widget write to the record as it changes."""
    return {"key": _widget(name, case_id), "on_change": _write, "args": (case_id, name, needs, on_change)}


def _write(case_id: str, name: str, needs: Action, on_change: Callable[[str, str], None] | None = None) -> None:
    key = _widget(name, case_id)
    value = st.session_state[key]
    if on_change:
        on_change(name, value)
    try:
        check(needs)
        open_record().change(case_id, actor(), **{name: value})
        _memory().unsaved.pop(key, None)
    except PneumoError as error:
        _memory().unsaved[key] = str(error)


def _retry() -> None:
    _memory().problem, _memory().refused = "", set()


def _memory() -> _Memory:
    return cast(_Memory, st.session_state.setdefault("record", _Memory()))


def _key(answered: Answered) -> _Key:
    return answered.file_sha256, answered.model_sha256, answered.operating_point


def _answered(finding: Finding, predictor: Predictor, terms: Terms) -> Answered:
    """At the installation's own prevalence, so that moving the slider makes no second case and cases can be compared."""
    assert finding.answer is not None, "expected a finding that is an answer"
    card, warnings = predictor.card, finding.warnings
    reading = judge(finding.answer.log_ratio, card, Terms(terms.operating_point))
    cautions = [warning for warning in warnings if not (predictor.profile and warning == predictor.profile.sentence)]
    judged = (reading.probability, reading.operating_point, reading.threshold, reading.label, reading.zone)
    gate, session = WARN if cautions else PASS, _memory().session
    return Answered(session, finding.sha256, card.id, card.sha256, *judged, gate, tuple(warnings))
