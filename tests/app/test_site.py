import json
from dataclasses import replace

import pytest
from opened_app import open_app
from site_profiles import profile_for
from tiny_model import make_registry

from pneumo.registry.acts import read_acts
from pneumo.registry.models import default_model, read_card, write_card
from pneumo.site.profile import write_profile


@pytest.fixture
def folder(tmp_path, monkeypatch):
    root = make_registry(make_registry(tmp_path / "models", "old"), "new")
    write_card(replace(read_card("new", root), selection_loss=0.3), root / "new")
    monkeypatch.setenv("PNEUMO_MODELS_DIR", str(root))
    monkeypatch.setenv("PNEUMO_SITE_DIR", str(tmp_path / "site"))
    return tmp_path


def opened(app=None):
    app = (app or open_app()).switch_page("pages/site.py").run()
    assert not app.exception
    assert [title.value for title in app.title] == ["Site"]
    return app


def text(app) -> str:
    shown = [part.value for part in [*app.markdown, *app.caption, *app.warning, *app.info, *app.error]]
    return "\n".join([*shown, *(part.label for part in app.expander), *(each.proto.body for each in app.get("html"))])


def press(app, key):
    app.button(key=key).click().run()
    assert not app.exception
    return app


def test_a_new_site_is_told_what_to_do_first(folder):
    app = opened()
    assert "No local test was made yet" in text(app)
    assert "old, the default of the registry" in text(app)
    assert read_acts() == ()


def test_changing_the_model_needs_a_reason_and_can_be_undone(folder):
    app = press(opened(), "site_activate")
    assert "Say why" in text(app)
    assert default_model() == "old"
    app.text_input(key="site_why").set_value("better here").run()
    press(app, "site_activate")
    assert default_model() == "new"
    press(app, "site_back")
    assert default_model() == "old"
    press(app, "site_candidate")
    assert "new, its answers are recorded but not shown" in text(app)
    press(app, "site_end")
    assert [act.action for act in read_acts()] == ["activate", "back", "candidate", "end candidate"]
    assert {act.why for act in read_acts()} == {"better here"}


def test_a_profile_can_be_used_and_left(folder):
    write_profile(profile_for("old"))
    app = press(opened(), "use-winter")
    assert "read by the profile winter" in text(app)
    press(app, "site_leave")
    assert "the model's own calibration" in text(app)
    assert [act.action for act in read_acts()] == ["use profile", "leave profile"]


def test_results_of_local_tests_are_listed_and_damaged_ones_reported(folder):
    seen = {"figure": "auc", "least": 0.9, "value": 0.95, "low": 0.8, "high": 0.99, "outcome": "too few to say"}
    result = {
        "outcome": "too few to say",
        "model": "old",
        "made": "2026-02-01T00:00:00",
        "why": "Add cases.",
        "outcomes": [seen],
        "frame": {"likeness": ""},
    }
    for name, content in (("a", json.dumps(result)), ("b", "{")):
        (folder / "site" / "tests" / name).mkdir(parents=True)
        (folder / "site" / "tests" / name / "result.json").write_text(content)
    told = text(opened())
    assert "TOO FEW TO SAY: old, 2026-02-01" in told
    assert "at least 0.9; seen 0.950 (0.800-0.990): too few to say" in told
    assert "cannot be read as a result" in told


def test_altered_acts_are_reported_and_every_page_works(folder):
    (folder / "site").mkdir()
    (folder / "site" / "acts.jsonl").write_text("{}\n")
    app = open_app()
    assert any("were altered" in error.value for error in app.error)
    assert "were altered" in text(opened(app))
