import csv
import io
import json
import math
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from makers import NAME, dicom_bytes, png_bytes, ramp
from opened_app import choose_rows, open_app
from tiny_model import make_registry

from pneumo.errors import ModelError
from pneumo.imaging.decoding.archive import Member
from pneumo.inference.batch import read_member
from pneumo.inference.finding import Terms
from pneumo.inference.predictor import Predictor
from pneumo.inference.rows import csv_text, json_text
from pneumo.ui.worklist import rows as rows_module
from pneumo.ui.worklist import table as worklist
from pneumo.ui.worklist.intake import Intake, time_left
from pneumo.ui.worklist.rows import export, make_row, read_row


def shaded(grey: int, height: int = 200, width: int = 240) -> bytes:
    """Grey levels around a mean, enough contrast for any gate: the tiny model's logit is 10 (grey / 255 - 0.5)."""
    return png_bytes(np.tile(np.rint(np.linspace(grey - 60, grey + 60, width)), (height, 1)).astype(np.uint8))


def probability(grey: int) -> float:
    return 1 / (1 + math.exp(-10 * (grey / 255 - 0.5)))


BRIGHT, DARK, LETTER = shaded(190), shaded(65), b"Dear colleague"  # PNEUMONIA and NORMAL, 0.92 and 0.08


def zipped(**files: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as bundle:
        for name, data in files.items():
            bundle.writestr(name, data)
    return buffer.getvalue()


# --- the queue


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def names(intake: Intake) -> list[str]:
    found = []
    while intake.head:
        found.append(intake.head.name)
        intake.done()
    return found


def test_an_archive_takes_the_place_of_its_images():
    intake = Intake()
    intake.add([("a.png", BRIGHT), ("study.zip", zipped(**{"x/1": dicom_bytes(ramp()), "x/viewer.exe": b"MZ"})), ("b.txt", LETTER)])
    assert intake.progress == (0, 3)
    assert intake.skipped == 1
    assert names(intake) == ["a.png", "study.zip/x/1", "b.txt"]  # chosen one by one, a text is told of; in an archive it is counted


def test_of_a_folder_only_images_are_taken():
    intake = Intake()
    intake.add(
        [
            ("d/note.txt", LETTER),
            ("d/DICOMDIR", dicom_bytes(ramp())),
            ("d/1", dicom_bytes(ramp())),
            ("d/x.jpg", LETTER),
            ("d/more.zip", zipped(**{"bright.png": BRIGHT})),
        ],
        from_folder=True,
    )
    assert intake.skipped == 2
    assert names(intake) == ["d/1", "d/x.jpg", "d/more.zip/bright.png"]


def test_the_head_stays_until_it_was_read():
    intake = Intake()
    intake.add([("a", BRIGHT), ("b", DARK)])
    assert intake.head is intake.head
    intake.done()
    assert (intake.head.name, intake.progress) == ("b", (1, 2))


def test_time_left_is_the_mean_so_far_and_a_pause_does_not_count():
    clock = Clock()
    intake = Intake(clock)
    intake.add((str(n), BRIGHT) for n in range(4))
    assert math.isnan(intake.seconds_left)
    clock.now += 2
    intake.done()
    assert intake.seconds_left == pytest.approx(6)
    clock.now += 3600  # on another page meanwhile: five seconds at most
    intake.done()
    assert intake.seconds_left == pytest.approx((2 + 5) / 2 * 2)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (math.nan, ""),
        (0.2, ", about 5 s left"),
        (11, ", about 15 s left"),
        (61, ", about 2 min left"),
        (600, ", about 10 min left"),
    ],
)
def test_time_left_in_words(seconds, said):
    assert time_left(seconds) == said


def test_cancel_lets_go_and_counts():
    intake = Intake()
    intake.add((str(n), BRIGHT) for n in range(5))
    intake.done()
    intake.cancel()
    assert (intake.head, intake.cancelled, intake.progress) == (None, 4, (1, 1))


def test_a_new_batch_forgets_what_was_cancelled():
    intake = Intake()
    intake.add([("a", BRIGHT), ("b", DARK)])
    intake.cancel()
    intake.add([("a", BRIGHT)])
    assert (intake.cancelled, intake.progress) == (0, (0, 1))


# --- a row


@pytest.fixture
def tiny(tmp_path, monkeypatch) -> Predictor:
    root = make_registry(tmp_path / "models")
    make_registry(root, "other", subtype=True)
    monkeypatch.setenv("PNEUMO_MODELS_DIR", str(root))
    return Predictor.load("tiny")


def row_of(name: str, data: bytes, predictor: Predictor):
    return make_row(name, read_member(Member(name, lambda: data), predictor), predictor)


def read_all(rows, predictor, *files, room=True) -> list[bool]:
    return [read_row(rows, Member(name, lambda data=data: data), predictor, room) for name, data in files]


def test_a_list_that_was_cancelled_goes_on_and_doubles_no_row(tiny):
    files, rows = [("a", BRIGHT), ("b", DARK), ("c", LETTER), ("d", b"")], []
    assert read_all(rows, tiny, *files[:2]) == [True, True]  # then somebody cancelled, and drops them all again
    assert read_all(rows, tiny, *files) == [False, False, True, True]
    assert read_all(rows, tiny, ("again.png", BRIGHT), ("another.txt", LETTER)) == [False, False]  # one file, whatever it is called
    assert [row.name for row in rows] == ["a", "b", "c", "d"]


def test_empty_files_are_not_one_file(tiny):
    rows = []
    assert read_all(rows, tiny, ("a", b""), ("b", b"")) == [True, True]


def test_a_file_that_was_left_out_gives_way_when_it_comes_again(tiny, monkeypatch):
    monkeypatch.setattr(rows_module, "read", lambda *given: pytest.fail("read without room"))
    rows = []
    read_all(rows, tiny, ("a", BRIGHT), ("b", DARK), room=False)
    assert [row.finding(tiny).status for row in rows] == ["error", "error"]
    monkeypatch.undo()
    read_all(rows, tiny, ("a", BRIGHT))
    assert [(row.name, row.finding(tiny).status) for row in rows] == [("b", "error"), ("a", "ok")]
    read_all(rows, tiny, ("b/IM1", DARK))  # it was an archive
    assert [(row.name, row.finding(tiny).status) for row in rows] == [("a", "ok"), ("b/IM1", "ok")]


def test_a_row_is_small_whatever_the_file_was(tiny):
    noise = (ramp(1800, 2400) * 0.8 + np.random.default_rng(0).normal(25, 12, (1800, 2400))).clip(0, 255).astype(np.uint8)
    row = row_of("large.png", png_bytes(noise), tiny)
    kept = len(row.thumbnail) + len(row.display) + len(row.canonical)
    assert kept < 200_000  # of 4.3 million pixels of noise, the worst there is for a JPEG
    assert row.pixels().shape == (480, 640)
    finding = row.finding(tiny)
    assert finding.radiograph is finding.canonical is None
    assert finding.answer.heatmap.heat.nbytes < 1000


def test_another_model_sees_the_same_image_to_the_bit(tiny):
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


def test_a_model_that_fails_on_one_image_becomes_its_reason(tiny, monkeypatch):
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


def test_case_for_diagnose_says_that_it_is_reduced(tiny):
    row = row_of("ramp.png", png_bytes(ramp(900, 1280)), tiny)
    case = row.case()
    assert case.reduced
    assert not row_of("small.png", BRIGHT, tiny).case().reduced
    assert case.values.stored.shape == (450, 640)
    assert case.values.presented()[100, -1] == pytest.approx(1, abs=0.02)
    assert case.canonical.dtype == np.uint8
    assert case.answer(tiny) is row.finding(tiny).answer  # not asked again


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


def test_files_are_held_up_to_a_quarter_of_the_session(tiny, monkeypatch):
    monkeypatch.setenv("PNEUMO_SESSION_MB", "4")
    files = [(f"{n}.png", png_bytes(np.random.default_rng(n).integers(0, 255, (500, 1200), np.uint8))) for n in range(3)]
    assert 2**19 < len(files[0][1]) < 2**20  # one fits into 1 MB, a second one does not
    rows = []
    read_all(rows, tiny, *files)
    assert [row.file is not None for row in rows] == [True, False, False]
    case = rows[1].case()
    rows[1].enlarge(case)
    assert case.reduced
    assert rows[0].nbytes > len(files[0][1])  # the quota counts it


# --- the tables


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


def test_no_bar_is_a_certainty_and_the_export_has_every_digit(tiny):
    row = row_of("bright", BRIGHT, tiny)
    (key, finding), *_ = row.findings.items()
    row.findings[key] = replace(finding, answer=replace(finding.answer, log_ratio=9.0))
    assert worklist.table_of([row], tiny, Terms())["probability"].tolist() == [0.99]
    assert export([row], tiny, Terms())[0]["probability"] == pytest.approx(0.99987661)


# --- the page


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


def test_a_file_dropped_again_is_told_and_not_listed_again(app):
    drop(app, ("bright.png", BRIGHT), ("dark.png", DARK))
    drop(app, ("bright.png", BRIGHT), ("copy.png", DARK), ("third.png", shaded(70)))
    assert sorted(row[0] for row in answered(app)) == ["bright.png", "dark.png", "third.png"]
    assert "**3 files**" in said(app)
    assert "2 files dropped again or under another name: each has one row" in said(app)


def test_names_are_escaped_among_the_reasons():
    page = worklist.unanswered_html([(None, "<b>x</b>.jpg", "not read", "a < b"), (b"jpeg", "y", "not answered", "z")])
    assert "&lt;b&gt;x&lt;/b&gt;.jpg<small>not read</small></td><td>a &lt; b</td>" in page
    assert page.count("<img") == 1


def test_another_prevalence_judges_anew_without_reading(app, monkeypatch):
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


def test_chips_filter_and_the_summary_stays_whole(app):
    drop(app, ("bright.png", BRIGHT), ("dark.png", DARK))
    app.pills(key="worklist_show").set_value(["NORMAL"]).run()
    assert [row[0] for row in answered(app)] == ["dark.png"]
    assert "**2 files**" in said(app)
    assert "1 of 2 answered" in "".join(caption.value for caption in app.caption)


def test_results_stay_when_another_page_was_visited_and_clear_all_lets_go(app):
    drop(app, ("bright.png", BRIGHT))
    app.switch_page("pages/about.py").run()
    app.switch_page("pages/worklist.py").run()
    assert [row[0] for row in answered(app)] == ["bright.png"]
    next(button for button in app.button if button.label == "Clear all").click().run()
    assert app.session_state["worklist_rows"] == []
    assert "likeliest pneumonia on top" in said(app)


def test_nothing_readable_in_a_folder_is_said(app):
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
    """Press the button above the table; the test driver then goes back to its own page unless told of the new one."""
    choose_rows(app, "file", name)
    app.button(key="worklist-open").click().run()
    assert not app.exception
    assert app.title[0].value == "Diagnose"
    return app.switch_page("pages/diagnose.py").run()


def opened(app) -> str:
    return app.session_state["cases"][app.session_state["current"]].name


def test_previous_and_next_walk_the_filtered_list_and_the_way_back_keeps_the_row(app):
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
