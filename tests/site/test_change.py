"""Candidate, promotion and rollback; the site's default changes in no other way."""

import json
import shutil
from dataclasses import replace

import pytest
from grey_sites import HEALTHY, SICK, grey_picture, write_site
from record.making import Clock
from tiny_model import cuts_at, make_registry, put

from pneumo.cli.main import main
from pneumo.errors import ConfigError, DataError, ModelError
from pneumo.record.case import Shadow
from pneumo.record.store import open_record
from pneumo.registry.acts import FILE, active_model, candidate_model, read_acts
from pneumo.registry.models import card_digest, default_model, read_card, write_card
from pneumo.site.change import activate, back, end_candidate, set_candidate

pytestmark = pytest.mark.usefixtures("ungated")


@pytest.fixture(autouse=True)
def site(tmp_path, monkeypatch):
    """Two models; by log loss `old` is the default."""
    root = make_registry(make_registry(tmp_path / "models", "old"), "new")
    write_card(
        replace(read_card("new", root), selection_loss=0.3, cuts=cuts_at(balanced=0.9, rule_out=0.2, rule_in=0.95)), root / "new"
    )
    monkeypatch.setenv("PNEUMO_MODELS_DIR", str(root))
    monkeypatch.setenv("PNEUMO_SITE_DIR", str(tmp_path / "site"))
    return tmp_path


def test_promotion_and_the_way_back_are_one_act_each(site):
    assert default_model() == "old"
    activate("new", "better on our cases", "Dr A")
    assert default_model() == "new"
    activate("old", "the new one missed two", "Dr B")
    assert default_model() == "old"
    back("a mistake", "Dr A")
    assert default_model() == "new"
    back("as it was", "Dr A")
    assert default_model() == "old"
    assert active_model(read_acts()) is None
    assert [(act.action, act.subject, act.actor) for act in read_acts()] == [
        ("activate", "new", "Dr A"),
        ("activate", "old", "Dr B"),
        ("back", "new", "Dr A"),
        ("back", "", "Dr A"),
    ]
    with pytest.raises(ConfigError, match="no way back"):
        back("again", "Dr A")


def test_nothing_is_changed_without_a_reason_or_twice(site):
    for deed in (lambda: activate("new", " ", "a"), lambda: back("", "a")):
        with pytest.raises(ConfigError, match="Say why"):
            deed()
    activate("new", "because", "a")
    with pytest.raises(ConfigError, match="already"):
        activate("new", "because", "a")
    assert len(read_acts()) == 1


def test_a_better_model_in_the_registry_does_not_become_the_default(site):
    activate("old", "our choice", "a")
    better = site / "models" / "better"
    shutil.copytree(site / "models" / "new", better)
    put(
        better / "card.json", json.dumps({**json.loads((better / "card.json").read_text()), "id": "better", "selection_loss": 0.01})
    )
    assert default_model(site / "models") == "better"
    assert default_model() == "old"


def test_a_missing_or_changed_site_model_gives_no_answer_and_is_not_replaced(site):
    activate("new", "because", "a")
    write_card(replace(read_card("new"), cuts=cuts_at(balanced=0.5, rule_out=0.2, rule_in=0.9)), site / "models" / "new")
    with pytest.raises(ModelError, match="was changed since it was made active"):
        default_model()
    shutil.rmtree(site / "models" / "new")
    with pytest.raises(ModelError, match="is not in"):
        default_model()
    back("it is gone", "a")
    assert default_model() == "old"


def test_altered_acts_choose_no_model(site):
    activate("new", "because", "a")
    path = site / "site" / FILE
    path.write_text(path.read_text().replace('"new"', '"old"'))
    with pytest.raises(DataError, match="were altered"):
        default_model()


def test_a_candidate_that_does_not_verify_is_refused(site):
    (site / "models" / "new" / "model.keras").write_bytes(b"other weights")
    for deed in (set_candidate, activate):
        with pytest.raises(ModelError, match="does not verify"):
            deed("new", "because", "a")
    assert read_acts() == ()


def test_a_candidate_is_tried_until_it_is_ended_or_promoted(site):
    with pytest.raises(ConfigError, match="answers here already"):
        set_candidate("old", "", "a")
    set_candidate("new", "", "a")
    assert candidate_model(read_acts()).subject == "new"
    end_candidate("", "a")
    assert candidate_model(read_acts()) is None
    with pytest.raises(ConfigError, match="no candidate"):
        end_candidate("", "a")
    set_candidate("new", "", "a")
    activate("new", "better", "a")
    assert candidate_model(read_acts()) is None


def test_back_to_a_model_in_another_state_is_refused(site):
    activate("old", "first", "a")
    activate("new", "second", "a")
    write_card(replace(read_card("old"), cuts=cuts_at(balanced=0.5, rule_out=0.2, rule_in=0.9)), site / "models" / "old")
    with pytest.raises(ConfigError, match="another state"):
        back("it was better", "a")
    assert default_model() == "new"


def test_the_commands(site, capsys, monkeypatch):
    assert main(["site-model", "candidate", "new"]) == 0
    assert main(["site-model", "status"]) == 0
    told = capsys.readouterr().out
    assert "active\told\tthe default of the registry" in told
    assert "candidate\tnew" in told
    cases = write_site(site / "cases", [SICK] * 6 + [150] * 4, [HEALTHY] * 10)  # 150: .707 at even odds, below the new cut of .9
    assert main(["site-model", "compare", "--cases", str(cases)]) == 0
    comparison = json.loads(capsys.readouterr().out)
    assert (comparison["pairs"], comparison["candidate"], comparison["auc"]["value"]) == (20, "new", 0)
    assert comparison["sensitivity"]["value"] == -0.4
    assert comparison["sensitivity_at_active_cut"]["value"] == 0
    assert comparison["sensitivity"]["low"] < -0.4 < comparison["sensitivity"]["high"]
    assert main(["site-model", "activate", "new"]) == 2
    assert main(["site-model", "activate", "new", "--why", "tried for a month"]) == 0
    assert main(["site-model", "back", "--why", "missed two"]) == 0
    assert "The default of the registry answers here again" in capsys.readouterr().out
    assert main(["site-model", "end"]) == 0
    monkeypatch.delenv("PNEUMO_RECORD", raising=False)
    assert main(["site-model", "compare"]) == 2
    assert "no candidate" in capsys.readouterr().err


def test_predict_answers_by_the_sites_model(site, capsys):
    picture = site / "grey.png"
    picture.write_bytes(grey_picture(SICK))
    activate("new", "because", "a")
    assert main(["predict", str(picture), "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["model"] == "new"


def test_the_record_is_compared_without_the_readers_seeing_it(site, capsys, monkeypatch):
    from record.making import ANSWER

    monkeypatch.setenv("PNEUMO_RECORD", f"sqlite:///{site / 'record.sqlite'}")
    set_candidate("new", "", "a")
    record, card = open_record(), read_card("old")
    record._clock = Clock()
    answers = [
        replace(
            ANSWER,
            file_sha256=f"{n:064x}",
            model="old",
            model_sha256=card.sha256,
            probability=0.9 if n < 20 else 0.2,
            label="PNEUMONIA" if n < 20 else "NORMAL",
            zone="rule-in" if n < 20 else "rule-out",
        )
        for n in range(40)
    ]
    ids = record.keep(answers, "a")
    new, digest = read_card("new"), card_digest("new")
    record.keep_shadows(
        [
            Shadow(
                case_id,
                "new",
                new.sha256,
                digest,
                "ok",
                0.8 if n < 15 else 0.1,
                "PNEUMONIA" if n < 15 else "NORMAL",
                "PNEUMONIA" if n < 18 else "NORMAL",
                "rule-in" if n < 15 else "rule-out",
            )
            for n, case_id in enumerate(ids[:38])
        ]
        + [Shadow(ids[38], "new", new.sha256, digest, "rejected", None, "", "", "")]
    )
    for n, case_id in enumerate(ids):
        record.change(case_id, "a", reference="PNEUMONIA" if n < 20 else "NORMAL")
    assert main(["site-model", "compare"]) == 0
    comparison = json.loads(capsys.readouterr().out)
    assert (comparison["pairs"], comparison["with_truth"], comparison["unanswered"]) == (38, 38, 1)
    assert comparison["sensitivity"]["value"] == pytest.approx(-5 / 20)
    assert comparison["sensitivity_at_active_cut"]["value"] == pytest.approx(-2 / 20)
    assert comparison["specificity"]["value"] == 0
    assert comparison["same_verdict"]["count"] == 33
    assert "rule-in" not in capsys.readouterr().out
    main(["audit", "export"])
    assert '"new"' not in capsys.readouterr().out
