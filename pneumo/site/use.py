"""The profile in use: put to use and left by one act each, applied where a model is loaded, and named on every answer."""

from dataclasses import replace
from typing import Any

from pneumo.errors import ConfigError, ModelError
from pneumo.inference.predictor import InTermsOf, Predictor
from pneumo.registry.acts import LEAVE, USE, add_act, profile_in_use, read_acts
from pneumo.registry.models import card_digest, read_metrics
from pneumo.site.profile import SiteProfile, read_profile


def use_profile(name: str, why: str, actor: str) -> SiteProfile:
    """Raises DataError for a profile that is no such, ModelError for one of another model than is here."""
    profile = read_profile(name)
    check_model(profile, profile.model, card_digest(profile.model))
    add_act(USE, name, profile.sha256, why, actor)
    return profile


def leave_profile(why: str, actor: str) -> str:
    """The name of the profile that was left. Raises ConfigError where none is in use."""
    used = profile_in_use(read_acts())
    if used is None:
        raise ConfigError("No site profile is in use: answers are read by the model's own calibration already.")
    add_act(LEAVE, used.subject, used.digest, why, actor)
    return used.subject


def check_model(profile: SiteProfile, model: str, card_sha256: str) -> None:
    """Raises ModelError unless the profile was fitted to this very model."""
    if (profile.model, profile.card_sha256) != (model, card_sha256):
        raise ModelError(
            f"The site profile {profile.name!r} was fitted to the model {profile.model} ({profile.card_sha256[:16]}), and this is "
            f"{model} ({card_sha256[:16]}): it does not fit. Fit a new one (site-fit), or leave "
            "it (site-profile leave)."
        )


def by_profile(predictor: Predictor) -> Predictor:
    """The predictor on the terms of the profile in use; as it is where none is, or where that is another model's.

    Raises DataError or ModelError where the profile cannot be trusted: no answer silently changes its meaning.
    """
    used = profile_in_use(read_acts())
    if used is None:
        return predictor
    profile = read_profile(used.subject)
    if profile.sha256 != used.digest:
        raise ModelError(
            f"The site profile {profile.name!r} is not the one that was put to use. Restore it, or leave it (site-profile leave)."
        )
    if profile.model != predictor.card.id:
        return predictor
    check_model(profile, predictor.card.id, card_digest(predictor.card.id))
    return apply(profile, predictor)


def apply(profile: SiteProfile, predictor: Predictor) -> Predictor:
    """Calibration and cuts of the profile, and its name on every answer; see `check_model`."""
    card = replace(predictor.card, calibration=profile.calibration, cuts=dict(profile.cuts))
    sentence = (
        f"Read by the site profile {profile.name} ({profile.sha256[:8]}), not by the model's own calibration; the figures beside "
        f"it are of {profile.judged_on.images} X-rays of this site."
    )
    return predictor.read_by(InTermsOf(profile.name, profile.sha256, sentence, profile.prevalence), card)


def metrics_beside(predictor: Predictor) -> dict[str, Any]:
    """What stands beside an answer: of the model's own test, or of the half that judged the profile."""
    if predictor.profile is None:
        return read_metrics(predictor.card.id)
    return {"test": read_profile(predictor.profile.name).judged}
