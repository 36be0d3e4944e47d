"""The Worklist page, and going through its rows on Diagnose."""

import json

import numpy as np
import pytest
from makers import NAME, dicom_bytes, png_bytes, ramp
from opened_app import choose_rows, open_app
from worklist_files import BRIGHT, DARK, LETTER, shaded, zipped

from pneumo.inference.predictor import Predictor
from pneumo.ui.worklist import table as worklist


@pytest.fixture
def app(tiny):
    app = open_app()
    app.switch_page("pages/worklist.py").run()
    assert not app.exception
    return app


def drop(app, *files):
    app.file_uploader[0].set_value([(name, data, "application/octet-stream") for name, data in files]).run()
    assert not app.exception
    return app


def said(app) -> str:
    return "\n".join(element.value for element in app.markdown)


def answered(app) -> list[tuple]:
    table = app.dataframe[0].value
    return list(table[["file", "label", "zone"]].itertuples(index=False, name=None))


def test_empty_page_says_what_it_is_for(app):
    assert [title.value for title in app.title] == ["Worklist"]
    assert "likeliest pneumonia on top" in said(app)
    assert "Nothing is kept when you close the page." in said(app)


def test_mixed_files_each_have_an_answer_or_a_reason(app):
    study = zipped(
        **{
            "IM1": dicom_bytes(np.full((80, 90), 3, np.uint8)),
            "s/unnamed": shaded(191),
            "s/cut.png": BRIGHT[:60],
            "notes.txt": LETTER,
        }
    )
    drop(
        app,
        ("dark.png", DARK),
        ("letter.jpg", LETTER),
        ("bright.png", BRIGHT),
        ("study.zip", study),
        ("bad.zip", study[:90]),
        ("icon.png", png_bytes(ramp(8, 8))),
    )
    assert answered(app) == [
        ("study.zip/s/unnamed", "PNEUMONIA", "High: speaks for pneumonia"),
        ("bright.png", "PNEUMONIA", "High: speaks for pneumonia"),
        ("dark.png", "NORMAL", "Low: speaks against pneumonia"),
    ]
    without = worklist.unanswered_of(app.session_state["worklist_rows"], Predictor.load(app.selectbox(key="model").value))
    assert [(name, status) for _, name, status, _ in without] == [
        ("letter.jpg", "not read"),
        ("study.zip/IM1", "not answered"),
        ("study.zip/s/cut.png", "not read"),
        ("bad.zip", "not read"),
        ("icon.png", "not answered"),
    ]
    page = "".join(element.proto.body for element in app.get("html"))
    for part, (_, _, _, reason) in zip(["text", "no contrast", "incomplete", "cut short", "64 x 64"], without, strict=True):
        assert part in reason
        assert reason in page
    assert "**8 files**; 3 answered (2 PNEUMONIA, 0 INDETERMINATE, 1 NORMAL); 5 without an answer" in said(app)
    assert "1 file in archives or folders skipped" in said(app)
    assert app.dataframe[0].value["picture"].str.startswith("data:image/jpeg;base64,").all()
    assert NAME not in said(app) + page


def test_a_file_dropped_again_is_counted_and_not_listed_again(app):
    drop(app, ("bright.png", BRIGHT), ("dark.png", DARK))
    drop(app, ("bright.png", BRIGHT), ("copy.png", DARK), ("third.png", shaded(70)))
    assert sorted(row[0] for row in answered(app)) == ["bright.png", "dark.png", "third.png"]
    assert "**3 files**" in said(app)
    assert "2 files dropped again or under another name: each has one row" in said(app)


def test_another_prevalence_updates_the_rows_without_reading(app, monkeypatch):
    drop(app, ("grey.png", shaded(135)))
    assert answered(app) == [("grey.png", "INDETERMINATE", "Open: the model cannot tell")]
    before = app.dataframe[0].value["probability"].iloc[0]
    monkeypatch.setattr(Predictor, "answer", None)
    app.slider(key="prevalence").set_value(10).run()
    assert not app.exception
    assert answered(app) == [("grey.png", "INDETERMINATE", "Open: the model cannot tell")]
    after = app.dataframe[0].value["probability"].iloc[0]
    assert after / (1 - after) == pytest.approx(before / (1 - before) / 9)  # from even odds to 1 to 9


def test_another_model_is_asked_about_every_row(app):
    drop(app, ("bright.png", BRIGHT), ("letter.jpg", LETTER), ("dark.png", DARK))
    models = app.selectbox(key="model")
    models.set_value(next(model for model in models.options if model != models.value)).run()
    assert not app.exception
    assert [row[0] for row in answered(app)] == ["bright.png", "dark.png"]
    assert all(len(row.findings) == (2 if row.canonical else 1) for row in app.session_state["worklist_rows"])


def test_chips_filter_the_table_and_not_the_summary(app):
    drop(app, ("bright.png", BRIGHT), ("dark.png", DARK))
    app.pills(key="worklist_show").set_value(["NORMAL"]).run()
    assert [row[0] for row in answered(app)] == ["dark.png"]
    assert "**2 files**" in said(app)
    assert "1 of 2 answered" in "".join(caption.value for caption in app.caption)


def test_results_stay_when_another_page_was_visited_and_clear_all_forgets_them(app):
    drop(app, ("bright.png", BRIGHT))
    app.switch_page("pages/about.py").run()
    app.switch_page("pages/worklist.py").run()
    assert [row[0] for row in answered(app)] == ["bright.png"]
    next(button for button in app.button if button.label == "Clear all").click().run()
    assert app.session_state["worklist_rows"] == []
    assert "likeliest pneumonia on top" in said(app)


def test_a_folder_without_readable_files_is_reported(app):
    app.segmented_control(key="worklist_kind").set_value("A folder").run()
    drop(app, ("note.txt", LETTER))
    assert "None of the 1 files" in app.info[0].value


def test_phantoms_for_everyone(app):
    next(button for button in app.button if "phantoms" in button.label).click().run()
    assert not app.exception
    assert len(app.dataframe[0].value) == 12
    assert "phantom" in app.dataframe[0].value["warnings"].iloc[0]


def test_sessions_do_not_share_rows(app):
    drop(app, ("bright.png", BRIGHT))
    other = open_app()
    assert "worklist_rows" not in other.session_state


def labelled(app, label):
    return next(button for button in app.button if button.label == label)


def open_chosen(app, name):
    """Press the button above the table. The test driver would go back to its own page, so it is switched to the new one."""
    choose_rows(app, "file", name)
    app.button(key="worklist-open").click().run()
    assert not app.exception
    assert app.title[0].value == "Diagnose"
    return app.switch_page("pages/diagnose.py").run()


def opened(app) -> str:
    return app.session_state["cases"][app.session_state["current"]].name


def test_previous_and_next_go_through_the_filtered_list_and_going_back_keeps_the_row(app):
    drop(app, ("w.png", shaded(195)), ("d.png", DARK), ("b.png", BRIGHT), ("v.png", shaded(185)))
    app.pills(key="worklist_show").set_value(["PNEUMONIA"]).run()
    assert [row[0] for row in answered(app)] == ["w.png", "b.png", "v.png"]
    open_chosen(app, "b.png")
    assert opened(app) == "b.png"
    assert "2 of 3 in the worklist" in said(app)
    labelled(app, "Next").click().run()
    assert opened(app) == "v.png"
    assert labelled(app, "Next").disabled
    labelled(app, "Previous").click().run()
    labelled(app, "Previous").click().run()
    assert opened(app) == "w.png"
    assert labelled(app, "Previous").disabled
    assert [case.name for case in app.session_state["cases"]] == ["b.png", "v.png", "w.png"]
    app.switch_page("pages/worklist.py").run()
    assert app.title[0].value == "Worklist"
    assert app.pills(key="worklist_show").value == ["PNEUMONIA"]
    assert json.loads(app.dataframe[0].proto.selection_default)["selection"]["rows"] == [0]
    assert not app.button(key="worklist-open").disabled


def test_only_the_open_file_of_the_worklist_is_held_in_full_size(app):
    drop(app, ("a.png", png_bytes(ramp(900, 1280))), ("b.png", png_bytes(ramp(1000, 1200))))
    open_chosen(app, "a.png")
    assert [case.values.stored.shape for case in app.session_state["cases"]] == [(900, 1280)]
    assert "reduced copy" not in "".join(caption.value for caption in app.caption)
    labelled(app, "Previous" if labelled(app, "Next").disabled else "Next").click().run()
    assert [case.values.stored.shape for case in app.session_state["cases"]] == [(450, 640), (1000, 1200)]
    assert "reduced copy" not in "".join(caption.value for caption in app.caption)


def test_a_cleared_worklist_leaves_the_open_file(app):
    drop(app, ("a.png", BRIGHT), ("b.png", DARK))
    open_chosen(app, "a.png")
    app.switch_page("pages/worklist.py").run()
    labelled(app, "Clear all").click().run()
    app.switch_page("pages/diagnose.py").run()
    assert opened(app) == "a.png"
    assert "in the worklist" not in said(app)
