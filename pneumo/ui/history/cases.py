"""The History page: the recorded cases, how often the clinician agreed, export and deletion."""

import hashlib
from datetime import date
from typing import TYPE_CHECKING

import streamlit as st

from pneumo.access import Action
from pneumo.errors import PneumoError
from pneumo.labels import Zone
from pneumo.outgoing import listed, markdown
from pneumo.record.case import AGREEMENTS, RecordedCase
from pneumo.record.settings import record_url
from pneumo.reporting.finding_words import in_words, zones_help
from pneumo.reporting.numbers import interval
from pneumo.ui.diagnose import wording
from pneumo.ui.history.record import AGREEMENT_WORDS, actor, open_record, show_judgement, show_reference
from pneumo.ui.shell.access import check, permitted
from pneumo.ui.shell.quota import NOT_TAKEN, not_taken
from pneumo.ui.shell.uploads import take_over

if TYPE_CHECKING:
    from pneumo.record.search import Search
    from pneumo.record.store import Record

SHOWN = 1000  # rows of the table; the export holds all
_HASH = "history_hash"
_FOUND = "history_found"  # a file was dropped just now: its newest case opens
_ANY = "any"
_OPEN = "Open a case (or choose its row above)"
_CHOICES: dict[str, str] = {**AGREEMENT_WORDS, **{str(zone): zone.in_words for zone in Zone}}


def show_history() -> None:
    """Draw the page, or say why there is nothing to draw."""
    if record_url() is None:
        st.info("No record is kept. The operator can switch it on with the setting PNEUMO_RECORD.")
        return
    try:
        record = open_record()
        st.write(markdown(place_sentence(record.place, record.days)))
        _purge(record)
        models = record.models()
        if models:
            _by_file()
        cases = record.search(_search(models)) if models else []
        if st.session_state.pop(_FOUND, False) and cases:
            st.session_state["history_open"] = cases[0].id
    except PneumoError as error:
        st.error(markdown(str(error)))
        return
    if not cases:
        st.info("No case fits this search." if models else "No case is recorded yet. Each answer on Diagnose becomes one.")
        return
    _table(cases)
    _export(cases)
    _case(record, cases)
    _rates(cases)


def place_sentence(place: str, days: int | None) -> str:
    """Where cases are recorded and for how long."""
    duration = "until somebody deletes it (no PNEUMO_RECORD_DAYS is set)"
    if days is not None:
        duration = f"{days} day{'s' * (days != 1)}, then deleted"
    return (
        f"The record is {place}. A case is kept {duration}. It holds the file's hash, the model's answer, your agreement and note, "
        "no picture and no file name. All times are UTC."
    )


def _purge(record: "Record") -> None:
    try:
        record.purge()
    except PneumoError as error:
        st.warning(f"Cases past their retention could not be deleted and are not shown. {markdown(str(error))}")


def _by_file() -> None:
    """Search by the hash of a dropped file. The file is removed at once, and the uploader is drawn anew."""
    number = st.session_state.setdefault("history_drop", 0)
    file = st.file_uploader(
        "Drop an X-ray to find its case. Only its hash is taken; nothing of the file is kept.", key=f"history_file-{number}"
    )
    if file:
        ((_, data),) = take_over([file])
        if data == NOT_TAKEN:
            st.warning(not_taken())
            return
        st.session_state[_HASH], st.session_state["history_drop"] = hashlib.sha256(data).hexdigest(), number + 1
        st.session_state[_FOUND] = True
        st.rerun()


def _search(models: list[str]) -> "Search":
    from pneumo.record.search import Search

    left, right = st.columns(2)
    prefix = left.text_input("File hash begins with", key=_HASH)
    text = right.text_input("Text in the note", key="history_text")
    with st.expander("More filters"):
        cells = [*st.columns(3), *st.columns(3)]  # two rows, so that a narrow screen keeps their order
        choices = (("Model", models), ("Zone", tuple(Zone)), ("Agreement", AGREEMENTS))
        chosen = {
            name: cell.selectbox(
                name, (_ANY, *options), key=f"history_{name.lower()}", format_func=lambda value: _CHOICES.get(value, value)
            )
            for cell, (name, options) in zip(cells, choices, strict=False)
        }
        since: date | None = cells[4].date_input("From (UTC)", value=None, key="history_since")
        until: date | None = cells[5].date_input("To (UTC)", value=None, key="history_until")
    narrowed = {name.lower(): value for name, value in chosen.items() if value != _ANY}
    return Search(hash_prefix=prefix, text=text, since=since, until=until, **narrowed)


def _rates(cases: list[RecordedCase]) -> None:
    from pneumo.record.agreement import ALL, agreement_rates

    st.subheader("How often you agreed", anchor=False)
    rows = []
    for name, share in agreement_rates(cases).items():
        figure = f"{interval(share.figure, 2)}, {share.count} of {share.of} judged" if share.of else "none judged yet"
        rows.append(("All answers" if name == ALL else name, figure))
    st.columns([1, 1])[0].html(wording.table_html(rows))  # narrow, so that names and figures stay together
    st.caption("Among the cases below; 95 % interval (Wilson). A file counts once a model and verdict, with its newest judgement.")


def _by_hash(cases: list[RecordedCase]) -> dict[str, list[RecordedCase]]:
    """The answers to each file, both newest first."""
    groups: dict[str, list[RecordedCase]] = {}
    for case in cases:
        groups.setdefault(case.file_sha256, []).append(case)
    return groups


def _table(cases: list[RecordedCase]) -> None:
    """A row a file, with its newest answer."""
    groups = list(_by_hash(cases).values())
    files = f" on {len(groups)} file{'s' * (len(groups) != 1)}" if len(groups) < len(cases) else ""
    st.subheader(f"{len(cases)} case{'s' * (len(cases) != 1)}{files}", anchor=False)
    shown = [(group[0], len(group)) for group in groups[:SHOWN]]
    st.dataframe(
        [
            {
                "Time": _moment(case),
                "Verdict": case.verdict,
                "Probability": in_words(case.probability),
                "Zone": Zone(case.zone).in_words,
                "Agreement": AGREEMENT_WORDS[case.agreement],
                "Answers": count,
                "Note": case.note,
                "Gate": case.gate,
                "Model": case.model,
                "Operating point": case.operating_point,
                "File hash": case.file_sha256[:12],
            }
            for case, count in shown
        ],
        column_config={
            "Answers": st.column_config.NumberColumn(help="To this file; the row shows the newest.", width="small"),
            "Zone": st.column_config.TextColumn(help=zones_help()),
            "Note": st.column_config.TextColumn(width="medium"),
        },
        hide_index=True,
        key="history_table",
        on_select=lambda: _open_row([case.id for case, _ in shown]),
        selection_mode="single-row",
    )
    if len(groups) > SHOWN:
        st.caption(f"The newest {SHOWN} files are shown; the export holds all {len(cases)} cases.")


def _open_row(ids: list[str]) -> None:
    rows = st.session_state["history_table"].selection.rows
    if rows:
        st.session_state["history_open"] = ids[rows[0]]


def _export(cases: list[RecordedCase]) -> None:
    from pneumo.record.export import as_csv, as_json

    if not permitted(Action.RECORD):
        return
    with st.container(horizontal=True):
        st.download_button("CSV", lambda: as_csv(cases), "pneumo-history.csv", "text/csv", on_click="ignore", key="history_csv")
        st.download_button(
            "JSON", lambda: as_json(cases), "pneumo-history.json", "application/json", on_click="ignore", key="history_json"
        )


def _case(record: "Record", cases: list[RecordedCase]) -> None:
    """One case: everything recorded of it, the judgement, and its deletion."""
    by_id = {case.id: case for case in cases}
    if st.session_state.get("history_open") not in by_id:
        st.session_state["history_open"] = None
    chosen = st.selectbox(_OPEN, list(by_id), index=None, key="history_open", format_func=lambda case: _title(by_id[case]))
    if chosen is None:
        return
    case = by_id[chosen]
    facts, judgement = st.columns([5, 4], gap="medium")
    with facts:
        st.html(wording.table_html(_facts(case)))
        if others := [other for other in _by_hash(cases)[case.file_sha256] if other.id != case.id]:
            st.caption(f"Other answers to this file, each a case of its own in the list above: {len(others)}")
            st.html(wording.table_html([_line(other) for other in others]))
    with judgement:
        if permitted(Action.RECORD):
            show_judgement(case.id, needs=Action.RECORD)
            show_reference(case.id, case.reference)
            _deletion(record, case)
        else:
            reference = AGREEMENT_WORDS.get(case.reference, case.reference)
            rows = [("Agreement", AGREEMENT_WORDS[case.agreement]), ("Note", case.note or "none")]
            st.html(wording.table_html([*rows, ("What it turned out to be", reference)]))


def _deletion(record: "Record", case: RecordedCase) -> None:
    if st.session_state.get("history_delete") != case.id:
        st.button("Delete this case", on_click=_set_deletion, args=(case.id,), key="history_ask")
        return
    st.warning("Delete this case for good? Only the log stays; it says that a case was deleted and holds nothing of it.")
    with st.container(horizontal=True):
        st.button("Delete for good", on_click=_delete, args=(record, case.id), key="history_yes", type="primary")
        st.button("Keep it", on_click=_set_deletion, args=(None,), key="history_no")
    if problem := st.session_state.get("history_problem"):
        st.error(markdown(problem))


def _set_deletion(case_id: str | None) -> None:
    st.session_state["history_delete"], st.session_state["history_problem"] = case_id, None


def _delete(record: "Record", case_id: str) -> None:
    try:
        check(Action.RECORD)
        record.delete(case_id, actor())
        _set_deletion(None)
    except PneumoError as error:
        st.session_state["history_problem"] = str(error)


def _moment(case: RecordedCase) -> str:
    return case.created[:16].replace("T", " ")


def _title(case: RecordedCase) -> str:
    """With seconds and operating point, as a list with two equal titles would open the first for both."""
    moment = case.created[:19].replace("T", " ")
    return f"{moment}  {case.verdict}  {in_words(case.probability)}  {case.model} {case.operating_point}  {case.file_sha256[:8]}"


def _line(case: RecordedCase) -> tuple[str, str]:
    """(time, answer, judgement) of a case in one row."""
    answer = f"{case.verdict}, probability {in_words(case.probability)}, {case.model} at {case.operating_point}"
    return _moment(case), f"{answer}; agreement: {AGREEMENT_WORDS[case.agreement]}"


def _facts(case: RecordedCase) -> list[tuple[str, str]]:
    return [
        ("Time", f"{case.created} (UTC)"),
        ("Answer", f"{case.verdict}, probability {in_words(case.probability)}"),
        ("Zone", f"{Zone(case.zone).in_words} ({case.zone})"),
        ("Operating point", f"{case.operating_point}, threshold {case.threshold:.2f}"),
        ("Gate", listed([case.gate, *case.warnings])),
        ("Model", f"{case.model}, weights {case.model_sha256[:16]}"),
        ("File SHA-256", case.file_sha256[:16]),
        ("Case", case.id),
    ]
