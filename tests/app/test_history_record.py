"""Answers on Diagnose that are kept in the record: each once, and a failing record costs no answer."""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from history_page import BLACK, LETTER, WHITE, agreement, button, drop, history, note, text
from opened_app import open_app

from pneumo.imaging.overlay import png
from pneumo.record import database
from pneumo.record.store import open_record

ROOT = Path(__file__).parent.parent.parent
GREY = ("grey.png", png(np.full((80, 120), 135, np.uint8)), "image/png")  # probability 0.573


def test_without_a_record_nothing_is_kept_or_loaded(record_folder):
    """In a separate process, where nothing but this page is loaded."""
    code = """
import sys
from streamlit.testing.v1 import AppTest
from pneumo.synthetic.phantom import make_phantom, phantom_png
app = AppTest.from_file(sys.argv[1], default_timeout=180).run()
app.file_uploader[0].set_value([("phantom.png", phantom_png(make_phantom("none", seed=3)), "image/png")]).run()
assert not app.exception and "probability of pneumonia" in str([e.value for e in app.markdown])
try:
    app.switch_page("pages/history.py")
except ValueError as error:
    print("Could not find a navigation page" in str(error), "sqlalchemy" in sys.modules)
"""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PNEUMO_RECORD")}
    before = sorted(record_folder.rglob("*"))
    environment["PYTHONPATH"] = os.pathsep.join((str(ROOT), str(ROOT / "tests")))
    command = [sys.executable, "-c", code, str(ROOT / "app.py")]
    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == "True False"  # no History page, no SQLAlchemy
    assert sorted(record_folder.rglob("*")) == before


def test_each_answer_is_recorded_once(record_folder):
    app = drop(open_app(), WHITE, BLACK, LETTER)
    button(app, "NORMAL").click().run()
    app.switch_page("pages/about.py").run()
    app.switch_page("pages/diagnose.py").run()
    cases = {case.label: case for case in open_record().search()}
    assert set(cases) == {"NORMAL", "PNEUMONIA"}  # the letter has no answer
    case = cases["PNEUMONIA"]
    assert case.probability == pytest.approx(0.9933, abs=1e-4)
    assert (case.model, case.operating_point, case.threshold, case.zone, case.gate) == ("tiny", "balanced", 0.5, "rule-in", "pass")
    app.selectbox(key="operating_point").set_value("rule-in").run()
    app.selectbox(key="operating_point").set_value("balanced").run()
    assert len(open_record().search()) == 4
    drop(open_app(), WHITE)  # another session
    assert len(open_record().search()) == 5
    assert open_record().verify().problem is None
    assert b"Muster" not in (record_folder / "record.sqlite").read_bytes()


def test_agreement_and_note_under_the_answer(record_folder):
    app = drop(open_app(), GREY)
    assert "no names" in note(app).label
    agreement(app).set_value("agree").run()
    note(app).set_value("left lower field").run()
    (case,) = open_record().search()
    assert (case.label, case.agreement, case.note) == ("PNEUMONIA", "agree", "left lower field")
    remarks = app.session_state["cases"][0].remarks
    assert (remarks.agreement_with("INDETERMINATE"), remarks.note) == ("agree", "left lower field")
    app.slider(key="prevalence").set_value(10).run()  # the same answer, shown with another probability
    assert (agreement(app).value, note(app).value) == ("agree", "left lower field")
    app.selectbox(key="operating_point").set_value("rule-in").run()  # another label in the record: a new case
    assert (agreement(app).value, note(app).value) == ("none", "")
    agreement(app).set_value("disagree").run()
    app.switch_page("pages/about.py").run()
    app.switch_page("pages/diagnose.py").run()
    assert agreement(app).value == "disagree"
    app.selectbox(key="operating_point").set_value("balanced").run()
    assert (agreement(app).value, note(app).value) == ("agree", "left lower field")
    assert {case.label: case.agreement for case in open_record().search()} == {"PNEUMONIA": "agree", "NORMAL": "disagree"}
    assert open_record().verify().entries == 5


@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("PNEUMO_RECORD", "sqlite:////nowhere/at/all.sqlite", "its folder is missing"),
        ("PNEUMO_RECORD", "nonsense", "no database URL"),
        ("PNEUMO_RECORD", "postgresql://eve:secret@db.example/pneumo", "psycopg is not installed"),
        ("PNEUMO_RECORD_DAYS", "soon", "1 to 36500"),
    ],
)
def test_a_record_that_cannot_be_kept_costs_no_answer(record_folder, monkeypatch, setting, value, said):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    monkeypatch.setenv(setting, value)
    app = drop(open_app(), WHITE)
    assert "High: speaks for pneumonia" in text(app)
    assert "This answer was not recorded." in text(app)
    assert said in text(app)
    assert "secret" not in text(app)
    history(app)
    assert said in text(app) or "No case is recorded yet" in text(app)


def test_a_locked_database_warns_and_records_on_the_next_try(record_folder, monkeypatch):
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.05)
    app = drop(open_app(), WHITE)
    other = sqlite3.connect(record_folder / "record.sqlite", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    drop(app, BLACK)
    button(app, "NORMAL").click().run()
    assert "in use by another program" in text(app)
    button(app, "Record now").click().run()
    assert "This answer was not recorded." in text(app)
    assert "Low: speaks against pneumonia" in text(app)
    button(app, "PNEUMONIA").click().run()
    assert "in use by another program" in text(app)  # recorded, but agreement and note cannot be read
    other.execute("ROLLBACK")
    app.run()
    agreement(app).set_value("agree").run()
    other.execute("BEGIN EXCLUSIVE")
    note(app).set_value("typed while it was locked").run()
    assert "The note was not saved" in text(app)
    assert note(app).value == "typed while it was locked"
    other.execute("ROLLBACK")
    other.close()
    button(app, "Save again").click().run()
    assert "was not saved" not in text(app)
    button(app, "NORMAL").click().run()
    button(app, "Record now").click().run()
    assert "This answer was not recorded." not in text(app)
    assert [(case.label, case.note) for case in reversed(open_record().search())] == [
        ("PNEUMONIA", "typed while it was locked"),
        ("NORMAL", ""),
    ]


def test_a_missing_record_is_reported_and_not_started_again(record_folder):
    app = drop(open_app(), WHITE)
    (record_folder / "record.sqlite").unlink()
    drop(app, BLACK)
    button(app, "NORMAL").click().run()
    assert "Low: speaks against pneumonia" in text(app)
    assert "is gone" in text(app)
    assert "is gone" in text(history(app))
    assert not (record_folder / "record.sqlite").exists()
