"""The worklist as tables: answered files by probability, the others with their reasons; export, and opening on Diagnose."""

import base64
from collections.abc import Callable, Sequence
from functools import partial
from html import escape
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pneumo.inference.finding import Terms, judge
from pneumo.inference.predictor import Predictor
from pneumo.inference.rows import csv_text, json_text
from pneumo.labels import Verdict
from pneumo.outgoing import listed
from pneumo.reporting.finding_words import zones_help
from pneumo.ui.worklist.rows import Row, export
from pneumo.ui.worklist.walk import open_row, opened_in

VERDICTS, WARNED = (Verdict.PNEUMONIA, Verdict.INDETERMINATE, Verdict.NORMAL), "with a warning"
SHOW = "worklist_show"  # the filter chips
PICTURES_SHOWN = 1000  # thumbnails in one table, which is sent whole to the browser, 3 KB each
REASONS_SHOWN = 500
_CLICKED = "worklist-open-clicked"
_PROBABILITY_HELP = "Of pneumonia. 0.99 stands for 0.99 and above, 0.01 for 0.01 and below; CSV and JSON have every digit."
_EXPORT_HELP = "All files, whatever the filter; the fields of `python -m pneumo predict`."
_COLUMNS = {  # a phone shows the first three
    "picture": st.column_config.ImageColumn("", width=64, help="Click to enlarge"),
    "probability": st.column_config.ProgressColumn(
        "Probability", width=145, format="%.2f", min_value=0.0, max_value=1.0, color="#FFB454", help=_PROBABILITY_HELP
    ),
    "label": st.column_config.TextColumn("Answer", width=105),
    "zone": st.column_config.TextColumn("Zone", width=210, help=zones_help()),
    "file": st.column_config.TextColumn("File", width=230),
    "warnings": st.column_config.TextColumn("Warnings", width="large"),
}


def table_of(rows: Sequence[Row], predictor: Predictor, terms: Terms) -> pd.DataFrame:
    """Answered rows by falling probability, which is clipped to 0.01 to 0.99; the index is the place in `rows`."""
    lines = []
    for index, row in enumerate(rows):
        finding = row.finding(predictor)
        if finding and finding.answer:
            reading = judge(finding.answer.log_ratio, predictor.card, terms)
            answer = (reading.probability, reading.verdict, reading.zone.in_words)
            lines.append((index, _uri(row.thumbnail), *answer, row.name, listed(finding.warnings)))
    table = pd.DataFrame(lines, columns=["index", *_COLUMNS]).set_index("index")
    table = table.sort_values("probability", ascending=False, kind="stable")
    return table.assign(probability=np.clip(table["probability"].astype(float), 0.01, 0.99))


def unanswered_of(rows: Sequence[Row], predictor: Predictor) -> list[tuple[bytes | None, str, str, str]]:
    """Thumbnail, name, status and reason of rows without an answer, as they were dropped."""
    return [
        (row.thumbnail, row.name, finding.status.in_words, listed(finding.reasons))
        for row in rows
        if (finding := row.finding(predictor)) and not finding.answer
    ]


def unanswered_html(lines: Sequence[tuple[bytes | None, str, str, str]]) -> str:
    """A table with every reason in full, which st.dataframe would cut."""
    body = "".join(
        f"<tr><td>{_picture(picture)}</td><td>{escape(name)}<small>{status}</small></td><td>{escape(reason)}</td></tr>"
        for picture, name, status, reason in lines
    )
    return f'<div class="worklist-unanswered"><table>{body}</table></div>'


def passing(table: pd.DataFrame, chosen: Sequence[str]) -> pd.DataFrame:
    """Rows of `table_of` that pass the filter: any of the chosen verdicts, and a warning where that is chosen."""
    labels = [name for name in chosen if name in VERDICTS]
    if labels:
        table = table[table["label"].isin(labels)]
    return table[table["warnings"] != ""] if WARNED in chosen else table


def summary(table: pd.DataFrame, unanswered: int, skipped: int, cancelled: int, repeated: int = 0) -> str:
    """The counts in one line; every dropped file is in one of them."""
    labels = table["label"].value_counts()
    answered = ", ".join(f"{labels.get(name, 0)} {name}" for name in VERDICTS)
    parts = (
        (1, f"**{_files(len(table) + unanswered)}**"),
        (len(table), f"{len(table)} answered ({answered})"),
        (unanswered, f"{unanswered} without an answer, listed below with the reason"),
        (skipped, f"{_files(skipped)} in archives or folders skipped: not images"),
        (repeated, f"{_files(repeated)} dropped again or under another name: each has one row"),
        (cancelled, f"{_files(cancelled)} left unread: cancelled"),
    )
    return "; ".join(part for count, part in parts if count) + "."


def show(
    rows: Sequence[Row],
    predictor: Predictor,
    terms: Terms,
    busy: bool,
    counts: tuple[int, int, int],
    clear: Callable[[], None] | None,
) -> None:
    """Everything below the drop zone. While `busy`, rows change place: none can be selected. `counts`: as `summary` takes them."""
    table, without = table_of(rows, predictor, terms), unanswered_of(rows, predictor)
    st.markdown(summary(table, len(without), *counts))
    chosen: list[str] = []
    if len(table):
        chosen = st.pills("Show", [*VERDICTS, WARNED], selection_mode="multi", key=SHOW, label_visibility="collapsed") or []
    buttons = st.container(horizontal=True, gap="small")
    shown = passing(table, chosen)
    if len(shown) < len(table):
        st.caption(f"{len(shown)} of {len(table)} answered files pass this filter.")
    if len(shown):
        _answered_table(shown, [rows[place] for place in shown.index], predictor, buttons, busy, f"{len(rows)} {terms} {chosen}")
    _exports(rows, predictor, terms, buttons)
    if clear:
        buttons.button("Clear all", on_click=clear, type="tertiary", help="Removes all X-rays from this page.")
    if without:
        st.subheader(f"Without an answer ({len(without)})", anchor=False)
        st.html(unanswered_html(without[:REASONS_SHOWN]))
        if len(without) > REASONS_SHOWN:
            st.caption(f"The first {REASONS_SHOWN}; CSV and JSON have them all.")


def _answered_table(
    shown: pd.DataFrame, listed: Sequence[Row], predictor: Predictor, buttons: DeltaGenerator, busy: bool, view: str
) -> None:
    """Each order of the rows has its own key, so that no selection outlasts a change of order.

    Streamlit tells of no double click on a row: each has a button, and the selected one a button above the table. The row opened
    last is selected when the page is opened again.
    """
    pictured = shown.assign(picture=shown["picture"].where(np.arange(len(shown)) < PICTURES_SHOWN, None))
    look: dict[str, Any] = {"hide_index": True, "row_height": 56}
    if busy:
        st.dataframe(pictured, key="worklist-reading", column_config=_COLUMNS, **look)
        return
    opened_last = opened_in(listed)
    pictured.insert(3, "open", ":material/open_in_full: Open")
    opens = st.column_config.ButtonColumn(
        "", width=90, type="tertiary", key=_CLICKED, on_click=_open_clicked, args=(listed,), help="Show it on Diagnose"
    )
    event = st.dataframe(
        pictured,
        key=f"worklist-table {predictor.card.sha256} {view}",
        column_config={**_COLUMNS, "open": opens},
        on_select="rerun",
        selection_mode=["single-row", "single-cell"],
        selection_default={"selection": {"rows": [] if opened_last is None else [opened_last]}},
        **look,
    )
    places = [*event.selection.rows, *(row for row, _ in event.selection.cells)]
    chosen = listed[places[0]] if places and places[0] < len(listed) else None
    buttons.button(
        "Open in Diagnose",
        type="primary",
        disabled=chosen is None,
        shortcut="O",
        key="worklist-open",
        on_click=open_row,
        args=(chosen, listed),
        help="Choose a row of the table first, by mouse or by arrow keys.",
    )


def _exports(rows: Sequence[Row], predictor: Predictor, terms: Terms, place: DeltaGenerator) -> None:
    for title, name, kind, text in (("CSV", "csv", "text/csv", csv_text), ("JSON", "jsonl", "application/jsonl", json_text)):
        make, file, key = partial(_written, text, rows, predictor, terms), f"pneumo-worklist.{name}", f"worklist-{name}"
        place.download_button(title, make, file, kind, on_click="ignore", key=key, help=_EXPORT_HELP)


def _written(text: Callable[[list[dict[str, Any]]], str], rows: Sequence[Row], predictor: Predictor, terms: Terms) -> str:
    return text(export(rows, predictor, terms))


def _open_clicked(listed: Sequence[Row]) -> None:
    if (row := st.session_state[_CLICKED].row) < len(listed):
        open_row(listed[row], listed)


def _files(count: int) -> str:
    return "1 file" if count == 1 else f"{count:,} files"


def _picture(jpeg: bytes | None) -> str:
    return f'<img alt="" src="{_uri(jpeg)}">' if jpeg else ""


def _uri(jpeg: bytes | None) -> str | None:
    return "data:image/jpeg;base64," + base64.b64encode(jpeg).decode() if jpeg else None
