"""What the pages record for monitoring: measures, refusals, a candidate's answers. None of it may cost an answer."""

from dataclasses import replace

import numpy as np
import pytest
from makers import png_bytes
from opened_app import open_app
from tiny_model import cuts_at, make_registry

from pneumo.record.store import open_record
from pneumo.registry.models import card_digest, read_card, write_card
from pneumo.site.change import set_candidate
from pneumo.site.profile import use_profile, write_profile

pytestmark = pytest.mark.usefixtures("ungated")

WHITE = ("white.png", png_bytes(np.full((200, 300), 230, np.uint8)))
DARK = ("dark.png", png_bytes(np.full((200, 300), 20, np.uint8)))
LETTER = ("letter.jpg", b"Dear colleague")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    root = make_registry(make_registry(tmp_path / "models", "old"), "new")
    cuts = cuts_at(balanced=0.999, rule_out=0.2, rule_in=0.9995)
    write_card(replace(read_card("new", root), selection_loss=0.3, cuts=cuts), root / "new")
    monkeypatch.setenv("PNEUMO_MODELS_DIR", str(root))
    monkeypatch.setenv("PNEUMO_SITE_DIR", str(tmp_path / "site"))
    monkeypatch.setenv("PNEUMO_RECORD", f"sqlite:///{tmp_path / 'record.sqlite'}")
    return tmp_path


def drop(app, *files):
    app.file_uploader[0].set_value([(name, data, "application/octet-stream") for name, data in files]).run()
    assert not app.exception
    return app


@pytest.mark.parametrize("page", ["diagnose", "worklist"])
def test_measures_and_refusals_are_kept_on_both_pages(folder, page):
    app = open_app()
    if page == "worklist":
        app.switch_page("pages/worklist.py").run()
    drop(app, WHITE, LETTER).run()
    (case,) = open_record().search()
    assert (case.measures.brightness, case.measures.aspect) == (230, 1.5)
    assert np.isnan(case.measures.lung_height)  # no lungs are found in a white picture
    assert case.measures.gate_distance == 0
    assert [each.status for each in open_record().refused()] == ["error"]
    app.run()
    assert len(open_record().refused()) == 1
    assert open_record().verify().problem is None


def test_a_candidate_answers_unseen_and_with_its_own_cuts(folder):
    set_candidate("new", "", "a")
    app = drop(open_app(), WHITE, DARK).run()
    cases, shadows = {case.label: case for case in open_record().search()}, open_record().shadows(card_digest("new"))
    assert {case.model for case in cases.values()} == {"old"}
    white = shadows[cases["PNEUMONIA"].id]
    assert (white.label, white.label_at_active_cut, white.zone) == ("NORMAL", "PNEUMONIA", "indeterminate")
    assert white.probability == pytest.approx(cases["PNEUMONIA"].probability)
    assert shadows[cases["NORMAL"].id].label == "NORMAL"
    said = "\n".join(element.proto.body for element in app.get("html")) + "\n".join(part.value for part in app.caption)
    assert "new" not in said.replace("newest", "")


def test_a_candidate_that_does_not_verify_costs_no_answer(folder, caplog):
    set_candidate("new", "", "a")
    (folder / "models" / "new" / "model.keras").write_bytes(b"other weights")
    drop(open_app(), WHITE)
    assert len(open_record().search()) == 1
    assert open_record().shadows(card_digest("new")) == {}
    assert "The candidate did not answer" in caplog.text


def test_a_site_profile_is_named_on_the_page_and_left_with_one_click(folder):
    from site_profiles import profile_for

    profile = profile_for("old")
    figures = {"sensitivity": {"value": 0.8, "low": 0.7, "high": 0.9}, "specificity": {"value": 0.8, "low": 0.7, "high": 0.9}}
    judged = {"n": 61, "prevalence": 0.3, "operating_points": dict.fromkeys(("balanced", "rule-out", "rule-in"), figures)}
    write_profile(replace(profile, judged=judged))
    use_profile("winter", "", "a")
    app = drop(open_app(), WHITE)
    assert any("site profile winter" in warning.value for warning in app.warning)
    assert app.session_state["prevalence"] == 25
    (case,) = open_record().search()
    assert "site profile winter" in case.warnings[0]
    assert case.gate == "pass"  # a profile is not a caution
    app.sidebar.toggle(key="site_profile").set_value(False).run()
    assert not app.exception
    assert not any("site profile" in warning.value for warning in app.warning)


def test_a_profile_that_was_changed_gives_no_answer(folder):
    from site_profiles import profile_for

    path = write_profile(profile_for("old"))
    use_profile("winter", "", "a")
    path.write_text(path.read_text().replace("-1.0", "-2.0", 1))
    app = open_app()
    assert any("was changed after it was made" in error.value for error in app.error)
