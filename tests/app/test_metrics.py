import json

import pytest
from opened_app import open_app
from stored_metrics import HISTORY, ROBUSTNESS, make_evaluated_registry
from tiny_model import make_registry, put

from pneumo.evaluation.metrics import confusion_matrix
from pneumo.evaluation.predictions import read_predictions
from pneumo.synthetic.phantom import make_phantom, phantom_png


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    return make_evaluated_registry(tmp_path_factory.mktemp("built") / "models", "one", "two")


@pytest.fixture
def root(built, tmp_path, monkeypatch):
    import shutil

    shutil.copytree(built, tmp_path / "models")
    monkeypatch.setenv("PNEUMO_MODELS_DIR", str(tmp_path / "models"))
    monkeypatch.setenv("PNEUMO_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "models"


def open_page():
    app = open_app()
    app.session_state["metrics_section"] = "Everything"
    app = app.switch_page("pages/metrics.py").run()
    assert not app.exception
    return app


def test_the_page_starts_with_the_worst_news_and_shows_one_section(root):
    put(root / "one" / "robustness.json", json.dumps(ROBUSTNESS))
    app = open_app().switch_page("pages/metrics.py").run()
    assert not app.exception
    headings = [element.value for element in app.subheader]
    assert headings[0] == "The worst news"
    assert "Robustness and shortcuts" not in headings
    assert "With the lungs hidden it still ranks the children" in text(app)
    app.segmented_control(key="metrics_section").set_value("Robustness").run()
    assert [element.value for element in app.subheader] == ["Robustness and shortcuts"]


def text(app) -> str:
    kinds = (app.markdown, app.warning, app.info, app.error, app.caption, app.subheader, app.code)
    plain = "\n".join(element.value for kind in kinds for element in kind)
    return plain + "\n".join(element.proto.body for element in app.get("html"))


def matrix(app) -> str:
    return next(element.proto.body for element in app.get("html") if "metrics-matrix" in element.proto.body)


def counts(root, model, cut, split="test"):
    stored = read_predictions(root / model / f"predictions-{split}.csv")
    return confusion_matrix(stored.labels, stored.probabilities, cut).ravel().tolist()


def slider(app):
    return app.select_slider[0]


def test_first_row_matrix_and_every_section(root):
    app = open_page()
    stored = json.loads((root / "one/metrics.json").read_text())["test"]
    said = text(app)
    for name in ("auc", "accuracy", "sensitivity", "specificity"):
        assert f"<b>{stored[name]['value']:.3f}</b>" in said
        assert f"{stored[name]['low']:.3f} to {stored[name]['high']:.3f}" in said
    assert all(f"<b>{count}</b>" in matrix(app) for count in counts(root, "one", 0.5))
    for heading in (
        "Confusion matrix",
        "Classification report",
        "By kind of case",
        "Robustness and shortcuts",
        "Models side by side",
    ):
        assert heading in said
    assert "never to choose one" in said
    assert len(app.get("vega_lite_chart")) == 8  # six curves, the corner of the ROC, and the comparison of models
    assert {"Predictions, CSV", "Metrics, JSON", "Everything, PDF"} <= {each.proto.label for each in app.get("download_button")}


def test_calibration_points_and_decision_curve_at_the_users_prevalence(root):
    app = open_page()
    said = text(app)
    stored = json.loads((root / "one/metrics.json").read_text())["test"]
    slope = stored["calibration"]["slope"]
    assert said.index(f"<td>{slope['value']:.2f} (") < said.index("ECE where 67 % are sick")
    assert "Decision curve where 50 % have pneumonia" in said
    assert "[not stored]" in said  # nothing is stored of the calibration part
    assert '<th scope="row">INDETERMINATE</th>' in said
    app.slider(key="prevalence").set_value(10).run()
    assert not app.exception
    said = text(app)
    assert "Decision curve where 10 % have pneumonia" in said
    assert "ECE where 10 % are sick" in said
    assert "Thresholds are probabilities where 10 % have pneumonia" in said
    app.switch_page("pages/diagnose.py").run()
    assert app.slider(key="prevalence").value == 10


def test_moving_the_threshold_moves_matrix_and_intervals(root):
    app = open_page()
    assert "over patients</td>" in text(app)
    slider(app).set_value(0.9).run()
    assert not app.exception
    assert all(f"<b>{count}</b>" in matrix(app) for count in counts(root, "one", 0.9))
    assert matrix(app).count("<b>") == 4
    assert "Wilson, images taken as independent</td>" in text(app)
    app.button(key="metrics-mark-2").click().run()
    assert slider(app).value == pytest.approx(0.75, abs=1e-6)
    assert all(f"<b>{count}</b>" in matrix(app) for count in counts(root, "one", 0.75))
    assert "over patients</td>" in text(app)


def test_another_operating_point_split_and_model(root):
    app = open_page()
    app.session_state["metrics-point"] = "rule-in"
    app.run()
    assert slider(app).value == pytest.approx(0.75, abs=1e-6)
    app.session_state["metrics-split"] = "validation"
    app.run()
    assert all(f"<b>{count}</b>" in matrix(app) for count in counts(root, "one", 0.75, "validation"))
    assert "its figures are too good" in text(app)
    app.selectbox(key="metrics-model").set_value("two").run()
    assert not app.exception
    assert all(f"<b>{count}</b>" in matrix(app) for count in counts(root, "two", 0.75, "validation"))


def test_a_model_without_a_test_shows_validation_and_says_so(root):
    (root / "one/predictions-test.csv").unlink()
    stored = json.loads((root / "one/metrics.json").read_text())
    del stored["test"]
    put(root / "one/metrics.json", json.dumps(stored))
    app = open_page()
    assert "never evaluated on a test split" in text(app)
    assert f"<b>{stored['validation']['auc']['value']:.3f}</b>" in text(app)


def test_paired_test_of_two_models(root):
    app = open_page()
    assert "one less two" in text(app)
    assert "DeLong" in text(app)
    app.multiselect[0].set_value([]).run()
    assert "one less two" not in text(app)


def test_other_images_are_not_compared(root):
    path = root / "two/predictions-test.csv"
    put(path, "\n".join(path.read_text().splitlines()[:-1]))
    said = text(open_page())
    assert "Not compared with two. Expected the same images" in said
    assert "one less two" not in said


def test_robustness_history_and_subtype_where_they_are_stored(root):
    said = text(open_page())
    assert "python -m pneumo evaluate one --data FOLDER --split test --robustness" in said
    assert "training history of one is not stored" in said
    assert "does not tell bacterial from viral" in said
    put(root / "one/robustness.json", json.dumps({**ROBUSTNESS, "prevalence": 0.25}))
    put(root / "one/history.json", json.dumps(HISTORY))
    stored = json.loads((root / "one/metrics.json").read_text())
    stored["test"]["subtype"] = {
        "n": 40,
        **dict.fromkeys(("auc", "accuracy", "sensitivity", "specificity"), ROBUSTNESS["lungs_hidden"]["auc"]),
    }
    put(root / "one/metrics.json", json.dumps(stored))
    app = open_page()
    said = text(app)
    assert "lungs hidden" in said
    assert "Probabilities where 25 % have pneumonia." in said
    assert "blur sigma 2" in said
    assert "On the 40 pneumonias of known kind" in said
    assert len(app.get("vega_lite_chart")) == 8 + 2 + 3


@pytest.mark.parametrize("name", ["robustness", "history", "metrics"])
@pytest.mark.parametrize("content", ["{", "[]", "[1]", '{"changes": 1, "test": 2}', '{"changes": [{"kind": "blur"}]}'])
def test_a_damaged_file_is_named_and_the_rest_is_shown(root, name, content):
    put(root / f"one/{name}.json", content)
    app = open_page()
    if (name, content) != ("history", "[]"):  # a run without an epoch
        assert any(f"{name}.json" in warning.value for warning in app.warning)
    assert "Confusion matrix" in text(app)


def test_altered_figures_are_not_shown(root):
    path = root / "one/metrics.json"
    stored = json.loads(path.read_text())
    stored["test"]["auc"] = {"value": 1.0, "low": 1.0, "high": 1.0}
    path.write_text(json.dumps(stored))
    app = open_page()
    assert any("'one' does not verify: metrics.json was altered" in warning.value for warning in app.warning)
    assert "<b>1.000</b>" not in text(app)
    app.switch_page("pages/about.py").run()
    assert not app.exception
    assert any("metrics.json was altered" in error.value for error in app.error)


def test_one_class_only(root):
    path = root / "one/predictions-test.csv"
    put(path, "\n".join(line for line in path.read_text().splitlines() if "PNEUMONIA" not in line))
    app = open_page()
    assert "needs stored predictions of both classes" in text(app)
    assert "Everything, PDF" not in {each.proto.label for each in app.get("download_button")}


def test_figures_without_predictions(root, tmp_path, monkeypatch):
    monkeypatch.setenv("PNEUMO_MODELS_DIR", str(make_registry(tmp_path / "bare")))
    app = open_page()
    assert "predictions-test.csv is not stored" in text(app)
    assert "<b>0.900</b>" in text(app)


def test_without_models_the_page_says_what_to_do(root, tmp_path, monkeypatch):
    monkeypatch.setenv("PNEUMO_MODELS_DIR", str(tmp_path / "none"))
    assert "There is no model here yet" in text(open_page())


def test_a_model_never_evaluated(root):
    for path in [*root.glob("one/predictions-*.csv"), root / "one/metrics.json"]:
        path.unlink()
    assert "No evaluation of one is stored" in text(open_page())


def test_ledger(root):
    assert "There is no ledger yet" in text(open_page())
    (root / "ledger.csv").write_text("date,model,why\n2026-01-01,one,<first>\n2026-01-02,two,second\n")
    said = text(open_page())
    assert "&lt;first&gt;" in said
    assert "1 of one" in said


def test_mistakes_with_pictures_open_large_and_go_to_diagnose(root, tmp_path):
    stored = read_predictions(root / "one/predictions-test.csv")
    wrong = [name for name, p, label in zip(stored.files, stored.probabilities, stored.labels, strict=True) if (p >= 0.5) != label]
    assert wrong
    app = open_page()
    assert wrong[0] in text(app)
    assert "named but not shown" in text(app)
    path = tmp_path / "data" / wrong[0]
    path.parent.mkdir(parents=True)
    path.write_bytes(phantom_png(make_phantom("none", seed=1)))
    app = open_page()
    assert "named but not shown" not in text(app)
    app.button(key=f"metrics-show-{wrong[0]}").click().run()
    assert not app.exception
    app.button(key="metrics-send").click().run()
    app.switch_page("pages/diagnose.py").run()
    assert "Its true label:" in text(app)


def test_a_broken_picture_and_a_path_that_leaves_the_folder(root, tmp_path, monkeypatch):
    from pneumo.ui.metrics.mistakes import image_path

    stored = read_predictions(root / "one/predictions-test.csv")
    for name in stored.files:
        (tmp_path / "data" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "data" / name).write_bytes(b"no picture")
    app = open_page()
    next(button for button in app.button if (button.key or "").startswith("metrics-show-")).click().run()
    assert not app.exception
    assert "cannot be read" in text(app)
    (tmp_path / "secret.png").write_bytes(b"x")
    assert image_path("../secret.png") is None
    assert image_path(stored.files[0]) is not None
