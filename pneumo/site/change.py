"""Changing the site's model: candidate, activation and rollback. Each is one logged act of a verified model.

A candidate's answers on the cases of the active model are stored for comparison, and hidden from readers.
"""

from collections.abc import Sequence

from pneumo.errors import ConfigError
from pneumo.evaluation.likelihood import posterior
from pneumo.evaluation.operating_point import zone
from pneumo.inference.finding import Finding
from pneumo.inference.predictor import Predictor
from pneumo.labels import LABELS
from pneumo.record.case import Shadow
from pneumo.registry.acts import ACTIVATE, BACK, CANDIDATE, END, Act, active_model, add_act, candidate_model, read_acts
from pneumo.registry.models import ModelCard, card_digest, default_model

SHIPPED = ""  # the registry's default, before the site chose a model


def set_candidate(model: str, why: str, actor: str) -> Act:
    """Let a model answer beside the active one, hidden. Raises ModelError unless it verifies, ConfigError if it is active."""
    if model == default_model():
        raise ConfigError(f"{model} answers here already. Name another model as the candidate.")
    return add_act(CANDIDATE, model, _verified(model), why, actor)


def end_candidate(why: str, actor: str) -> Act:
    """Raises ConfigError if there is none."""
    tried = candidate_model(read_acts())
    if tried is None:
        raise ConfigError("There is no candidate to end.")
    return add_act(END, tried.subject, tried.digest, why, actor)


def activate(model: str, why: str, actor: str) -> Act:
    """Make a model the site's default. Raises ModelError unless it verifies, ConfigError without a reason."""
    if not why.strip():
        raise ConfigError("Say why the site's model is changed (--why): the reason stands in the site's acts.")
    digest = _verified(model)

    def check(acts: Sequence[Act]) -> None:
        active = active_model(acts)
        if active and (active.subject, active.digest) == (model, digest):
            raise ConfigError(f"{model} is the site's model already, in this very state. Nothing was changed.")

    return add_act(ACTIVATE, model, digest, why, actor, check=check)


def back(why: str, actor: str) -> Act:
    """Return to the model before the last activation, or to the registry's default. Raises ModelError unless it verifies."""
    if not why.strip():
        raise ConfigError("Say why the site's model is changed back (--why): the reason stands in the site's acts.")
    before = earlier_choices(read_acts())
    if not before:
        raise ConfigError("No model was made active here, so there is no way back.")
    model, digest = before[-2] if len(before) > 1 else (SHIPPED, "")
    if model and _verified(model) != digest:
        raise ConfigError(f"{model} is in another state than when it was active. Activate a model that is as it should be.")

    def check(acts: Sequence[Act]) -> None:
        if earlier_choices(acts) != before:
            raise ConfigError("Somebody changed the site's model at the same moment. Look at site-model status, and try again.")

    return add_act(BACK, model, digest, why, actor, check=check)


def earlier_choices(acts: Sequence[Act]) -> list[tuple[str, str]]:
    """(model, its card's hash) of the activations that were not rolled back, newest last."""
    choices: list[tuple[str, str]] = []
    for act in acts:
        if act.action == ACTIVATE:
            choices.append((act.subject, act.digest))
        elif act.action == BACK and choices:
            choices.pop()
    return choices


def candidate_digest(act: Act) -> str:
    """Hash of the candidate's card. Raises ModelError or ConfigError, also if the card changed since it was named."""
    digest = card_digest(act.subject)
    if digest != act.digest:
        raise ConfigError(f"The candidate {act.subject} was changed since it was named. Name it again, or end it.")
    return digest


def shadow_of(
    case_id: str,
    finding: Finding,
    candidate: ModelCard,
    card_sha256: str,
    active: ModelCard,
    operating_point: str,
    prevalence: float,
) -> Shadow:
    """`finding`: the candidate's, of the same image, behind its own gate."""
    known = (case_id, candidate.id, candidate.sha256, card_sha256, str(finding.status))
    if finding.answer is None:
        return Shadow(*known, None, "", "", "")
    ratio = finding.answer.log_ratio
    label, label_at_active_cut = (str(LABELS[int(ratio >= card.cuts[operating_point])]) for card in (candidate, active))
    return Shadow(*known, float(posterior(ratio, prevalence)), label, label_at_active_cut, str(zone(ratio, candidate.cuts)))


def _verified(model: str) -> str:
    Predictor.load(model)
    return card_digest(model)
