"""Drop hundreds of X-rays, a zip or a folder; see them by probability, and each file without an answer with its reason."""

import time

import streamlit as st

from pneumo.inference.predictor import Predictor
from pneumo.outgoing import markdown
from pneumo.synthetic.phantom import make_phantom, phantom_png
from pneumo.ui.diagnose.sidebar import choose_model, choose_terms
from pneumo.ui.history.record import record_answers, show_recorded, what_stays
from pneumo.ui.shell import quota, state
from pneumo.ui.shell.frame import require_frame
from pneumo.ui.shell.going_on import offer_to_go_on
from pneumo.ui.shell.uploads import take_over
from pneumo.ui.worklist import table
from pneumo.ui.worklist.intake import Intake, time_left
from pneumo.ui.worklist.rows import Row, read_row
from pneumo.ui.worklist.walk import leave_list

BUDGET = 0.6  # seconds of reading in one run of the page, so that the first results show early
_FILES, _FOLDER = "Files or a zip", "A folder"


def intake() -> Intake:
    return st.session_state.setdefault(quota.INTAKE, Intake())


def rows() -> list[Row]:
    return st.session_state.setdefault(quota.ROWS, [])


def drop_zone() -> None:
    """The uploader is emptied once its files are queued; the queue drops each file when it is read."""
    number, is_first = st.session_state.setdefault("worklist_drop", 0), not (rows() or intake().head)
    words = {
        _FILES: "Drop chest X-rays here: JPEG, PNG or DICOM, hundreds at once, or a zip of them" if is_first else "Drop more here",
        _FOLDER: "Drop a folder here; files that are not images are skipped",
    }
    with st.container(key="drop_first" if is_first else "drop_more", horizontal=not is_first):  # theme.css makes the second a line
        kind = st.segmented_control(
            "What to drop", [_FILES, _FOLDER], default=_FILES, key="worklist_kind", required=True, label_visibility="collapsed"
        )
        folder = kind == _FOLDER
        files = st.file_uploader(
            words[kind], accept_multiple_files="directory" if folder else True, key=f"worklist-drop-{number}-{folder}"
        )
    if files:
        intake().add(take_over(files), from_folder=folder)
        st.session_state["worklist_drop"] = number + 1
        st.rerun()


def empty_state() -> None:
    st.write(
        "Pneumo reads every file in turn and lists the X-rays with the likeliest pneumonia on top. A file without an answer is "
        "listed with the reason. " + what_stays()
    )
    st.button("Try it with generated phantoms", on_click=load_phantoms, help="Twelve synthetic pictures, not of patients.")


def load_phantoms() -> None:
    kinds = ("none", "bacterial", "viral")
    pictures = (phantom_png(make_phantom(kinds[n % 3], seed=n, height=300, width=400)) for n in range(12))
    intake().add((f"phantom-{n:02d}.png", picture) for n, picture in enumerate(pictures))


def clear() -> None:
    """Remove every X-ray of the worklist."""
    st.session_state[quota.ROWS], st.session_state[quota.INTAKE] = [], Intake()
    leave_list()


def work(predictor: Predictor, line, seconds: float) -> None:
    """Read files, then ask a newly chosen model about those that were read, for `seconds`; the next run goes on.

    A click ends this run where progress is drawn, between two files.
    """
    queue, listed, end, room = intake(), rows(), time.monotonic() + seconds, quota.room(st.session_state)
    while (member := queue.head) and time.monotonic() < end:
        done, total = queue.progress
        line.progress(done / total, f"Reading {done + 1} of {total:,}{time_left(queue.seconds_left)}")
        is_new = read_row(listed, member, predictor, room > 0)
        queue.done()
        queue.repeated += not is_new
        room -= listed[-1].nbytes if is_new else 0
    unasked = [place for place, row in enumerate(rows()) if row.finding(predictor) is None]
    for count, place in enumerate(unasked):
        if queue.head or time.monotonic() > end:
            break
        done = len(rows()) - len(unasked) + count
        line.progress(done / len(rows()), f"Asking {markdown(predictor.card.id)}: {done + 1} of {len(rows())}")
        rows()[place] = rows()[place].with_answer_of(predictor)


def answered_by(predictor: Predictor) -> int:
    """How many rows this model was asked about."""
    return sum(row.finding(predictor) is not None for row in rows())


def page() -> None:
    began = time.monotonic()
    state.go_where_sent()
    st.space("xxsmall")
    drop_zone()
    predictor = choose_model()
    if predictor is None:
        return
    terms = choose_terms(list(predictor.card.cuts))
    line, busy = st.empty(), intake().head is not None or answered_by(predictor) < len(rows())
    if intake().head:
        with st.container(horizontal=True, vertical_alignment="center"):
            line = st.empty()
            st.button("Cancel", on_click=intake().cancel, key="worklist-cancel", help="Keeps what was read so far.")
    if not rows() and not busy:
        if intake().skipped:
            st.info(f"None of the {intake().skipped:,} files is a JPEG, PNG or DICOM image.")
        empty_state()
        return
    if busy:
        offer_to_go_on(intake().progress if intake().head else (answered_by(predictor), len(rows())))
    if rows():
        counts, may_clear = (intake().skipped, intake().cancelled, intake().repeated), intake().head is None
        findings = [row.finding(predictor) for row in rows()]
        if warning := quota.warning(finding for finding in findings if finding):
            st.warning(warning)
        record_answers(findings, predictor, terms, busy, [row.picture for row in rows()])
        if not busy:
            show_recorded(findings, predictor, terms)
        table.show(rows(), predictor, terms, busy, counts, clear if may_clear else None)
    if busy:
        drawn = time.monotonic() - began
        work(predictor, line, min(10.0, max(BUDGET, 3 * drawn)))  # most of the time goes to reading, however long the table
        st.rerun()


require_frame()
page()
