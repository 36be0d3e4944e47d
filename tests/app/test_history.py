import hashlib
import json
import os
import sqlite3
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from opened_app import open_app
from tiny_model import make_registry

from pneumo.imaging.overlay import png
from pneumo.inference.finding import read
from pneumo.outgoing import markdown
from pneumo.record import database, export
from pneumo.record.store import open_record

ROOT = Path(__file__).parent.parent.parent
WHITE = ("Anna Muster.png", png(np.full((80, 120), 255, np.uint8)), "image/png")
BLACK = ("black.png", png(np.zeros((80, 120), np.uint8)), "image/png")
GREY = ("grey.png", png(np.full((80, 120), 135, np.uint8)), "image/png")  # probability 0.573
LETTER = ("letter.jpg", b"Dear colleague", "image/jpeg")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("PNEUMO_MODELS_DIR", str(make_registry(tmp_path / "models")))
    monkeypatch.setattr("pneumo.inference.batch.read", partial(read, gated=False))  # plain grey pictures are answered here
    monkeypatch.setenv("PNEUMO_RECORD", f"sqlite:///{tmp_path / 'record.sqlite'}")
    monkeypatch.delenv("PNEUMO_RECORD_DAYS", raising=False)
    return tmp_path


def start():
    return open_app()


def drop(app, *files):
    app.file_uploader[0].set_value(list(files)).run()
    assert not app.exception
    return app


def history(app):
    app.switch_page("pages/history.py").run()
    assert not app.exception
    assert [title.value for title in app.title] == ["History"]
    return app


def button(app, label):
    return next(button for button in app.button if button.label == label)


def text(app):
    parts = [*app.markdown, *app.caption, *app.warning, *app.info, *app.error]
    return "\n".join([*(part.value for part in parts), *(element.proto.body for element in app.get("html"))])


def agreement(app):
    return next(radio for radio in app.radio if radio.label.startswith("Do you agree"))


def note(app):
    return next(area for area in app.text_area if area.label.startswith("Note for the record"))


def test_off_nothing_is_kept_asked_or_loaded(folder):
    """In a process of its own, so that nothing but this page is loaded."""
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
    before = sorted(folder.rglob("*"))
    environment["PYTHONPATH"] = os.pathsep.join((str(ROOT), str(ROOT / "tests")))
    command = [sys.executable, "-c", code, str(ROOT / "app.py")]
    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == "True False"  # no History page, no SQLAlchemy
    assert sorted(folder.rglob("*")) == before


def test_each_answer_is_recorded_once(folder):
    app = drop(start(), WHITE, BLACK, LETTER)
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
    drop(start(), WHITE)  # another session
    assert len(open_record().search()) == 5
    assert open_record().verify().problem is None
    assert b"Muster" not in (folder / "record.sqlite").read_bytes()


def test_agreement_and_note_under_the_answer(folder):
    app = drop(start(), GREY)
    assert "no names" in note(app).label
    agreement(app).set_value("agree").run()
    note(app).set_value("left lower field").run()
    (case,) = open_record().search()
    assert (case.label, case.agreement, case.note) == ("PNEUMONIA", "agree", "left lower field")
    remarks = app.session_state["cases"][0].remarks
    assert (remarks.agreement_with("INDETERMINATE"), remarks.note) == ("agree", "left lower field")
    app.slider(key="prevalence").set_value(10).run()  # the same answer, told otherwise
    assert (agreement(app).value, note(app).value) == ("agree", "left lower field")
    app.selectbox(key="operating_point").set_value("rule-in").run()  # another label for programs: a case of its own
    assert (agreement(app).value, note(app).value) == ("none", "")
    agreement(app).set_value("disagree").run()
    app.switch_page("pages/about.py").run()
    app.switch_page("pages/diagnose.py").run()
    assert agreement(app).value == "disagree"
    app.selectbox(key="operating_point").set_value("balanced").run()
    assert (agreement(app).value, note(app).value) == ("agree", "left lower field")
    assert {case.label: case.agreement for case in open_record().search()} == {"PNEUMONIA": "agree", "NORMAL": "disagree"}
    assert open_record().verify().entries == 5


def test_history_says_where_how_long_and_how_often(folder, monkeypatch):
    app = drop(start(), WHITE, BLACK)
    agreement(app).set_value("agree").run()
    said = text(history(app))
    assert f"the file {markdown(str(folder / 'record.sqlite'))} on the computer that runs Pneumo" in said
    assert "until somebody deletes it" in said
    assert "1.00 (0.21-1.00), 1 of 1 judged" in said  # Wilson for 1 of 1
    assert "none judged yet" in said
    table = app.dataframe[0].value
    assert sorted(table["Verdict"]) == ["NORMAL", "PNEUMONIA"]
    assert sorted(table["Agreement"]) == ["agree", "not said"]
    monkeypatch.setenv("PNEUMO_RECORD_DAYS", "30")
    assert "A case is kept 30 days, then deleted" in text(app.run())


def test_history_searches(folder):
    app = drop(start(), WHITE, BLACK)
    note(app).set_value("Opacity, ÜBER the heart").run()
    history(app)
    app.text_input(key="history_text").set_value("über").run()
    assert list(app.dataframe[0].value["Verdict"]) == ["PNEUMONIA"]
    app.selectbox(key="history_zone").set_value("rule-out").run()
    assert "No case fits" in text(app)
    app.text_input(key="history_text").set_value("").run()
    (normal,) = (case for case in open_record().search() if case.label == "NORMAL")
    app.text_input(key="history_hash").set_value(normal.file_sha256[:6].upper()).run()
    assert list(app.dataframe[0].value["File hash"]) == [normal.file_sha256[:12]]


def test_a_case_is_found_by_its_file_of_which_nothing_is_kept(folder):
    app = history(drop(start(), WHITE, BLACK))
    app.file_uploader[0].set_value([BLACK]).run()
    assert not app.exception
    digest = hashlib.sha256(BLACK[1]).hexdigest()
    assert app.text_input(key="history_hash").value == digest
    assert list(app.dataframe[0].value["File hash"]) == [digest[:12]]
    assert not app.file_uploader[0].value
    opened = open_record().get(app.selectbox(key="history_open").value)
    assert opened.file_sha256 == digest  # its newest case is open
    app.file_uploader[0].set_value([LETTER]).run()
    assert "No case fits this search." in text(app)


def test_answers_to_one_file_stand_in_one_row(folder):
    app = drop(start(), WHITE, BLACK)
    app.selectbox(key="operating_point").set_value("rule-in").run()
    cases = open_record().search()
    assert len(cases) == 4
    history(app)
    table = app.dataframe[0].value
    assert sorted(zip(table["Verdict"], table["Answers"], strict=True)) == [("NORMAL", 2), ("PNEUMONIA", 2)]
    assert "4 cases on 2 files" in [subheader.value for subheader in app.subheader]
    opened, other = (case for case in cases if case.label == "PNEUMONIA")
    app.selectbox(key="history_open").set_value(opened.id).run()
    assert f"tiny at {other.operating_point}; agreement: not said" in text(app)
    assert f"tiny at {opened.operating_point}; agreement" not in text(app)
    assert len(json.loads(export.as_json(cases))) == 4  # the export has every answer


def test_a_case_is_judged_and_deleted_on_history(folder):
    app = drop(start(), WHITE, BLACK)
    history(app)
    white = next(case for case in open_record().search() if case.label == "PNEUMONIA")
    app.selectbox(key="history_open").set_value(white.id).run()
    agreement(app).set_value("disagree").run()
    assert open_record().get(white.id).agreement == "disagree"
    button(app, "Delete this case").click().run()
    assert open_record().get(white.id) is not None  # asked first
    button(app, "Keep it").click().run()
    button(app, "Delete this case").click().run()
    button(app, "Delete for good").click().run()
    assert not app.exception
    assert [case.label for case in open_record().search()] == ["NORMAL"]
    assert open_record().verify().problem is None
    app.switch_page("pages/diagnose.py").run()  # the file is still open there, and is not recorded anew
    assert "deleted from the record" in text(app)
    assert len(open_record().search()) == 1


def test_an_empty_history(folder):
    assert "No case is recorded yet" in text(history(start()))
    assert not (folder / "record.sqlite").exists()


def test_retention_on_the_page(folder, monkeypatch):
    app = drop(start(), WHITE)
    with sqlite3.connect(folder / "record.sqlite") as connection:
        connection.execute("UPDATE cases SET created = '2020-01-01T00:00:00.000Z'")
    connection.close()
    monkeypatch.setenv("PNEUMO_RECORD_DAYS", "7")
    history(app)
    with sqlite3.connect(folder / "record.sqlite") as connection:
        assert connection.execute("SELECT count(*) FROM cases").fetchone() == (0,)
        assert connection.execute("SELECT action FROM audit").fetchall() == [("create",), ("purge",)]
    connection.close()


@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("PNEUMO_RECORD", "sqlite:////nowhere/at/all.sqlite", "its folder is missing"),
        ("PNEUMO_RECORD", "nonsense", "no database URL"),
        ("PNEUMO_RECORD", "postgresql://eve:secret@db.example/pneumo", "psycopg is not installed"),
        ("PNEUMO_RECORD_DAYS", "soon", "1 to 36500"),
    ],
)
def test_a_record_that_cannot_be_kept_never_costs_an_answer(folder, monkeypatch, setting, value, said):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    monkeypatch.setenv(setting, value)
    app = drop(start(), WHITE)
    assert "High: speaks for pneumonia" in text(app)
    assert "This answer was not recorded." in text(app)
    assert said in text(app)
    assert "secret" not in text(app)
    history(app)
    assert said in text(app) or "No case is recorded yet" in text(app)


def test_a_locked_database_warns_and_records_when_asked_again(folder, monkeypatch):
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.05)
    app = drop(start(), WHITE)
    other = sqlite3.connect(folder / "record.sqlite", isolation_level=None)
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


def test_a_vanished_record_is_said_and_not_begun_anew(folder):
    app = drop(start(), WHITE)
    (folder / "record.sqlite").unlink()
    drop(app, BLACK)
    button(app, "NORMAL").click().run()
    assert "Low: speaks against pneumonia" in text(app)
    assert "is gone" in text(app)
    assert "is gone" in text(history(app))
    assert not (folder / "record.sqlite").exists()


def test_downloads_are_offered(folder):
    app = history(drop(start(), WHITE))
    assert {"CSV", "JSON"} <= {element.label for element in app.get("download_button")}


def test_what_a_child_turned_out_to_have_is_entered_on_history(folder):
    app = history(drop(start(), WHITE))
    (case,) = open_record().search()
    app.selectbox(key="history_open").set_value(case.id).run()
    app.radio(key=f"recorded_reference-{case.id}").set_value("NORMAL").run()
    assert not app.exception
    assert open_record().get(case.id).reference == "NORMAL"
    assert open_record().verify().problem is None
