"""The site profile in use: switched on and off by logged acts, applied when a model is loaded, named on every answer."""

from dataclasses import replace
from typing import Any

from pneumo.errors import ConfigError, ModelError
from pneumo.inference.predictor import AppliedProfile, Predictor
from pneumo.registry.acts import LEAVE, USE, add_act, profile_in_use, read_acts
from pneumo.registry.model_folder import ModelFolder
from pneumo.registry.models import card_digest
from pneumo.site.profile import SiteProfile, read_profile


def use_profile(name: str, why: str, actor: str) -> SiteProfile:
    """Raises DataError for a missing or damaged profile, ModelError if it was fitted to another model."""
    profile = read_profile(name)
    check_model(profile, profile.model, card_digest(profile.model))
    add_act(USE, name, profile.sha256, why, actor)
    return profile


def leave_profile(why: str, actor: str) -> str:
    """Returns the name of the profile. Raises ConfigError if none is in use."""
    used = profile_in_use(read_acts())
    if used is None:
        raise ConfigError("No site profile is in use: answers are read by the model's own calibration already.")
    add_act(LEAVE, used.subject, used.digest, why, actor)
    return used.subject


def check_model(profile: SiteProfile, model: str, card_sha256: str) -> None:
    """Raises ModelError unless the profile was fitted to this exact model."""
    if (profile.model, profile.card_sha256) != (model, card_sha256):
        raise ModelError(
            f"The site profile {profile.name!r} was fitted to the model {profile.model} ({profile.card_sha256[:16]}), and this is "
            f"{model} ({card_sha256[:16]}): it does not fit. Fit a new one (site-fit), or leave "
            "it (site-profile leave)."
        )


def by_profile(predictor: Predictor) -> Predictor:
    """The predictor with the profile in use; unchanged if there is none, or it is for another model.

    Raises DataError or ModelError if the profile is damaged or was changed: no answer silently changes its meaning.
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
    """The predictor with the profile's calibration and cuts; answers name it. The caller checks the model (`check_model`)."""
    card = replace(predictor.card, calibration=profile.calibration, cuts=dict(profile.cuts))
    sentence = (
        f"Read by the site profile {profile.name} ({profile.sha256[:8]}), not by the model's own calibration; the figures beside "
        f"it are of {profile.judged_on.images} X-rays of this site."
    )
    return predictor.with_profile(AppliedProfile(profile.name, profile.sha256, sentence, profile.prevalence), card)


def metrics_beside(predictor: Predictor) -> dict[str, Any]:
    """Metrics to show beside an answer: of the model's own test, or of the half that judged the profile."""
    if predictor.profile is None:
        return ModelFolder.of(predictor.card.id).metrics()
    return {"test": read_profile(predictor.profile.name).judged}
