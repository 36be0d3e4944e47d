"""The History page."""

import hashlib
import json
import sqlite3

from history_page import BLACK, LETTER, WHITE, agreement, button, drop, history, note, text
from opened_app import open_app

from pneumo.outgoing import markdown
from pneumo.record import export
from pneumo.record.store import open_record


def test_history_says_where_how_long_and_how_often(record_folder, monkeypatch):
    app = drop(open_app(), WHITE, BLACK)
    agreement(app).set_value("agree").run()
    said = text(history(app))
    assert f"the file {markdown(str(record_folder / 'record.sqlite'))} on the computer that runs Pneumo" in said
    assert "until somebody deletes it" in said
    assert "1.00 (0.21-1.00), 1 of 1 judged" in said  # Wilson for 1 of 1
    assert "none judged yet" in said
    table = app.dataframe[0].value
    assert sorted(table["Verdict"]) == ["NORMAL", "PNEUMONIA"]
    assert sorted(table["Agreement"]) == ["agree", "not said"]
    monkeypatch.setenv("PNEUMO_RECORD_DAYS", "30")
    assert "A case is kept 30 days, then deleted" in text(app.run())


def test_history_searches(record_folder):
    app = drop(open_app(), WHITE, BLACK)
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


def test_a_case_is_found_by_its_file_and_the_file_is_not_kept(record_folder):
    app = history(drop(open_app(), WHITE, BLACK))
    app.file_uploader[0].set_value([BLACK]).run()
    assert not app.exception
    digest = hashlib.sha256(BLACK[1]).hexdigest()
    assert app.text_input(key="history_hash").value == digest
    assert list(app.dataframe[0].value["File hash"]) == [digest[:12]]
    assert not app.file_uploader[0].value
    opened = open_record().get(app.selectbox(key="history_open").value)
    assert opened.file_sha256 == digest  # the newest case of the file is open
    app.file_uploader[0].set_value([LETTER]).run()
    assert "No case fits this search." in text(app)


def test_answers_to_one_file_share_a_row(record_folder):
    app = drop(open_app(), WHITE, BLACK)
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


def test_a_case_is_judged_and_deleted_on_the_history_page(record_folder):
    app = drop(open_app(), WHITE, BLACK)
    history(app)
    white = next(case for case in open_record().search() if case.label == "PNEUMONIA")
    app.selectbox(key="history_open").set_value(white.id).run()
    agreement(app).set_value("disagree").run()
    assert open_record().get(white.id).agreement == "disagree"
    button(app, "Delete this case").click().run()
    assert open_record().get(white.id) is not None  # it asks first
    button(app, "Keep it").click().run()
    button(app, "Delete this case").click().run()
    button(app, "Delete for good").click().run()
    assert not app.exception
    assert [case.label for case in open_record().search()] == ["NORMAL"]
    assert open_record().verify().problem is None
    app.switch_page("pages/diagnose.py").run()  # the file is still open there and is not recorded again
    assert "deleted from the record" in text(app)
    assert len(open_record().search()) == 1


def test_an_empty_history(record_folder):
    assert "No case is recorded yet" in text(history(open_app()))
    assert not (record_folder / "record.sqlite").exists()


def test_retention_on_the_page(record_folder, monkeypatch):
    app = drop(open_app(), WHITE)
    with sqlite3.connect(record_folder / "record.sqlite") as connection:
        connection.execute("UPDATE cases SET created = '2020-01-01T00:00:00.000Z'")
    connection.close()
    monkeypatch.setenv("PNEUMO_RECORD_DAYS", "7")
    history(app)
    with sqlite3.connect(record_folder / "record.sqlite") as connection:
        assert connection.execute("SELECT count(*) FROM cases").fetchone() == (0,)
        assert connection.execute("SELECT action FROM audit").fetchall() == [("create",), ("purge",)]
    connection.close()


def test_downloads_are_offered(record_folder):
    app = history(drop(open_app(), WHITE))
    assert {"CSV", "JSON"} <= {element.label for element in app.get("download_button")}


def test_the_reference_diagnosis_is_entered_on_the_history_page(record_folder):
    app = history(drop(open_app(), WHITE))
    (case,) = open_record().search()
    app.selectbox(key="history_open").set_value(case.id).run()
    app.radio(key=f"recorded_reference-{case.id}").set_value("NORMAL").run()
    assert not app.exception
    assert open_record().get(case.id).reference == "NORMAL"
    assert open_record().verify().problem is None
