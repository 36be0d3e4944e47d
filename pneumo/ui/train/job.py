"""The running job and the queue; a fragment that runs every two seconds while something is live."""

from pathlib import Path

import streamlit as st

from pneumo.access import Action
from pneumo.errors import PneumoError
from pneumo.files import tail
from pneumo.outgoing import markdown
from pneumo.training.jobs import queue
from pneumo.ui.shell.access import check, permitted
from pneumo.ui.shell.state import leave_message
from pneumo.ui.train.curves import show_curves
from pneumo.ui.train.view import RunView, place, repeat_command, run_views, shares

EVERY = 2.0  # seconds between two runs of the fragment


def show_jobs(views: list[RunView], runs: Path, data: Path) -> None:
    """Draw what is live, queued or being promoted. When that changes, the whole page runs again."""
    busy = _busy(views)
    st.fragment(_panel, run_every=EVERY if busy else None)(runs, data, busy)


def _busy(views: list[RunView]) -> list[tuple[str, str]]:
    """(name, state) of each live or queued run and each running promotion."""
    waiting = [(view.name, "queued" if not view.is_live else "live") for view in views if not view.is_past]
    return waiting + [(view.name, "promotion") for view in views if running_promotion(view)]


def running_promotion(view: RunView) -> queue.Promotion | None:
    promotion = queue.read_promotion(view.path)
    return promotion if promotion is not None and promotion.state == "running" else None


def _panel(runs: Path, data: Path, busy: list[tuple[str, str]]) -> None:
    views = run_views(runs)
    if _busy(views) != busy or not permitted(Action.TRAIN):  # a login may expire meanwhile
        st.rerun()
    for view in views:
        if view.is_live:
            _running(view, data)
    by_name = {view.path.name: view for view in views}
    queued = (by_name.get(path.name) for path in queue.queued(runs))
    waiting = [view for view in queued if view and not view.is_live]
    if waiting:
        st.subheader("Queue")
        st.caption("One run trains at a time; these follow in order.")
        for number, view in enumerate(waiting, start=1):
            _queued(number, view)
    for view in views:
        if promotion := running_promotion(view):
            st.info(
                f"{markdown(view.name)} is being promoted to the model {markdown(promotion.model)}: exported, "
                "calibrated and evaluated on the test split. This takes from one to several minutes."
            )


def _running(view: RunView, data: Path) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(markdown(view.name), width="content", anchor=False)
        st.badge("running" if view.status.state == "running" else "starting", color="blue")
        st.markdown(markdown(view.architecture), width="content")
        stopping = view.name in st.session_state.get("train-stopping", ())
        st.button(
            "Stopping" if stopping else "Cancel",
            on_click=_cancel,
            args=(view.path,),
            disabled=stopping,
            key=f"cancel-{view.name}",
            help="Stops after the current batch. Finished epochs are kept.",
        )
    whole, epoch = shares(view.status)
    st.progress(whole, place(view))
    if view.status.batches:
        st.progress(epoch, f"This epoch: {100 * epoch:.0f} %")
    if view.lines:
        show_curves({view.name: view.lines}, f"live-{view.name}")
    else:
        st.caption("The curves of loss, accuracy, AUC and learning rate start after the first epoch.")
    with st.expander("The end of the log"):
        st.code(tail(view.path / "log.txt") or "Nothing yet.", language=None, wrap_lines=True)
    if view.config:
        with st.expander("The command that repeats this run"):
            st.code(repeat_command(view, data), language="bash", wrap_lines=True)


def _queued(number: int, view: RunView) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"{number:d}: **{markdown(view.name)}**, {markdown(view.architecture)}", width="content")
        st.button("Cancel", on_click=_cancel, args=(view.path,), key=f"cancel-{view.name}")


def _cancel(run: Path) -> None:
    try:
        check(Action.TRAIN)
        queue.cancel(run)
        st.session_state.setdefault("train-stopping", set()).add(run.name)
    except PneumoError as error:
        leave_message(str(error))
