"""The second opinion on Diagnose, in the report and on the command line; models and train pictures are generated."""

import dataclasses
import io
import json

import numpy as np
import pytest
from makers import png_bytes
from opened_app import open_app
from pypdf import PdfReader
from signed_models import sign
from tiny_model import cuts_at, make_registry, put
from tiny_reference import FILES, change_card, with_reference

from pneumo.cli.main import main
from pneumo.inference.finding import Terms
from pneumo.inference.lung_checks import Lungs
from pneumo.inference.predictor import Predictor
from pneumo.registry.models import read_card
from pneumo.registry.seal import seal_folder
from pneumo.synthetic.phantom import make_phantom, phantom_png
from pneumo.ui.diagnose import report
from pneumo.ui.shell.state import key_of

pytestmark = pytest.mark.usefixtures("ungated")

PHANTOM = phantom_png(make_phantom("bacterial", seed=3))
X_RAY = ("Beeblebrox.png", PHANTOM, "image/png")


@pytest.fixture
def root(tmp_path, monkeypatch):
    """tiny, which calls everything PNEUMONIA (threshold 0.01), and strict, signed, which calls everything NORMAL."""
    root = make_registry(make_registry(tmp_path / "models"), "strict")
    with_reference(root)
    change_card(root, "tiny", cuts=cuts_at(balanced=0.01, rule_out=0.005, rule_in=0.02), selection_loss=0.01)
    change_card(root, "strict", cuts=cuts_at(balanced=0.999, rule_out=0.5, rule_in=0.999))
    sign(monkeypatch, root, "strict")
    monkeypatch.setenv("PNEUMO_MODELS_DIR", str(root))
    monkeypatch.setenv("PNEUMO_DATA_DIR", str(tmp_path / "data"))
    return root


@pytest.fixture
def app(root):
    app = open_app()
    app.file_uploader[0].set_value([X_RAY]).run()
    assert not app.exception
    return app


def html(app) -> str:
    return "\n".join(element.proto.body for element in (*app.get("html"), *app.markdown))


def asked(app):
    app.button(key="second_opinion").click().run()
    assert not app.exception
    return app


def test_heat_and_other_models_are_checked_before_the_button_is_pressed(app):
    text = html(app)
    assert "of the heat lies in the lungs, which take" in text
    assert "Small changes" not in text
    assert list(app.session_state["cases"][0].findings) == [key_of(read_card(model)) for model in ("tiny", "strict")]
    assert app.session_state["cases"][0].opinions == {}


def test_cautions_are_shown_without_the_button(app):
    text = html(app)
    assert "<b>Age unknown</b>" not in text  # phantoms have another warning
    assert '<p class="chip"><b>Models disagree</b> The models disagree: 1 of 2 says NORMAL (strict).</p>' in text
    assert "Small changes" not in text
    flat = ("flat.png", png_bytes(np.full((80, 120), 255, np.uint8)), "image/png")
    app.file_uploader[0].set_value([flat]).run()
    assert '<p class="chip"><b>Age unknown</b> The file does not say how old' in html(app)


def test_the_report_has_the_cautions_known_without_the_button(app):
    terms = Terms("balanced", 0.5)
    app.run()
    (page,) = PdfReader(io.BytesIO(report._pdf(app.session_state["cases"][0], Predictor.load("tiny"), terms))).pages
    assert "Cautions The models disagree: 1 of 2 says NORMAL (strict)." in " ".join(page.extract_text().split())


def test_the_second_opinion_has_five_rows_and_cautions(app):
    text = html(asked(app))
    for name in ("Small changes", "Lungs hidden", "Heat", "Models", "Similar cases"):
        assert f"<td>{name}</td>" in text
    assert "1 of 2 models says PNEUMONIA" in text
    assert '<p class="chip"><b>Models disagree</b> The models disagree: 1 of 2 says NORMAL (strict).</p>' in text
    assert "with the lungs hidden: the answer does not need them" in text  # at a threshold of 0.01 nothing changes the verdict
    assert "Of the 3 most similar train pictures, 2 are PNEUMONIA (1 bacterial, 1 viral)." in text
    assert "person7_virus_1" in text
    assert "&lt;b&gt;8" in text
    assert "<b>8" not in text
    assert '<img alt="train picture' not in text  # there is no data set
    assert "second_opinion" not in {button.key for button in app.button}


def test_another_operating_point_reuses_the_same_numbers(app, monkeypatch):
    asked(app)
    monkeypatch.setattr("pneumo.ui.diagnose.second_opinion.compute_second_opinion", lambda *given: pytest.fail("asked again"))
    app.selectbox(key="operating_point").set_value("rule-out").run()
    assert not app.exception
    stated = html(app)
    assert "1 of 2 models says" in stated or "2 of 2 models say" in stated
    app.selectbox(key="model").set_value("strict").run()
    assert "second_opinion" in {button.key for button in app.button}  # nobody asked for one with this model


def test_train_pictures_are_shown_if_the_data_set_is_there(app, tmp_path):
    path = tmp_path / "data" / FILES[1]
    path.parent.mkdir(parents=True)
    path.write_bytes(PHANTOM)
    text = html(asked(app))
    assert text.count('<img alt="train picture') == 1
    path.write_bytes(b"no picture")
    app.run()
    assert not app.exception
    assert '<img alt="train picture' not in html(app)


def test_a_model_that_cannot_be_asked_is_named(root):
    (root / "strict" / "model.keras").write_bytes(b"other")
    app = open_app()
    app.file_uploader[0].set_value([X_RAY]).run()
    text = html(asked(app))
    assert "Not measured: there is no other model to ask." in text
    assert "was altered" in " ".join(each.value for each in app.caption)


def test_an_unsigned_model_has_no_vote(root):
    """Experiments promoted only to look at them must not cause constant warnings that the models disagree."""
    seal_folder(root / "strict")
    app = open_app()
    app.file_uploader[0].set_value([X_RAY]).run()
    assert "Models disagree" not in html(app)
    assert list(app.session_state["cases"][0].findings) == [key_of(read_card("tiny"))]  # strict does not even run
    assert "there is no other model to ask. 1 model is left out: not signed by a known key." in html(asked(app))
    app.selectbox(key="model").set_value("strict").run()  # once chosen it answers, and the default model has a vote
    assert "The models disagree: 1 of 2 says PNEUMONIA (tiny)." in html(app)
    assert "left out" not in html(asked(app))


def test_with_a_broken_segmenter_nothing_is_measured(root):
    (root / "lungs").mkdir()
    put(root / "lungs" / "lungs.json", "{")
    put(root / "lungs" / "lungs.onnx", "")
    app = open_app()
    app.file_uploader[0].set_value([X_RAY]).run()
    assert "Heat in the lungs not measured" in html(app)
    assert "is damaged" in html(app)
    assert "Not measured" in html(asked(app))


def test_clear_all_forgets_the_opinion_and_no_other_session_has_it(app):
    asked(app)
    other = open_app()
    assert "Models disagree" not in html(other)
    next(button for button in app.button if button.label == "Clear all").click().run()
    assert "Models disagree" not in html(app)


def test_the_report_has_the_second_opinion_once_it_was_asked_for(app):
    terms = Terms("balanced", 0.5)

    def paper() -> str:
        (page,) = PdfReader(io.BytesIO(report._pdf(app.session_state["cases"][0], Predictor.load("tiny"), terms))).pages
        return " ".join(page.extract_text().split())

    assert "Second opinion" not in paper()
    asked(app)
    assert "The models disagree: 1 of 2 says NORMAL (strict)." in paper()
    case = app.session_state["cases"][0]
    case.findings.pop(next(key for key in case.findings if key.startswith("strict")))
    key = next(iter(case.opinions))
    calm = case.opinions[key]
    case.opinions[key] = dataclasses.replace(calm, occlusion=dataclasses.replace(calm.occlusion, hidden=-9.0))
    assert "none of the checks that could be made spoke against the answer" in paper()


def test_on_the_command_line(root, tmp_path, capsys, monkeypatch):
    file = tmp_path / "given.png"
    file.write_bytes(PHANTOM)
    assert main(["second-opinion", str(file)]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["model"] == "tiny"
    assert answer["verdict"] == "PNEUMONIA"
    assert [vote["verdict"] for vote in answer["models"]] == ["PNEUMONIA", "NORMAL"]
    assert answer["models"][0]["probability"] == answer["models"][1]["probability"] == answer["probability"]
    assert answer["small_changes"]["lowest"] <= answer["probability"] <= answer["small_changes"]["highest"]
    assert len(answer["small_changes"]["probabilities"]) == 8
    assert answer["lungs_by"] == "segmenter"
    assert {case["file"] for case in answer["similar"]} == set(FILES)
    assert "The models disagree: 1 of 2 says NORMAL (strict)." in answer["warnings"]
    assert answer["models_left_out"] == 0
    assert main(["second-opinion", str(file), "--operating-point", "best"]) == 2
    assert "best" in capsys.readouterr().err

    monkeypatch.setattr("pneumo.cli.second_opinion.lungs_of", lambda image, finder: Lungs(None, "No lung field was found."))
    assert main(["second-opinion", str(file), "--model", "strict"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["lungs_hidden"] == {"probability": None, "reason": "No lung field was found."}
    assert {case["file"] for case in answer["similar"]} == set(FILES)  # every model that serves has its reference

    seal_folder(root / "strict")
    assert main(["second-opinion", str(file)]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert ([vote["model"] for vote in answer["models"]], answer["models_left_out"]) == (["tiny"], 1)


def test_on_the_command_line_without_an_answer(root, tmp_path, capsys):
    letter = tmp_path / "letter.jpg"
    letter.write_bytes(b"Dear colleague")
    assert main(["second-opinion", str(letter)]) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert "no second opinion" in told.err
