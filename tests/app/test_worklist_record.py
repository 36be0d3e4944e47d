"""The worklist writes to the record as Diagnose does: each answer once, and a failing record costs no answer."""

import sqlite3

import numpy as np
import pytest
from makers import png_bytes
from opened_app import open_app
from tiny_model import make_registry

from pneumo.record import database
from pneumo.record.store import open_record

pytestmark = pytest.mark.usefixtures("ungated")

WHITE = ("Anna Muster.png", png_bytes(np.full((80, 120), 255, np.uint8)))
BLACK = ("black.png", png_bytes(np.zeros((80, 120), np.uint8)))
LETTER = ("letter.jpg", b"Dear colleague")


@pytest.fixture
def app(tmp_path, monkeypatch):
    monkeypatch.setenv("PNEUMO_MODELS_DIR", str(make_registry(tmp_path / "models")))
    monkeypatch.setenv("PNEUMO_RECORD", f"sqlite:///{tmp_path / 'record.sqlite'}")
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.05)
    app = open_app()
    return app.switch_page("pages/worklist.py").run()


def drop(app, *files):
    app.file_uploader[0].set_value([(name, data, "application/octet-stream") for name, data in files]).run()
    assert not app.exception
    return app


def said(app) -> str:
    return "\n".join(part.value for part in [*app.caption, *app.warning])


def test_the_empty_page_says_what_is_kept(app):
    text = "\n".join(part.value for part in app.markdown)
    assert "Nothing is kept" not in text
    assert "records each answer with the file's hash, and no picture and no file name" in text


def test_each_answer_is_recorded_once(app, tmp_path):
    drop(app, WHITE, LETTER, BLACK)
    assert "Recorded: 2 answers" in said(app)
    cases = {case.label: case for case in open_record().search()}
    assert set(cases) == {"PNEUMONIA", "NORMAL"}  # the letter has no answer
    assert (cases["NORMAL"].operating_point, cases["NORMAL"].threshold, cases["NORMAL"].gate) == ("balanced", 0.5, "pass")
    app.run()
    app.selectbox(key="operating_point").set_value("rule-in").run()
    app.selectbox(key="operating_point").set_value("balanced").run()
    assert len(open_record().search()) == 4  # two answers at two operating points
    assert open_record().verify().problem is None
    assert b"Muster" not in (tmp_path / "record.sqlite").read_bytes()


def test_a_row_opened_in_diagnose_is_the_same_case(app):
    drop(app, WHITE)
    row = app.session_state["worklist_rows"][0]
    app.session_state["cases"] = [row.case()]
    app.switch_page("pages/diagnose.py").run()
    assert not app.exception
    next(radio for radio in app.radio if radio.label.startswith("Do you agree")).set_value("agree").run()
    (case,) = open_record().search()
    assert case.agreement == "agree"


def test_a_locked_record_costs_no_answer_and_is_tried_again_on_request(app, tmp_path):
    drop(app, WHITE)
    other = sqlite3.connect(tmp_path / "record.sqlite", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    drop(app, BLACK)
    assert len(app.dataframe[0].value) == 2
    assert "1 of 2 answers were not recorded." in said(app)
    assert "in use by another program" in said(app)
    other.execute("ROLLBACK")
    other.close()
    assert "were not recorded" in said(app.run())  # not tried again by itself: a locked database costs seconds
    app.button(key="record_now").click().run()
    assert "Recorded: 2 answers" in said(app)
    assert len(open_record().search()) == 2


def test_without_a_record_nothing_is_said_or_kept(app, tmp_path, monkeypatch):
    monkeypatch.delenv("PNEUMO_RECORD")
    drop(app, WHITE)
    assert "ecorded" not in said(app)
    assert not (tmp_path / "record.sqlite").exists()
