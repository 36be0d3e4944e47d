"""A row of the worklist: what it keeps of a file, and what Diagnose and the export get from it."""

import csv
import io
import json
import math

import numpy as np
import pytest
from makers import dicom_bytes, png_bytes, ramp
from worklist_files import BRIGHT, DARK, LETTER, row_of, shaded

from pneumo.errors import ModelError
from pneumo.imaging.decoding.archive import Member
from pneumo.inference.finding import Terms
from pneumo.inference.predictor import Predictor
from pneumo.inference.rows import csv_text, json_text
from pneumo.ui.worklist import rows as rows_module
from pneumo.ui.worklist.rows import export, read_row


def probability(grey: int) -> float:
    return 1 / (1 + math.exp(-10 * (grey / 255 - 0.5)))


def read_all(rows, predictor, *files, room=True) -> list[bool]:
    return [read_row(rows, Member(name, lambda data=data: data), predictor, room) for name, data in files]


def test_a_cancelled_list_continues_without_duplicate_rows(tiny):
    files, rows = [("a", BRIGHT), ("b", DARK), ("c", LETTER), ("d", b"")], []
    assert read_all(rows, tiny, *files[:2]) == [True, True]  # then the user cancels and drops all files again
    assert read_all(rows, tiny, *files) == [False, False, True, True]
    assert read_all(rows, tiny, ("again.png", BRIGHT), ("another.txt", LETTER)) == [False, False]  # known under any name
    assert [row.name for row in rows] == ["a", "b", "c", "d"]


def test_empty_files_do_not_count_as_the_same_file(tiny):
    rows = []
    assert read_all(rows, tiny, ("a", b""), ("b", b"")) == [True, True]


def test_the_row_of_a_file_left_out_is_replaced_when_the_file_is_dropped_again(tiny, monkeypatch):
    monkeypatch.setattr(rows_module, "read", lambda *given: pytest.fail("read without room"))
    rows = []
    read_all(rows, tiny, ("a", BRIGHT), ("b", DARK), room=False)
    assert [row.finding(tiny).status for row in rows] == ["error", "error"]
    monkeypatch.undo()
    read_all(rows, tiny, ("a", BRIGHT))
    assert [(row.name, row.finding(tiny).status) for row in rows] == [("b", "error"), ("a", "ok")]
    read_all(rows, tiny, ("b/IM1", DARK))  # it was an archive
    assert [(row.name, row.finding(tiny).status) for row in rows] == [("a", "ok"), ("b/IM1", "ok")]


def test_a_row_is_small_for_any_file(tiny):
    noise = (ramp(1800, 2400) * 0.8 + np.random.default_rng(0).normal(25, 12, (1800, 2400))).clip(0, 255).astype(np.uint8)
    row = row_of("large.png", png_bytes(noise), tiny)
    kept = len(row.thumbnail) + len(row.display) + len(row.canonical)
    assert kept < 200_000  # of 4.3 million pixels of noise, the worst case for a JPEG
    assert row.pixels().shape == (480, 640)
    finding = row.finding(tiny)
    assert finding.radiograph is finding.canonical is None
    assert finding.answer.heatmap.heat.nbytes < 1000


def test_another_model_gets_exactly_the_same_image(tiny):
    data = png_bytes(ramp(300, 400))
    other = Predictor.load("other")
    row = row_of("ramp.png", data, tiny)
    assert row.finding(other) is None
    row = row.with_answer_of(other)
    fresh = row_of("ramp.png", data, other).finding(other)
    asked = row.finding(other)
    assert (asked.answer.logit, asked.answer.bacterial) == (fresh.answer.logit, fresh.answer.bacterial)
    assert (asked.model, asked.sha256) == ("other", fresh.sha256)
    assert row.finding(tiny).model == "tiny"


def test_a_model_that_fails_on_one_image_gives_the_reason(tiny, monkeypatch):
    def fail(image):
        raise ModelError("gave no number")

    row = row_of("bright.png", BRIGHT, tiny)
    other = Predictor.load("other")
    monkeypatch.setattr(other, "answer", fail)
    row = row.with_answer_of(other)
    assert (row.finding(other).status, row.finding(other).reasons, row.finding(other).answer) == (
        "error",
        ("gave no number",),
        None,
    )
    assert row.finding(tiny).status == "ok"
    fresh = row_of("bright.png", BRIGHT, other)
    assert fresh.finding(other).reasons == ("gave no number",)


def test_export_has_the_fields_of_predict_and_the_order_of_the_table(tiny):
    rows = [row_of(name, data, tiny) for name, data in (("b", DARK), ("l", LETTER), ("w", BRIGHT), ("g", shaded(135)))]
    lines = [json.loads(line) for line in json_text(export(rows, tiny, Terms("rule-in"))).splitlines()]
    assert [line["file"] for line in lines] == ["w", "g", "b", "l"]
    assert [line["label"] for line in lines] == ["PNEUMONIA", "NORMAL", "NORMAL", None]
    assert [line["verdict"] for line in lines] == ["PNEUMONIA", "INDETERMINATE", "NORMAL", None]
    assert [line["prevalence"] for line in lines] == [0.5, 0.5, 0.5, None]
    assert lines[0]["probability"] == pytest.approx(probability(190), abs=0.01)
    assert lines[0]["threshold"] == 0.75
    assert lines[3]["status"] == "error"
    table = list(csv.DictReader(io.StringIO(csv_text(export(rows, tiny, Terms("rule-in"))))))
    assert list(table[0]) == list(lines[0])
    assert "text file" in table[3]["reasons"]


def test_a_case_from_a_row_says_that_it_is_reduced(tiny):
    row = row_of("ramp.png", png_bytes(ramp(900, 1280)), tiny)
    case = row.case()
    assert case.reduced
    assert not row_of("small.png", BRIGHT, tiny).case().reduced
    assert case.values.stored.shape == (450, 640)
    assert case.values.presented()[100, -1] == pytest.approx(1, abs=0.02)
    assert case.canonical.dtype == np.uint8
    assert case.answer(tiny) is row.finding(tiny).answer  # not computed again


def test_the_file_is_read_again_for_its_full_size(tiny):
    rows, ramp_16_bit = [], dicom_bytes(ramp(900, 1280))
    read_all(rows, tiny, ("large.dcm", ramp_16_bit), ("small.png", BRIGHT))
    large, small = rows
    assert (large.file, small.file) == (ramp_16_bit, None)  # the small one's copy holds every pixel
    case = large.case()
    large.enlarge(case)
    assert (case.reduced, case.values.stored.shape) == (False, (900, 1280))
    large.reduce(case)
    assert (case.reduced, case.values.stored.shape) == (True, (450, 640))


def test_files_are_kept_up_to_a_quarter_of_the_session_limit(tiny, monkeypatch):
    monkeypatch.setenv("PNEUMO_SESSION_MB", "4")
    files = [(f"{n}.png", png_bytes(np.random.default_rng(n).integers(0, 255, (500, 1200), np.uint8))) for n in range(3)]
    assert 2**19 < len(files[0][1]) < 2**20  # one fits into 1 MB, two do not
    rows = []
    read_all(rows, tiny, *files)
    assert [row.file is not None for row in rows] == [True, False, False]
    case = rows[1].case()
    rows[1].enlarge(case)
    assert case.reduced
    assert rows[0].nbytes > len(files[0][1])  # the kept file counts for the limit
