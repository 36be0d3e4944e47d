import json

import numpy as np
import pytest
from opened_app import open_app
from opened_parcel import opened
from stored_metrics import ROBUSTNESS
from tiny_model import make_registry, put

from pneumo.imaging.overlay import png
from pneumo.registry.seal import seal_folder
from pneumo.registry.signing_keys import make_site_key, signing_key
from pneumo.ui.shell.frame import DISCLAIMER
from pneumo.ui.shell.state import PARCEL

pytestmark = pytest.mark.usefixtures("ungated")

WHITE = ("<b>Müller</b>.png", png(np.full((80, 120), 255, np.uint8)), "image/png")
BLACK = ("black.png", png(np.zeros((80, 120), np.uint8)), "image/png")
LETTER = ("letter.jpg", b"Dear colleague", "image/jpeg")


@pytest.fixture
def app(tmp_path, monkeypatch):
    monkeypatch.setenv("PNEUMO_MODELS_DIR", str(make_registry(tmp_path / "models")))
    return open_app()


def drop(app, *files):
    app.file_uploader[0].set_value(list(files)).run()
    assert not app.exception
    return app


def html(app) -> str:
    return "\n".join(element.proto.body for element in (*app.get("html"), *app.markdown))


def shown(app) -> str:
    return html(app) + "\n".join(error.value for error in app.error)


def test_the_empty_page_says_what_it_is(app):
    assert not app.exception
    assert [title.value for title in app.title] == ["Diagnose"]
    assert "NORMAL, INDETERMINATE or PNEUMONIA" in " ".join(element.value for element in app.markdown)
    assert DISCLAIMER in html(app)


def test_one_x_ray_gets_label_probability_threshold_and_figures(app):
    text = html(drop(app, WHITE))
    assert "PNEUMONIA" in text
    assert "High: speaks for pneumonia" in text
    assert "<b>above 0.99</b>" in text  # sigmoid(10 / 2) = 0.9933, shown as no certainty
    assert "threshold 0.50" in text
    assert "0.90 (0.85-0.95)" in text
    assert "On 10 test X-rays" in text
    assert "where 50 % of the patients have it" in text
    assert "<td>rule-in: such an answer is at least 10 times as frequent among sick children as among healthy ones.</td>" in text
    assert "sick children called NORMAL</td><td>0.10 (0.05-0.15)" in text


def test_bacterial_or_viral_is_shown_only_for_a_pneumonia(tmp_path, monkeypatch, app):
    assert "acterial" not in html(drop(app, WHITE))  # this model has no subtype output
    monkeypatch.setenv("PNEUMO_MODELS_DIR", str(make_registry(tmp_path / "telling", subtype=True)))
    app = open_app()
    text = html(drop(app, WHITE))
    # sigmoid(1 / 4) = 0.562
    assert "Bacterial 0.56, viral 0.44: a second answer" in text
    assert "Its AUC is 0.80 on test pneumonias." in text
    assert "acterial" not in html(drop(open_app(), BLACK))


def test_a_model_without_a_test_split_says_so_and_serves(tmp_path, monkeypatch):
    root = make_registry(tmp_path / "models", subtype=True)
    path = root / "tiny" / "metrics.json"
    put(path, json.dumps({"validation": json.loads(path.read_text())["test"]}))
    monkeypatch.setenv("PNEUMO_MODELS_DIR", str(root))
    app = drop(open_app(), WHITE)
    assert "was not evaluated on the test split" in html(app)
    assert "Its AUC is 0.80 on validation pneumonias." in html(app)
    app.switch_page("pages/about.py").run()
    assert not app.exception
    assert "was not evaluated on a test split" in " ".join(element.value for element in app.markdown)


def test_a_normal_picture_says_what_its_map_means(app):
    text = html(drop(app, BLACK))
    assert "NORMAL" in text
    assert "the map is empty" in text


def test_bad_files_do_not_stop_the_others(app):
    drop(app, LETTER, WHITE, ("empty.png", b"", "image/png"), BLACK)
    labels = [button.label for button in app.button if button.label.isupper()]
    assert labels == ["NOT READ", "PNEUMONIA", "NOT READ", "NORMAL"]
    assert "text file" in shown(app)
    next(button for button in app.button if button.label == "PNEUMONIA").click().run()
    assert "<b>above 0.99</b>" in html(app)


def test_no_notice_of_stopping_once_all_files_are_read(app):
    """theme.css shows that notice whenever no run is under way."""
    drop(app, WHITE, BLACK)
    assert "go_on" not in {button.key for button in app.button}


def test_a_new_drop_opens_its_first_new_file_under_its_name(app):
    drop(app, WHITE)
    drop(app, BLACK, LETTER)
    assert app.session_state["current"] == 1
    assert f'<p class="case-name">{BLACK[0]} (2 of 3)</p>' in html(app)
    assert ">NORMAL</div>" in html(app)


def test_file_names_are_escaped(app):
    text = html(drop(app, WHITE))
    assert "&lt;b&gt;Müller" in text
    assert "<b>Müller" not in text


def test_results_stay_when_another_page_was_visited(app):
    drop(app, WHITE)
    app.selectbox(key="operating_point").set_value("rule-in").run()
    app.switch_page("pages/about.py").run()
    assert [title.value for title in app.title] == ["About"]
    assert DISCLAIMER in html(app)
    app.switch_page("pages/diagnose.py").run()
    assert "<b>above 0.99</b>" in html(app)
    assert app.selectbox(key="operating_point").value == "rule-in"


def test_between_the_zones_the_answer_is_indeterminate(app):
    grey = ("grey.png", png(np.full((80, 120), 135, np.uint8)), "image/png")  # logit 0.588, probability 0.573
    text = html(drop(app, grey))
    assert "threshold 0.50" in text
    assert 'class="bar indeterminate"' in text
    assert ">INDETERMINATE</div>" in text
    assert "Treat it as open" in text
    app.selectbox(key="operating_point").set_value("rule-in").run()
    assert "threshold 0.75" in html(app)
    assert 'class="bar indeterminate"' in html(app)


def test_a_map_no_better_than_chance_is_off_until_asked_for(tmp_path, monkeypatch):
    root = make_registry(tmp_path / "models")
    told = {**ROBUSTNESS, "heat_in_lungs": {**ROBUSTNESS["heat_in_lungs"], "share": {"value": 0.5, "low": 0.4, "high": 0.6}}}
    put(root / "tiny" / "robustness.json", json.dumps(told))
    make_registry(root, "untold")
    monkeypatch.setenv("PNEUMO_MODELS_DIR", str(root))
    app = drop(open_app(), WHITE)
    text = html(app)
    assert "does no better than chance: 50 % of its heat lay in the lungs, which take 60 %" in text
    assert "Colour marks" not in text
    assert opened(app.session_state[PARCEL][1])[0]["heat"]["doubted"]
    app.selectbox(key="model").set_value("untold").run()
    assert "does no better than chance" not in html(app)
    assert not opened(app.session_state[PARCEL][1])[0]["heat"]["doubted"]


def test_the_prevalence_applies_to_the_whole_page(app):
    grey = ("grey.png", png(np.full((80, 120), 190, np.uint8)), "image/png")
    drop(app, grey)
    app.slider(key="prevalence").set_value(5).run()
    text = html(app)
    # logit 4.90, calibrated 2.45: odds 11.6 times 5 to 95
    assert "<b>0.38</b> <small>where 5 % of the patients have it" in text
    assert 'class="bar pneumonia"' in text
    assert "threshold 0.05" in text
    assert "12 times as frequent among sick children" in text


def test_clear_all_forgets_the_cases(app):
    drop(app, WHITE, BLACK)
    next(button for button in app.button if button.label == "Clear all").click().run()
    assert app.session_state["cases"] == []
    assert "above 0.99" not in html(app)


def test_phantoms_for_everyone(app):
    next(button for button in app.button if "phantoms" in button.label).click().run()
    assert not app.exception
    assert len(app.session_state["cases"]) == 3


def test_an_altered_model_gives_no_answer_and_is_named(tmp_path, monkeypatch):
    root = make_registry(tmp_path / "models")
    monkeypatch.setenv("PNEUMO_MODELS_DIR", str(root))
    (root / "tiny" / "model.keras").write_bytes(b"other")
    app = open_app()
    assert "model.keras was altered" in app.error[0].value
    drop(app, WHITE)
    assert "PNEUMONIA" not in html(app)


def test_an_unsigned_model_serves_and_the_sidebar_says_so(tmp_path, monkeypatch):
    root = make_registry(tmp_path / "models")
    monkeypatch.setenv("PNEUMO_MODELS_DIR", str(root))
    told = "tiny is unsigned: its files are intact, but no trusted signer vouches for them."
    assert told in [caption.value for caption in open_app().sidebar.caption]
    monkeypatch.setenv("PNEUMO_SIGNING_KEY", str(tmp_path / "site.key"))
    make_site_key()
    seal_folder(root / "tiny", signing_key())
    app = open_app()
    assert told not in [caption.value for caption in app.sidebar.caption]
    assert "signed by this site (key " in html(drop(app, WHITE))
    monkeypatch.setenv("PNEUMO_REQUIRE_SIGNED", "1")
    assert not open_app().error
    seal_folder(root / "tiny")
    assert r"'tiny' is unsigned, and PNEUMO\_REQUIRE\_SIGNED asks" in open_app().error[0].value


def test_another_model_serves_when_the_chosen_one_does_not_verify(tmp_path, monkeypatch):
    root = make_registry(tmp_path / "models")
    make_registry(root, "backup")
    monkeypatch.setenv("PNEUMO_MODELS_DIR", str(root))
    (root / "backup" / "model.onnx").write_bytes(b"other")
    app = open_app()
    app.selectbox(key="model").set_value("backup").run()
    assert "altered" in app.error[0].value
    assert "from the model tiny" in app.warning[0].value


def test_no_model_at_all(tmp_path, monkeypatch):
    monkeypatch.setenv("PNEUMO_MODELS_DIR", str(tmp_path))
    app = open_app()
    assert not app.exception
    assert "No model can answer" in app.error[0].value


def test_sessions_do_not_share_cases(app):
    drop(app, WHITE)
    other = open_app()
    assert "cases" not in other.session_state or other.session_state["cases"] == []
