"""The worklist's tables."""

from dataclasses import replace

import pytest
from worklist_files import BRIGHT, row_of, shaded

from pneumo.inference.finding import Terms
from pneumo.ui.worklist import table as worklist
from pneumo.ui.worklist.rows import export


def test_filter_chips(tiny):
    rows = [row_of(str(grey), shaded(grey), tiny) for grey in (65, 120, 135, 190)]  # rule-out, indeterminate twice, rule-in
    table = worklist.table_of(rows, tiny, Terms())
    assert list(table["file"]) == ["190", "135", "120", "65"]
    assert list(table.index) == [3, 2, 1, 0]
    assert list(worklist.passing(table, ["PNEUMONIA"])["file"]) == ["190"]
    assert list(worklist.passing(table, ["PNEUMONIA", "NORMAL"])["file"]) == ["190", "65"]
    assert list(worklist.passing(table, ["INDETERMINATE"])["file"]) == ["135", "120"]
    assert list(worklist.passing(table, [])["file"]) == ["190", "135", "120", "65"]
    assert worklist.passing(table, ["with a warning"]).empty


def test_no_bar_shows_certainty_and_the_export_has_every_digit(tiny):
    row = row_of("bright", BRIGHT, tiny)
    (key, finding), *_ = row.findings.items()
    row.findings[key] = replace(finding, answer=replace(finding.answer, log_ratio=9.0))
    assert worklist.table_of([row], tiny, Terms())["probability"].tolist() == [0.99]
    assert export([row], tiny, Terms())[0]["probability"] == pytest.approx(0.99987661)


def test_names_and_reasons_are_escaped():
    page = worklist.unanswered_html([(None, "<b>x</b>.jpg", "not read", "a < b"), (b"jpeg", "y", "not answered", "z")])
    assert "&lt;b&gt;x&lt;/b&gt;.jpg<small>not read</small></td><td>a &lt; b</td>" in page
    assert page.count("<img") == 1
