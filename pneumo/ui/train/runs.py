"""Past runs: a table, the curves of several, and one in detail with its actions."""

import json
from collections.abc import Callable
from pathlib import Path

import pandas
import streamlit as st

from pneumo.access import Action
from pneumo.errors import PneumoError
from pneumo.files import tail
from pneumo.outgoing import markdown
from pneumo.paths import models_dir
from pneumo.reporting.history_charts import MOST
from pneumo.training.jobs import queue
from pneumo.ui.diagnose.wording import table_html
from pneumo.ui.shell.access import check
from pneumo.ui.shell.state import FORM, leave_message, put
from pneumo.ui.train.curves import show_curves
from pneumo.ui.train.job import running_promotion
from pneumo.ui.train.view import RunView, duration, facts, free_name, repeat_command

_PROMOTION = (
    "Promotion makes a model of this run: it exports the network, calibrates it on the calibration part, and evaluates it once on "
    "the test split. The ledger records this look at test with your reason, because figures of test are too good when looks are "
    "not counted. The model then answers on Diagnose."
)
_RESUME_HELP = "Continues after the last finished epoch."
_MIRRORED_HELP = "A more stable answer in twice the time. The heatmap is of the image alone."


def show_past_runs(views: list[RunView], data: Path) -> None:
    """The table of `views`, all of them past, and below it the opened runs."""
    st.subheader("Past runs", anchor=False)
    opened = _opened(views)
    if not opened:
        st.caption(f"Choose a run in the table to see it and to promote it, or up to {MOST} to compare their curves.")
    elif len(opened) == 1:
        _detail(opened[0], data)
    else:
        if len(opened) > MOST:
            st.caption(f"The first {MOST:d} of the {len(opened)} chosen runs.")
        _compare(opened[:MOST])


def _opened(views: list[RunView]) -> list[RunView]:
    """The runs chosen in the table; by default the one that ended last, also when one has just ended.

    Each list of runs has its own key, so that a choice never moves to another run.
    """
    state, names = st.session_state, [view.name for view in views]
    newest = max(views, key=lambda view: view.status.updated).name
    if state.get("train-newest") != newest:
        state["train-newest"], state["train-open"] = newest, [newest]
    chosen = [names.index(name) for name in state["train-open"] if name in names]
    rows = _table(views, f"train-table {newest} {names}", chosen)
    state["train-open"] = [names[row] for row in rows if row < len(names)]
    return [views[row] for row in rows if row < len(names)]


def _table(views: list[RunView], key: str, chosen: list[int]) -> list[int]:
    """Draw it with these rows chosen at first; return the rows chosen now."""
    rows = [
        {
            "Run": view.name,
            "State": view.status.state,
            "Architecture": view.architecture,
            "Epochs": f"{len(view.lines)} of {view.config.epochs}" if view.config else "",
            "AUC": view.best_line.get("val_auc"),
            "Validation loss": [line["val_loss"] for line in view.lines],
            "Validation AUC": [line.get("val_auc") for line in view.lines],
            "Duration": duration(view.seconds) if view.lines else "",
        }
        for view in views
    ]
    columns = st.column_config
    event = st.dataframe(
        pandas.DataFrame(rows),
        hide_index=True,
        key=key,
        on_select="rerun",
        selection_mode="multi-row",
        selection_default={"selection": {"rows": chosen}},
        column_config={
            "Run": columns.TextColumn(pinned=True, width=130),
            "AUC": columns.NumberColumn(
                format="%.3f", help="Validation AUC of the epoch that is kept: the one of the lowest loss."
            ),
            "Validation loss": columns.LineChartColumn(
                help="Epoch by epoch, each on its own scale. It should fall.", width="small"
            ),
            "Validation AUC": columns.LineChartColumn(help="Epoch by epoch, each on its own scale. It should rise.", width="small"),
        },
    )
    return list(event.selection.rows)


def _compare(views: list[RunView]) -> None:
    without_epoch = [view.name for view in views if not view.lines]
    drawn = {view.name: view.lines for view in views if view.lines}
    if without_epoch:
        st.caption(f"No epoch finished, so no curve: {markdown(', '.join(without_epoch))}.")
    if drawn:
        show_curves(drawn, "compare")


def _detail(view: RunView, data: Path) -> None:
    st.subheader(markdown(view.name), anchor=False)
    if view.status.state == "failed":
        st.error(f"This run failed. {markdown(view.status.why)}")
    elif view.status.why:
        st.info(markdown(view.status.why))
    _promotion_result(view)
    _actions(view)
    if view.lines:
        show_curves({view.name: view.lines}, "detail")
    else:
        st.caption("No epoch was finished, so there is no curve.")
    with st.container(key="run_facts"):
        st.html(table_html(facts(view)))
    if view.config:
        st.caption("The command that repeats this run:")
        st.code(repeat_command(view, data), language="bash", wrap_lines=True)
        with st.expander("All settings"):
            st.code(json.dumps(view.config.to_dict(), indent=2), language="json")
    with st.expander("The end of the log"):
        log = tail(view.path / "log.txt") or "There is no log: the run was started from the command line."
        st.code(log, language=None, wrap_lines=True)


def _promotion_result(view: RunView) -> None:
    promotion = queue.read_promotion(view.path)
    if promotion is None or promotion.state == "running":
        return
    if promotion.state == "failed":
        st.error(f"The promotion to {markdown(promotion.model)} failed. {markdown(promotion.why)}")
        with st.expander("The end of the promotion's log"):
            st.code(tail(view.path / "promotion.txt"), language=None, wrap_lines=True)
    elif (models_dir() / promotion.model).is_dir():
        st.success(f"Promoted: the model {markdown(promotion.model)} is in the registry.")
        st.page_link("pages/diagnose.py", label="Use it on Diagnose")


def _actions(view: RunView) -> None:
    name = view.name
    if st.session_state.get("train-deleting") == name:
        size = sum(path.stat().st_size for path in view.path.rglob("*") if path.is_file())
        st.warning(
            f"Delete {markdown(name)} with its checkpoints and history for good ({size / 2**20:.0f} MB)? Promoted models stay."
        )
        with st.container(horizontal=True):
            st.button("Delete for good", type="primary", key="train-delete-yes", on_click=_act, args=(queue.delete, view.path))
            st.button("Keep it", key="train-delete-no", on_click=put, args=("train-deleting", None))
        return
    promoting = running_promotion(view) is not None
    with st.container(horizontal=True):
        if view.status.state in ("failed", "cancelled"):
            resume = (queue.resume, view.path)
            st.button("Resume", key="train-resume", on_click=_act, args=resume, disabled=promoting, help=_RESUME_HELP)
        st.button("Delete", key="train-delete", on_click=put, args=("train-deleting", name), disabled=promoting)
    if (view.path / "best.keras").is_file() and not promoting:
        state, last = st.session_state, queue.read_promotion(view.path)
        id_key, why_key, mirrored_key = (f"{FORM}{field}-{name}" for field in ("model", "why", "mirrored"))
        if last and last.state == "finished" and state.get(id_key) == last.model:
            del state[id_key]  # it is taken now
        with st.expander("Promote to the model registry", expanded=bool(last and last.state == "failed")):
            st.write(_PROMOTION)
            state.setdefault(id_key, name if not (models_dir() / name).exists() else free_name(name, models_dir()))
            st.text_input("Id of the new model", key=id_key)
            st.text_input("Why, for the ledger", key=why_key, placeholder="such as: candidate for the next release")
            st.toggle("Answer with the mean of an image and its mirror image", key=mirrored_key, help=_MIRRORED_HELP)
            keys = (id_key, why_key, mirrored_key)
            st.button("Promote", type="primary", key="train-promote", on_click=_promote, args=(view.path, *keys))


def _promote(run: Path, id_key: str, why_key: str, mirrored_key: str) -> None:
    state = st.session_state
    _act(lambda path: queue.start_promotion(path, state[id_key].strip(), state[why_key].strip(), state[mirrored_key]), run)


def _act(action: Callable[[Path], None], run: Path) -> None:
    """Do what a button says; an error is shown on top of the page."""
    st.session_state.pop("train-deleting", None)
    st.session_state.get("train-stopping", set()).discard(run.name)
    try:
        check(Action.TRAIN)
        action(run)
    except PneumoError as error:
        leave_message(str(error))
