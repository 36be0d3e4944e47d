"""A case or a row is read by another model, whose own gate decides. `wary` refuses everything, `tiny` has only the rules."""

import pytest
from makers import dicom_bytes, ramp
from opened_app import open_app
from signed_models import sign
from tiny_model import make_registry
from tiny_reference import change_card, with_reference

X_RAY = ("Beeblebrox.dcm", dicom_bytes(ramp(200, 240), PatientAge="040Y"), "application/dicom")
LETTER = ("letter.jpg", b"Dear colleague", "image/jpeg")
STRANGE, ADULT = "does not look like a frontal chest X-ray", "The patient is an adult"


@pytest.fixture
def start(tmp_path, monkeypatch):
    root = make_registry(make_registry(tmp_path / "models"), "wary")
    with_reference(root, "wary", odds=9)
    change_card(root, "tiny", selection_loss=0.01)
    sign(monkeypatch, root, "wary")
    monkeypatch.setenv("PNEUMO_MODELS_DIR", str(root))
    return open_app


def choose(app, model):
    app.selectbox(key="model").set_value(model).run()
    assert not app.exception


def drop(app, *files):
    app.file_uploader[0].set_value(list(files)).run()
    assert not app.exception


def said(app) -> str:
    return "\n".join(
        [
            *(each.value for each in [*app.warning, *app.error, *app.caption]),
            *(e.proto.body for e in (*app.get("html"), *app.markdown)),
        ]
    )


def test_on_diagnose(start):
    app = start()
    drop(app, X_RAY, LETTER)
    assert "probability of pneumonia" in said(app)
    assert ADULT in said(app)
    choose(app, "wary")
    assert STRANGE in said(app)
    assert "probability of pneumonia" not in said(app)
    assert [button.label for button in app.button if button.label.isupper()] == ["NOT ANSWERED", "NOT READ"]
    choose(app, "tiny")
    assert "probability of pneumonia" in said(app)


def test_a_second_model_may_answer_what_the_first_refused(start):
    app = start()
    choose(app, "wary")
    drop(app, X_RAY)
    assert STRANGE in said(app)
    choose(app, "tiny")
    assert "probability of pneumonia" in said(app)
    assert ADULT in said(app)  # known from the file's header, which the case keeps


def test_a_model_that_refuses_has_no_vote(start):
    app = start()
    drop(app, X_RAY)
    app.button(key="second_opinion").click().run()
    assert not app.exception
    assert "wary gives no answer: The image does not look like" in said(app)
    assert "there is no other model to ask" in said(app)


def test_on_the_worklist(start):
    app = start()
    app.switch_page("pages/worklist.py").run()
    drop(app, X_RAY, LETTER)
    assert list(app.dataframe[0].value["file"]) == ["Beeblebrox.dcm"]
    assert ADULT in app.dataframe[0].value["warnings"].iloc[0]
    choose(app, "wary")
    assert len(app.dataframe) == 0
    assert STRANGE in said(app)
    choose(app, "tiny")
    assert list(app.dataframe[0].value["file"]) == ["Beeblebrox.dcm"]
