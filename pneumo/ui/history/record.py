"""The record beside an answer: kept once, agreed with or not, and a clear word when it could not be kept. Off: nothing."""

import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, cast

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
SAID = {AGREE: "agree", DISAGREE: "disagree", NONE: "not said"}


@dataclass
class _Memory:
    """What this browser session knows of the record."""

    session: str = field(default_factory=lambda: secrets.token_hex(8))
    ids: dict[_Key, str] = field(default_factory=dict)
    counted: set[tuple[str, str]] = field(default_factory=set)  # files without an answer, with the model that gave none
    refused: set[_Key] = field(default_factory=set)  # asked once and not again by itself: a locked database costs seconds
    problem: str = ""
    unsaved: dict[str, str] = field(default_factory=dict)  # widget -> why what it shows is not in the record


def open_record() -> "Record":
    """The record that the environment names. Raises ConfigError, RecordError; loads SQLAlchemy."""
    try:
        from pneumo.record import store
    except ImportError as error:
        raise RecordError(f"{error.name} is not installed: run `pip install -r requirements.txt`. Nothing is recorded.") from error
    record = store.open_record()
    assert record is not None, "expected a record that is switched on"
    return record


def keep(findings: Sequence[Finding | None], predictor: Predictor, terms: Terms, busy: bool, pictures: Sequence[Picture]) -> None:
    """Record every answer of this session, once a file, model and operating point. Never raises, never stops an answer.

    `findings` are those of `predictor`, answered or not, `pictures` theirs; while `busy` reading, what failed is not tried again.
    """
    if record_url() is None:
        return
    memory = _memory()
    answered = [
        (_answered(finding, predictor, terms), finding, picture)
        for finding, picture in zip(findings, pictures, strict=True)
        if finding and finding.answer
    ]
    new = {key: each for each in answered if (key := _key(each[0])) not in memory.ids}
    turned = {(each.file_sha256, each.model_sha256): each for each in refused_of(findings, memory.session, predictor)}
    turned = {key: each for key, each in turned.items() if key not in memory.counted}
    if not (new or turned) or (memory.problem and (new.keys() <= memory.refused or busy)):
        return
    try:
        record = open_record()
        if new:
            kept = [replace(each, measures=measures_of(finding, picture, predictor)) for each, finding, picture in new.values()]
            ids = record.keep(kept, actor())
            memory.ids.update(zip(new, ids, strict=True))
            told = [(case_id, finding, picture) for case_id, (_, finding, picture) in zip(ids, new.values(), strict=True)]
            if shadows := shadows_of(told, predictor, terms):
                record.keep_shadows(shadows)
        if turned:
            record.keep_refused(list(turned.values()))
            memory.counted |= turned.keys()
    except PneumoError as error:
        memory.problem, memory.refused = str(error), set(new)
    else:
        memory.problem, memory.refused = "", set()


def show_record(case: Case, predictor: Predictor, terms: Terms) -> None:
    """Under an answer: agreement and note, or why the answer was not recorded."""
    if record_url() is None:
        return
    memory, answered = _memory(), _answered(case.found(predictor), predictor, terms)
    case_id = memory.ids.get(_key(answered))
    if case_id:
        judgement(case_id, partial(_remark, case, answered.verdict))
        st.caption("Recorded: the file's hash, the model and its answer. No picture, no file name. See History.")
    else:
        st.warning(f"This answer was not recorded. {markdown(memory.problem)} The answer itself is not affected.")
        st.button("Record now", on_click=_ask_again, key="record_now")


def show_kept(findings: Iterable[Finding | None], predictor: Predictor, terms: Terms) -> None:
    """Beside many answers: how many of them are recorded, or why some are not."""
    if record_url() is None:
        return
    keys = {_key(_answered(finding, predictor, terms)) for finding in findings if finding and finding.answer}
    if not keys:
        return
    if missing := len(keys - _memory().ids.keys()):
        st.warning(
            f"{missing:,} of {len(keys)} answers were not recorded. {markdown(_memory().problem)} The answers are not affected."
        )
        st.button("Record now", on_click=_ask_again, key="record_now")
    else:
        st.caption(f"Recorded: {len(keys)} answers, each by the file's hash, the model and what it said. See History.")


def what_stays() -> str:
    """What is left when the page is closed, in one sentence."""
    if record_url() is None:
        return "Nothing is kept when you close the page."
    return "This installation records each answer with the file's hash, and no picture and no file name: see History."


def judgement(case_id: str, heard: Callable[[str, str], None] | None = None, needs: Action = Action.READ) -> None:
    """The clinician's agreement and note, written to the record as they change; `heard` is told what became what.

    `needs`: what whoever changes them must be permitted.
    """
    keys = {"agreement": f"recorded_agreement-{case_id}", "note": f"recorded_note-{case_id}"}
    if not all(key in st.session_state for key in keys.values()):
        try:
            stored = open_record().get(case_id)
        except PneumoError as error:
            st.warning(markdown(str(error)))
            return
        if stored is None:
            st.info("This case was deleted from the record.")
            return
        for what, key in keys.items():
            st.session_state[key] = getattr(stored, what)
    st.radio(
        "Do you agree with this answer?",
        AGREEMENTS,
        format_func=SAID.get,
        horizontal=True,
        key=keys["agreement"],
        on_change=_write,
        args=(case_id, "agreement", keys["agreement"], needs, heard),
    )
    st.text_area(
        "Note for the record. Type no names, dates of birth or numbers of patients.",
        key=keys["note"],
        height=80,
        max_chars=NOTE_LENGTH,
        on_change=_write,
        args=(case_id, "note", keys["note"], needs, heard),
    )
    for what, key in keys.items():
        if key in _memory().unsaved:
            st.warning(f"The {what} was not saved. {markdown(_memory().unsaved[key])}")
            st.button("Save again", on_click=_write, args=(case_id, what, key, needs), key=f"again-{key}")


def reference(case_id: str, stored: str) -> None:
    """On History: what the child turned out to have, which sensitivity and specificity on Monitoring are counted by."""
    key = f"recorded_reference-{case_id}"
    st.session_state.setdefault(key, stored)
    st.radio(
        "What it turned out to be",
        REFERENCES,
        format_func=lambda value: SAID.get(value, value),
        horizontal=True,
        key=key,
        on_change=_write,
        args=(case_id, "reference", key, Action.RECORD),
    )
    if key in _memory().unsaved:
        st.warning(f"It was not saved. {markdown(_memory().unsaved[key])}")


def actor() -> str:
    """Who the log says it was: whoever is logged in, by address or account, else this browser session by a random number."""
    claims = st.user.to_dict()
    return str(claims.get("email") or claims.get("sub") or f"session {_memory().session}")


def _remark(case: Case, label: str, what: str, value: str) -> None:
    """What was said to the record goes into the case's report too."""
    said = {"note": value} if what == "note" else {"agreement": NOT_STATED if value == NONE else value, "label": label}
    case.remarks = replace(case.remarks, **said)


def _write(case_id: str, what: str, key: str, needs: Action, heard: Callable[[str, str], None] | None = None) -> None:
    value = st.session_state[key]
    if heard:
        heard(what, value)
    try:
        check(needs)
        open_record().change(case_id, actor(), **{what: value})
    except PneumoError as error:
        _memory().unsaved[key] = str(error)
    else:
        _memory().unsaved.pop(key, None)


def _ask_again() -> None:
    _memory().problem, _memory().refused = "", set()


def _memory() -> _Memory:
    return cast(_Memory, st.session_state.setdefault("record", _Memory()))


def _key(answered: Answered) -> _Key:
    return answered.file_sha256, answered.model_sha256, answered.operating_point


def _answered(finding: Finding, predictor: Predictor, terms: Terms) -> Answered:
    """Recorded at the installation's own prevalence, so that a slider makes no second case and cases compare."""
    assert finding.answer is not None, "expected a finding that is an answer"
    card, kept = predictor.card, Terms(terms.operating_point)
    reading, warnings = judge(finding.answer.log_ratio, card, kept), finding.warnings
    cautions = [warning for warning in warnings if not (predictor.profile and warning == predictor.profile.sentence)]
    return Answered(
        _memory().session,
        finding.sha256,
        card.id,
        card.sha256,
        reading.probability,
        reading.operating_point,
        reading.threshold,
        reading.label,
        reading.zone,
        WARN if cautions else PASS,
        tuple(warnings),
    )
