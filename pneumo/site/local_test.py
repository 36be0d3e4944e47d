"""The local test: answer the cases, judge them by the plan, and log an act before and after."""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

from pneumo.errors import ConfigError, DataError
from pneumo.files import write_json
from pneumo.inference.predictor import Predictor
from pneumo.registry.acts import RESULT, TEST, Act, add_act, read_acts
from pneumo.registry.model_folder import ModelFolder
from pneumo.registry.models import ModelCard, card_digest
from pneumo.site.answers import CaseAnswer, answer_cases
from pneumo.site.cases import SiteCase, digest_of
from pneumo.site.plan import Plan, read_plan, write_plan
from pneumo.site.result import SiteResult, make_result

PLAN_FILE, RESULT_FILE, REPORT_FILE = "plan.json", "result.json", "report.pdf"


def run_test(
    plan: Plan,
    cases: Sequence[SiteCase],
    predictor: Predictor,
    output: Path,
    actor: str,
    again: str = "",
    progress: Callable[[int, int], None] | None = None,
) -> tuple[SiteResult, tuple[CaseAnswer, ...]]:
    """Answer the cases and judge the answers by the plan, which is written to `output` before the first answer.

    `again`: why the same cases are tested under another plan. Raises ConfigError if the plan is for another model, or the cases
    were answered under another plan and `again` is empty; DataError if `output` holds a test of another plan.
    """
    card = predictor.card
    _check_model(plan, card)
    of_these = f"cases {digest_of(cases)}"
    looks = _earlier(read_acts(), plan, of_these, again)
    _fix_plan(plan, output)
    add_act(TEST, plan.model, plan.sha256, f"{of_these}; again because: {again}" if again else of_these, actor)
    answers = answer_cases(cases, predictor, progress)
    bands = ModelFolder.of(card.id).metrics().get("test", {}).get("bands", [])
    result = make_result(plan, answers, card, bands, looks)
    write_json(output / RESULT_FILE, result.as_json())
    digest = hashlib.sha256((output / RESULT_FILE).read_bytes()).hexdigest()
    add_act(RESULT, plan.model, digest, f"{result.outcome}; plan {plan.sha256[:16]}", actor)
    return result, answers


def _check_model(plan: Plan, card: ModelCard) -> None:
    """Raises ConfigError if the plan was made for another model, or for another version of this one."""
    card_sha256 = card_digest(card.id)
    if plan.model != card.id or plan.card_sha256 != card_sha256:
        raise ConfigError(
            f"The plan was made for the model {plan.model} ({plan.card_sha256[:16]}); this is {card.id} ({card_sha256[:16]}). Make "
            "a plan for it, or test the model of the plan."
        )
    if plan.operating_point not in card.cuts:
        raise ConfigError(f"The plan names the operating point {plan.operating_point!r}; the model has {', '.join(card.cuts)}.")


def _fix_plan(plan: Plan, output: Path) -> None:
    path = output / PLAN_FILE
    if path.exists():
        if read_plan(path).sha256 != plan.sha256:
            raise DataError(
                f"{output} holds a test under another plan, and a plan is not changed after the answers. Its result stays as it "
                "is; give this test another --output."
            )
        return
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"The folder {output} cannot be made: {error.strerror or error}. Give another --output.") from error
    write_plan(path, plan)


def _earlier(acts: Sequence[Act], plan: Plan, of_these: str, again: str) -> tuple[str, ...]:
    """Earlier tests of the same cases and model under other plans. Raises ConfigError if there are any and no reason."""
    tests = [act for act in acts if act.action == TEST and act.subject == plan.model and act.why.startswith(of_these)]
    others = [act for act in tests if act.digest != plan.sha256]
    if others and not again.strip():
        raise ConfigError(
            f"These very cases were answered under another plan on {others[-1].time} (plan {others[-1].digest[:16]}). A plan "
            "changed after the answers proves nothing: test new cases, or say with --again why, which stands in the result."
        )
    return tuple(f"{act.time}: under plan {act.digest[:16]}" for act in others) + ((f"again because: {again}",) if others else ())
