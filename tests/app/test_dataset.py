import shutil
from pathlib import Path

import pytest
from opened_app import open_app
from phantom_sets import copy_set
from tiny_model import make_registry


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("PNEUMO_MODELS_DIR", str(make_registry(tmp_path / "models")))
    monkeypatch.setenv("PNEUMO_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("PNEUMO_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
def app(place):
    copy_set(place, patients=10)
    return open_page()


def open_page():
    app = open_app().switch_page("pages/dataset.py").run()
    assert not app.exception
    return app


def text(app) -> str:
    return "\n".join(element.value for kind in (app.markdown, app.warning, app.info, app.error, app.caption) for element in kind)


def pick(app, key, option):
    app.session_state[key] = option
    app.run()
    assert not app.exception


def labels(app) -> list[str]:
    return [button.label for button in app.button if (button.key or "").startswith("show-")]


def test_counts_and_mark_of_a_synthetic_set(app):
    assert "54 images of 42 patients: 18 NORMAL, 36 PNEUMONIA (2.00 PNEUMONIA for each NORMAL)" in text(app)
    assert "synthetic set" in text(app)


def test_gallery_pages_and_filters(app):
    assert len(labels(app)) == 24
    assert "page 1 of 3, 54 images" in text(app)
    app.button(key="page_on").click().run()
    assert "page 2 of 3" in text(app)
    app.multiselect(key="browse_subtype").set_value(["viral"]).run()
    assert labels(app) == ["viral"] * 18
    app.text_input(key="browse_patient").set_value("virus-3").run()
    assert "page 1 of 1, 2 images" in text(app)  # every third patient has two
    app.text_input(key="browse_patient").set_value("nobody").run()
    assert "No image passes" in text(app)


def test_an_image_opens_large_and_goes_to_diagnose_with_its_label(app):
    app.multiselect(key="browse_subtype").set_value(["bacterial"]).run()
    next(button for button in app.button if (button.key or "").startswith("show-")).click().run()
    assert "bacteria-" in "\n".join(element.proto.body for element in app.get("html"))
    app.button(key="browse_send").click().run()
    app.switch_page("pages/diagnose.py").run()
    assert not app.exception
    assert "Its true label: PNEUMONIA, bacterial" in text(app)


def test_a_file_that_disappears_while_browsing(app, place):
    app.button(key=next(button.key for button in app.button if (button.key or "").startswith("show-"))).click().run()
    for path in (place / "train" / "NORMAL").glob("*.png"):
        path.unlink()
    app.run()
    assert not app.exception


def test_classes_side_by_side_and_averages(app):
    pick(app, "browse_view", "Compare classes")
    assert {"**NORMAL**", "**bacterial**", "**viral**"} <= {element.value for element in app.markdown}
    pick(app, "browse_view", "Class averages")
    assert "**viral**, 18 images" in text(app)


def test_quiz_hides_the_label_until_the_guess(app):
    pick(app, "browse_view", "Quiz")
    assert "The label is" not in text(app)
    app.button(key="quiz-NORMAL").click().run()
    assert "The label is **" in text(app)
    assert "The model tiny says" in text(app)
    assert "of 1, the model in" in text(app)
    app.button(key="quiz_next").click().run()
    assert "The label is" not in text(app)


def run_audit(app):
    pick(app, "dataset_tab", "Audit")
    next(button for button in app.button if button.label == "Run the audit").click().run()
    assert not app.exception


def bring_segmenter(tmp_path):
    shutil.copytree(Path(__file__).parents[2] / "models" / "lungs", tmp_path / "models" / "lungs")


def test_audit_runs_once_and_is_kept(app, tmp_path, monkeypatch):
    monkeypatch.setattr("pneumo.inference.lung_fields.SHIPPED", tmp_path / "none")
    run_audit(app)
    assert "Shortcuts" in text(app)
    assert "No lungs were looked for" in text(app)  # the registry of this test holds no segmenter
    again = open_page()
    pick(again, "dataset_tab", "Audit")
    assert "Shortcuts" in text(again)
    bring_segmenter(tmp_path)
    again.run()
    assert "Run the audit" in [button.label for button in again.button]  # the stored audit was made without this segmenter


def test_the_audit_measures_the_frame_with_the_present_segmenter(app, tmp_path):
    bring_segmenter(tmp_path)
    run_audit(app)
    assert "| height of the lungs | more |" in text(app)
    assert "the lungs by the project's lung segmenter (" in text(app)


def test_without_data_the_page_offers_a_synthetic_set(place, monkeypatch):
    monkeypatch.setattr(
        "pneumo.ui.dataset.get_data.write_set", lambda root, patients: copy_set(root, min(patients, 10))
    )  # a shorter wait
    app = open_page()
    assert "There is no data set here yet" in text(app)
    next(button for button in app.button if button.label == "Make a synthetic set").click().run()
    assert not app.exception
    assert (place / "SYNTHETIC.txt").is_file()
    assert "synthetic set" in text(app)


def test_a_folder_that_holds_no_data_set(place):
    place.mkdir()
    (place / "letter.txt").write_text("x")
    app = open_page()
    assert "already holds files" in text(app)


def test_unexpected_files_are_reported(app, place):
    (place / "train" / "NORMAL" / "notes.txt").write_text("x")
    (place / "surprise").mkdir()
    again = open_page()
    assert "2 files or folders do not fit" in text(again)
    pick(again, "dataset_tab", "Audit")
    assert "notes.txt: not named like an image" in text(again)


def test_one_class_only(place):
    copy_set(place, patients=2)
    for path in place.rglob("NORMAL/*.png"):
        path.unlink()
    assert "no NORMAL image" in text(open_page())
