"""Drop X-rays and see for each the answer, the heatmap, and how reliable it is."""

import time

import streamlit as st

from pneumo.inference.batch import read_member, unread
from pneumo.inference.finding import judge
from pneumo.synthetic.phantom import make_phantom, phantom_png
from pneumo.ui.diagnose.filmstrip import show_filmstrip
from pneumo.ui.diagnose.sidebar import choose_model, choose_terms
from pneumo.ui.diagnose.viewer import show_case, show_no_answer
from pneumo.ui.history.record import record_answers
from pneumo.ui.shell import quota, state
from pneumo.ui.shell.frame import require_frame
from pneumo.ui.shell.going_on import offer_to_go_on
from pneumo.ui.shell.uploads import take_over

BUDGET = 0.6  # seconds of reading in one run of the page, so that the first results show early
PHANTOMS_HELP = "Three synthetic pictures, not of patients. They show how the page works."


def read_pending(predictor, line) -> None:
    """Read dropped files for BUDGET seconds; the next run goes on. From the second file on, the filmstrip shows progress."""
    cases, began, room = state.cases(), time.monotonic(), quota.room(st.session_state)
    if not cases:
        line.caption(f"Reading 1 of {len(state.pending())}")
    while (waiting := state.pending()) and time.monotonic() - began < BUDGET:  # reading session state lets a click end this run
        member, truth = waiting[0]  # removed from the queue only once read, so that no file is lost
        finding = read_member(member, predictor) if room > 0 else unread(quota.full(), predictor)
        cases.append(state.make_case(member.name, finding, predictor, truth))
        waiting.pop(0)
        room -= cases[-1].nbytes
    line.empty()


def drop_zone() -> None:
    """The uploader is emptied once its files are queued, so that results stay when the page is left."""
    number, is_first = st.session_state.setdefault("drop_number", 0), not (state.cases() or state.pending())
    with st.container(key="drop_first" if is_first else "drop_more"):  # theme.css makes the second a line
        files = st.file_uploader(
            "Drop chest X-rays here: JPEG, PNG or DICOM, several at once, or a zip of a study" if is_first else "Drop more here",
            accept_multiple_files=True,
            key=f"drop-{number}",
        )
    if files:
        st.session_state["current"] = len(state.cases()) + len(state.pending())  # the first new file opens
        state.enqueue(take_over(files))
        st.session_state["drop_number"] = number + 1
        st.rerun()
    if count := st.session_state.get("skipped_files", 0):
        st.caption(f"{count:,} other files in the archive are not images and were skipped.")


def empty_state() -> None:
    show_no_answer()
    st.write(
        "Pneumo reads a child's frontal chest X-ray and says NORMAL, INDETERMINATE or PNEUMONIA, with a calibrated probability, "
        "a heatmap of the evidence, and how often such an answer is right."
    )
    st.button("Try it with generated phantoms", on_click=load_phantoms, help=PHANTOMS_HELP)


def load_phantoms() -> None:
    kinds = (("none", "normal"), ("bacterial", "bacterial"), ("viral", "viral"))
    state.enqueue((f"phantom-{name}.png", phantom_png(make_phantom(kind, seed=3))) for kind, name in kinds)


require_frame()
drop_zone()
predictor = choose_model()
if predictor is not None:
    terms = choose_terms(list(predictor.card.cuts))
    line = st.empty()  # always drawn, so that the elements below keep their place
    stopped = st.empty()
    if state.pending():
        with stopped:
            offer_to_go_on((len(state.cases()), len(state.cases()) + len(state.pending())))
        read_pending(predictor, line)
    if not state.pending():
        stopped.empty()
    head = st.container()  # always drawn too: a screen reader tells of the answer below it only while that keeps its place
    cases = state.cases()
    if not cases:
        empty_state()
    else:
        findings = [case.finding_of(predictor) for case in cases]
        if warning := quota.warning(findings):
            head.warning(warning)
        labels = [
            judge(finding.answer.log_ratio, predictor.card, terms).verdict if finding.answer else finding.status.in_words.upper()
            for finding in findings
        ]
        with head:
            current = show_filmstrip(cases, findings, labels, len(state.pending()))
        record_answers(findings, predictor, terms, bool(state.pending()), [case.picture for case in cases])
        show_case(cases[current], predictor, terms, f"{current + 1} of {len(cases) + len(state.pending())}", head)
    if state.pending():
        st.rerun()
