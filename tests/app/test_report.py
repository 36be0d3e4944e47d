import io

import numpy as np
import pytest
from opened_app import open_app
from pypdf import PdfReader
from tiny_model import make_registry

from pneumo.imaging.overlay import png
from pneumo.inference.finding import Terms
from pneumo.inference.predictor import Predictor
from pneumo.reporting.finding_report import Remarks
from pneumo.ui.diagnose import report

pytestmark = pytest.mark.usefixtures("ungated")

BRIGHT = ("Beeblebrox.png", png(np.full((80, 120), 180, np.uint8)), "image/png")  # sigmoid(10 * (180 / 255 - 0.5)) = 0.89
BLACK = ("black.png", png(np.zeros((80, 120), np.uint8)), "image/png")


@pytest.fixture
def app(tmp_path, monkeypatch):
    monkeypatch.setenv("PNEUMO_MODELS_DIR", str(make_registry(tmp_path / "models")))
    app = open_app()
    app.file_uploader[0].set_value([BRIGHT, BLACK]).run()
    assert not app.exception
    return app


def fill(app, agreement="agree", note="crackles", reference="Bed 4"):
    next(each for each in app.radio if each.label.startswith("The answer")).set_value(agreement)
    next(each for each in app.text_area if each.label == "Note").set_value(note)
    next(each for each in app.text_input if each.label == "Reference").set_value(reference)
    next(each for each in app.button if each.label == "Put into the report").click().run()
    assert not app.exception


def captions(app) -> str:
    return " ".join(each.value for each in app.caption)


def made(app, case: int) -> str:
    """The text of the PDF that the button would make; AppTest cannot press it."""
    terms = Terms(app.session_state["operating_point"], 0.5)
    (page,) = PdfReader(io.BytesIO(report._pdf(app.session_state["cases"][case], Predictor.load("tiny"), terms))).pages
    return " ".join(page.extract_text().split())


def test_no_report_is_made_before_the_button_is_pressed(app, monkeypatch):
    monkeypatch.setattr(report, "report_pdf", lambda content: pytest.fail("made without being asked for"))
    app.run()
    assert not app.exception
    assert "Report PDF" in {each.proto.label for each in app.get("download_button")}
    assert "In the report: agreement not stated, no note." in captions(app)


def test_a_note_is_in_the_report_of_its_case_alone(app):
    fill(app)
    assert "In the report: agreement agree, your note, your reference." in captions(app)
    said = made(app, 0)
    for part in (
        "probability of pneumonia 0.89",
        "agreement: agree, with the answer PNEUMONIA",
        "note: crackles",
        "Reference Bed 4",
    ):
        assert part in said
    assert "Beeblebrox" not in said
    other = made(app, 1)
    assert "note: none" in other
    assert "Bed 4" not in other


def test_agreement_does_not_carry_over_to_another_answer(app):
    app.selectbox(key="operating_point").set_value("rule-out").run()
    fill(app)
    case = app.session_state["cases"][0]
    assert case.remarks == Remarks("crackles", "agree", "Bed 4", "PNEUMONIA")
    assert report.remarks_summary(case.remarks, "NORMAL") == "In the report: agreement not stated, your note, your reference."


def test_clear_all_forgets_the_note(app):
    fill(app)
    next(button for button in app.button if button.label == "Clear all").click().run()
    assert "crackles" not in " ".join(str(value) for value in app.session_state._state.filtered_state.values())


def test_the_report_shows_the_picture_in_its_own_greys(app):
    case, terms = app.session_state["cases"][0], Terms("balanced", 0.3)
    (page,) = PdfReader(io.BytesIO(report._pdf(case, Predictor.load("tiny"), terms))).pages
    assert np.asarray(page.images[0].image.convert("L")).max() == 180
