"""The whole local test on flat grey pictures with known answers."""

import io
import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from grey_sites import HEALTHY, SICK, write_site
from pypdf import PdfReader
from tiny_model import make_registry

from pneumo.cli.main import main
from pneumo.errors import ConfigError, DataError
from pneumo.evaluation.calibration import fit_calibration_curve
from pneumo.evaluation.intervals import patient_intervals
from pneumo.inference.gate import check
from pneumo.inference.predictor import Predictor
from pneumo.registry.acts import read_acts
from pneumo.registry.models import card_digest
from pneumo.site.cases import read_cases
from pneumo.site.local_test import run_test
from pneumo.site.plan import ANSWERED, AUC, SENSITIVITY, SPECIFICITY, Plan, Requirement
from pneumo.site.result import probabilities_of
from pneumo.site.result_pdf import local_test_pdf
from pneumo.site.verdict import FAILED, PASSED, TOO_FEW, check_requirements, judge_test

pytestmark = pytest.mark.usefixtures("ungated")


@pytest.fixture(autouse=True)
def site(tmp_path, monkeypatch):
    monkeypatch.setenv("PNEUMO_MODELS_DIR", str(make_registry(tmp_path / "models")))
    monkeypatch.setenv("PNEUMO_SITE_DIR", str(tmp_path / "acts"))
    for slow in (patient_intervals, fit_calibration_curve):  # few resamples: intervals have tests of their own
        monkeypatch.setattr(slow, "__defaults__", (0, 20))
    return tmp_path


def plan_of(sick=5, healthy=5, **least):
    named = {"auc": AUC, "sensitivity": SENSITIVITY, "specificity": SPECIFICITY, "answered": ANSWERED}
    requirements = tuple(Requirement(named[name], value) for name, value in (least or {"auc": 0.6}).items())
    return Plan(
        "Ward 3", "tiny", card_digest("tiny"), "balanced", requirements, sick, healthy, "Dr A", datetime.now(UTC).isoformat()
    )


def run_on(tmp_path, plan, sick, healthy, **more):
    cases = read_cases(write_site(tmp_path / "site", sick, healthy, **more))
    return run_test(plan, cases, Predictor.load("tiny"), tmp_path / "out", "tester")


def test_passed_with_every_number_of_the_confusion(site):
    greys = [SICK] * 29 + [HEALTHY], [HEALTHY] * 28 + [SICK] * 2
    result, _ = run_on(site, plan_of(sensitivity=0.8, specificity=0.7), *greys)
    assert result.outcome == PASSED
    assert result.matrix == [[28, 2], [1, 29]]
    assert result.verdicts == {
        "NORMAL": {"NORMAL": 28, "INDETERMINATE": 0, "PNEUMONIA": 2},
        "PNEUMONIA": {"NORMAL": 1, "INDETERMINATE": 0, "PNEUMONIA": 29},
    }
    assert result.figures["sensitivity"]["value"] == pytest.approx(29 / 30)
    assert result.figures["auc"]["value"] == pytest.approx(((29 * 28) + 0.5 * (29 * 2 + 28)) / 900)
    assert [mistake.file for mistake in result.missed] == ["picture-029.png"]
    assert len(result.alarms) == 2
    assert result.gate[0].refused == 0
    stored = json.loads((site / "out" / "result.json").read_text())
    assert stored["plan_sha256"] == result.plan.sha256
    assert [act.action for act in read_acts()] == ["test", "result"]


def test_failed_where_the_whole_interval_lies_below(site):
    result, _ = run_on(site, plan_of(sensitivity=0.9), [HEALTHY] * 20 + [SICK] * 10, [HEALTHY] * 20)
    assert result.outcome == FAILED
    assert "sensitivity" in result.why


def test_twelve_cases_are_too_few_to_say(site):
    result, _ = run_on(site, plan_of(6, 6, sensitivity=0.9), [SICK] * 6, [HEALTHY] * 6)
    assert result.outcome == TOO_FEW
    assert result.outcomes[0].value == 1
    assert "interval" in result.why


def test_fewer_children_than_planned_are_never_a_pass(site):
    result, _ = run_on(site, plan_of(40, 40, auc=0.6), [SICK] * 30, [HEALTHY] * 30)
    assert result.outcomes[0].outcome == PASSED
    assert result.outcome == TOO_FEW
    assert "40 sick and 40 healthy" in result.why


def test_intervals_are_over_children_not_pictures(site):
    result, _ = run_on(site, plan_of(sensitivity=0.8), [SICK] * 30, [HEALTHY] * 30, images_a_child=10)
    assert (result.sick_children, result.healthy_children) == (3, 3)
    assert result.figures["sensitivity"]["low"] < 0.5


def test_what_the_gate_refuses_is_counted_and_named(site, monkeypatch):
    """Flat pictures have no contrast: the gate's own rule refuses them all, and no figure is made up."""
    monkeypatch.setattr("pneumo.inference.finding.check", check)  # the gate itself, not `ungated`
    result, _ = run_on(site, plan_of(answered=0.9), [SICK] * 20, [HEALTHY] * 20)
    assert result.outcome == FAILED
    assert (result.gate[0].refused, result.gate[0].images) == (40, 40)
    assert result.figures["auc"]["value"] is None
    assert "contrast" in result.unanswered[0].reasons[0]
    assert result.summary is None


def test_an_unreadable_file_does_not_stop_the_others(site):
    path = write_site(site / "site", [SICK] * 10, [HEALTHY] * 10)
    (site / "site" / "picture-003.png").write_bytes(b"\x89PNG\r\n\x1a\nrest")
    result, _ = run_test(plan_of(), read_cases(path), Predictor.load("tiny"), site / "out", "t")
    assert [(each.file, each.status) for each in result.unanswered] == [("picture-003.png", "error")]
    assert (result.gate[0].unread, result.sick_children) == (1, 9)


def test_groups_by_age_sex_device_and_view(site):
    told = {"age": ["0.5", "2", "2"], "sex": ["F", "M"], "device": ["DX-1", ""], "view": ["AP"]}
    result, _ = run_on(site, plan_of(), [SICK] * 6, [HEALTHY] * 6, **told)
    groups = {(group.by, group.name): group for group in result.groups}
    assert [name for by, name in groups if by == "age"] == ["below 1 year", "1 and 2 years"]
    assert groups["age", "below 1 year"].images == 4
    assert groups["device", "not told"].images == 6
    assert groups["view", "AP"].auc["value"] == 1
    assert (groups["sex", "F"].sick, groups["sex", "F"].healthy) == (3, 3)


def test_another_plan_never_replaces_the_first(site):
    run_on(site, plan_of(), [SICK] * 6, [HEALTHY] * 6)
    before = (site / "out" / "result.json").read_bytes()
    with pytest.raises(ConfigError, match="answered under another plan"):
        run_on(site, plan_of(auc=0.5), [SICK] * 6, [HEALTHY] * 6)
    cases = read_cases(site / "site" / "cases.csv")
    with pytest.raises(DataError, match="a plan is not changed after the answers"):
        run_test(plan_of(auc=0.5), cases, Predictor.load("tiny"), site / "out", "t", again="a typing error")
    assert (site / "out" / "result.json").read_bytes() == before
    result, _ = run_test(plan_of(auc=0.5), cases, Predictor.load("tiny"), site / "second", "t", again="a typing error")
    assert "a typing error" in result.looks[-1]


def test_the_same_plan_may_be_run_again(site):
    plan = plan_of()
    first, _ = run_on(site, plan, [SICK] * 6, [HEALTHY] * 6)
    second, _ = run_on(site, plan, [SICK] * 6, [HEALTHY] * 6)
    assert (first.outcomes, second.looks) == (second.outcomes, ())


def test_a_plan_of_another_model_or_state_is_refused(site):
    for odd in (replace(plan_of(), model="other"), replace(plan_of(), card_sha256="0" * 64)):
        with pytest.raises(ConfigError, match="was made for the model"):
            run_on(site, odd, [SICK], [HEALTHY])
    assert not (site / "out").exists()


@pytest.mark.slow
def test_the_pdf_says_the_verdict_and_the_figures(site):
    result, answers = run_on(site, plan_of(), [SICK] * 7 + [HEALTHY], [HEALTHY] * 8, device=["Röntgen 雷"])
    card = Predictor.load("tiny").card
    predictions = probabilities_of(answers, card)
    text = "\n".join(
        page.extract_text() for page in PdfReader(io.BytesIO(local_test_pdf(result, predictions, card.points_at(0.5)))).pages
    )
    for said in ("Local test of tiny", "Dr A", "picture-007.png", "sensitivity", "Not a medical device", "The gate", "device: R"):
        assert said in text
    assert local_test_pdf(result, None, {}).startswith(b"%PDF")


@pytest.mark.slow
def test_the_command_from_plan_to_report(site, capsys):
    path = write_site(site / "site", [SICK] * 30, [HEALTHY] * 30)
    plan = str(site / "plan.json")
    words = ["--sick", "30", "--healthy", "30", "--least", "auc=0.6", "--expect", "auc=0.9", "--decides", "Dr A"]
    assert main(["site-plan", "--model", "tiny", *words, "--output", plan]) == 0
    assert "chance to pass" in capsys.readouterr().out
    assert main(["site-test", str(path), "--plan", plan, "--output", str(site / "out")]) == 0
    assert json.loads(capsys.readouterr().out)["outcome"] == PASSED
    assert (site / "out" / "report.pdf").read_bytes().startswith(b"%PDF")
    assert [act.action for act in read_acts()] == ["plan", "test", "result"]
    names = {file.name for file in (site / "out").iterdir()}
    assert names == {"plan.json", "result.json", "report.pdf"}


def test_a_value_out_of_range_is_refused_before_anything_is_printed(site, capsys):
    words = ["--sick", "30", "--healthy", "30", "--least", "auc=0.6", "--least", "specificity=0.6", "--expect", "specificity=1"]
    assert main(["site-plan", "--model", "tiny", *words]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "--expect specificity=1: expected a value between 0 and 1." in printed.err


def test_nothing_of_a_patient_is_in_the_result(site):
    run_on(site, plan_of(), [SICK] * 6, [HEALTHY] * 6)
    assert "child-" not in (site / "out" / "result.json").read_text()


def test_a_failure_counts_however_few_the_children():
    plan = Plan("", "m", "", "balanced", (Requirement(AUC, 0.9), Requirement(SENSITIVITY, 0.9)), 100, 100, "x", "")
    seen = {AUC: {"value": 0.6, "low": 0.4, "high": 0.8}, SENSITIVITY: {"value": 1.0, "low": 0.95, "high": 1.0}}
    outcomes = check_requirements(plan, seen)
    assert [each.outcome for each in outcomes] == [FAILED, PASSED]
    assert judge_test(plan, outcomes, 5, 5)[0] == FAILED
