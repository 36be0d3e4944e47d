"""`pneumo site-plan` and `site-test`: fix the requirements for a model, then test it on the site's own cases."""

import argparse
import getpass
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

from pneumo.cli.commands import Commands, add_command, tell
from pneumo.errors import ConfigError
from pneumo.evaluation.operating_point import BALANCED
from pneumo.inference.predictor import Predictor
from pneumo.outgoing import printable
from pneumo.paths import site_dir
from pneumo.registry.acts import PLAN, add_act
from pneumo.registry.model_folder import ModelFolder
from pneumo.registry.models import card_digest, default_model, read_card
from pneumo.site.answers import answered_of
from pneumo.site.cases import read_cases
from pneumo.site.plan import MEANING, Plan, Requirement, read_plan, write_plan


def add(commands: Commands) -> None:
    planning = add_command(commands, "site-plan", _plan, "plan a local test, and see how wide its intervals will be")
    planning.add_argument("--model", help="default: the site's model")
    planning.add_argument("--site", default="", help="printed as typed")
    planning.add_argument("--sick", type=int, required=True, metavar="N", help="number of children with pneumonia")
    planning.add_argument("--healthy", type=int, required=True, metavar="N")
    least = f"least value of a figure; may be repeated: {', '.join(MEANING)}"
    expected = "expected value; default: the model's own test, else .95"
    for flag, meaning in (("--least", least), ("--expect", expected)):
        planning.add_argument(flag, action="append", default=[], metavar="FIGURE=VALUE", help=meaning)
    planning.add_argument("--operating-point", default=BALANCED)
    planning.add_argument("--decides", default="", metavar="WHO", help="who decides about use by the result")
    planning.add_argument("--output", type=Path, metavar="PLAN.json", help="write the plan; default: only print the forecast")
    about = "test the model on your own labelled X-rays: passed, failed, or too few to say"
    testing = add_command(commands, "site-test", _test, about)
    source = "NORMAL/ and PNEUMONIA/, or a CSV: file,label,patient[,age,sex,device,view]"
    testing.add_argument("source", type=Path, metavar="DIR|CSV", help=source)
    testing.add_argument("--model", help="default: the plan's")
    testing.add_argument("--plan", type=Path, required=True, metavar="PLAN.json")
    output = "for result.json, report.pdf and the plan; default: below PNEUMO_SITE_DIR"
    testing.add_argument("--output", type=Path, metavar="DIR", help=output)
    testing.add_argument("--again", default="", metavar="WHY", help="reason for testing the same cases again under another plan")
    testing.add_argument("--who", default="", help="user for the site's acts; default: the account")


def account() -> str:
    """The user, for the acts."""
    try:
        return f"{getpass.getuser()} (command line)"
    except (OSError, KeyError):  # an account without a name
        return "command line"


def _plan(options: argparse.Namespace) -> None:
    from pneumo.site.planner import outlook

    card = read_card(options.model or default_model())
    if options.operating_point not in card.cuts:
        raise ConfigError(f"Unknown operating point {options.operating_point!r}; expected one of {', '.join(card.cuts)}.")
    least, expected = _pairs(options.least, "--least"), _pairs(options.expect, "--expect")
    requirements = tuple(Requirement(name, value) for name, value in least.items())
    decides = options.decides or ("nobody yet" if options.output is None else "")
    point, made = options.operating_point, datetime.now(UTC).isoformat(timespec="seconds")
    digest = card_digest(card.id)
    plan = Plan(options.site, card.id, digest, point, requirements, options.sick, options.healthy, decides, made)
    known = ModelFolder.of(card.id).metrics().get("test", {}).get("operating_points", {}).get(options.operating_point, {})
    forecasts = []
    for requirement in plan.requirements:
        test_value = known.get(requirement.figure, {}).get("value")
        value = expected.get(requirement.figure, min(test_value, 0.995) if test_value else 0.95)
        if not 0 < value < 1:
            raise ConfigError(f"--expect {requirement.figure}={value:g}: expected a value between 0 and 1.")
        forecasts.append(outlook(requirement, value, plan.sick, plan.healthy))
    print(f"{'figure':<30}{'least':>7}{'expected':>10}{'interval then':>18}{'chance to pass':>16}{'of each class for .8':>22}")
    for then in forecasts:
        interval = f"{then.low:.3f}-{then.high:.3f}"
        needed = "over 100000" if then.needed is None else str(then.needed)
        print(f"{then.figure:<30}{then.least:>7.3f}{then.expected:>10.3f}{interval:>18}{then.chance:>16.2f}{needed:>22}")
    if options.output:
        write_plan(options.output, plan)
        add_act(PLAN, plan.model, plan.sha256, f"decides: {plan.decides}", account())
        print(printable(f"{options.output} (SHA-256 {plan.sha256})"))


def _test(options: argparse.Namespace) -> int:
    """Exit code 0: passed; 1: failed, or too few to say."""
    from pneumo.site.local_test import REPORT_FILE, run_test
    from pneumo.site.result import probabilities_of
    from pneumo.site.result_pdf import local_test_pdf
    from pneumo.site.verdict import PASSED

    plan, cases = read_plan(options.plan), read_cases(options.source)
    predictor = Predictor.load(options.model or plan.model)
    output = options.output or site_dir() / "tests" / plan.sha256[:16]
    result, answers = run_test(plan, cases, predictor, output, options.who or account(), options.again, tell_progress)
    predictions = probabilities_of(answered_of(answers), predictor.card)
    points = predictor.card.points_at(float(predictions.labels.mean())) if predictions else {}
    (output / REPORT_FILE).write_bytes(local_test_pdf(result, predictions, points))
    for each in result.unanswered:
        tell(f"{each.file}: {each.status}. {'; '.join(each.reasons)}")
    printed = {
        "outcome": result.outcome,
        "why": result.why,
        "outcomes": [vars(each) for each in result.outcomes],
        "figures": result.figures,
        "result": str(output / "result.json"),
        "report": str(output / REPORT_FILE),
    }
    print(json.dumps(printed, indent=2))
    return 0 if result.outcome == PASSED else 1


def tell_progress(done: int, total: int) -> None:
    """Print progress to standard error, every 50 cases."""
    if done % 50 == 0 or done == total:
        print(f"{done} of {total} answered", file=sys.stderr, flush=True)


def _pairs(words: list[str], flag: str) -> dict[str, float]:
    """["auc=.9"] -> {"auc": 0.9}. Raises ConfigError."""
    pairs = {}
    for word in words:
        name, _, text = word.partition("=")
        try:
            pairs[name.strip()] = float(text)
        except ValueError as error:
            raise ConfigError(f"{flag} {word!r}: expected FIGURE=VALUE, as auc=0.9.") from error
    return pairs
