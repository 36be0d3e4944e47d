"""A file of the worklist opened on Diagnose: in full size, with previous and next in the list's own order, and the way back."""

from collections.abc import Sequence
from typing import cast

import streamlit as st

from pneumo.ui.shell import quota, state
from pneumo.ui.shell.state import Case
from pneumo.ui.worklist.rows import Row

_ORDER, _OPENED = "worklist_order", "worklist_opened"
_Key = tuple[str, str]  # name and hash of a file


def open_row(row: Row, listed: Sequence[Row]) -> None:
    """Show the row on Diagnose; `listed`: all rows of the table, in its order."""
    place = _case_of(row)
    if place is not None:
        st.session_state[_ORDER] = [_key(other) for other in listed]
        state.show_on_diagnose(place)


def place_of(case: Case) -> tuple[int, int] | None:
    """(number from 0, count) in the filtered list it was opened from; None for a file that was not opened from the worklist."""
    order, key = _order(), (case.name, case.finding.sha256)
    return (order.index(key), len(order)) if key in order else None


def step_to(number: int) -> None:
    """Open the file at this place of the list, on Diagnose."""
    key = _order()[number]
    row = next(row for row in _rows() if _key(row) == key)
    if (place := _case_of(row)) is not None:
        st.session_state["current"] = place


def opened_in(listed: Sequence[Row]) -> int | None:
    """The place of the row opened last among `listed`, for the selection when the page is opened again."""
    opened = st.session_state.get(_OPENED)
    return next((number for number, row in enumerate(listed) if _key(row) == opened), None)


def leave_list() -> None:
    """When the worklist is cleared: files opened from it stay on Diagnose, among its own."""
    st.session_state.pop(_ORDER, None)
    st.session_state.pop(_OPENED, None)


def _case_of(row: Row) -> int | None:
    """The row's place among the cases on Diagnose, behind which it is added at first; None, with a message, without room.

    Of the worklist's cases only this one is held in full size.
    """
    cases, key = state.cases(), _key(row)
    place = next((place for place, case in enumerate(cases) if (case.name, case.finding.sha256) == key), None)
    if place is None and quota.room(st.session_state) <= 0:
        st.toast("This session can hold no more X-rays. Choose Clear all on Diagnose first.", icon=":material/warning:")
        return None
    by_key = {_key(other): other for other in _rows()}
    for case in cases:
        other = by_key.get((case.name, case.finding.sha256))
        if case.from_worklist and not case.reduced and other:
            other.reduce(case)
    if place is None:
        place = len(cases)
        cases.append(row.case())
    if cases[place].from_worklist:
        row.enlarge(cases[place])
    st.session_state[_OPENED] = key
    return place


def _key(row: Row) -> _Key:
    return row.name, row.sha256


def _rows() -> list[Row]:
    return cast(list[Row], st.session_state.get(quota.ROWS, []))


def _order() -> list[_Key]:
    return cast(list[_Key], st.session_state.get(_ORDER, []))
