"""A site profile: prevalence, calibration and cuts of one hospital for one model, stored outside the model folders.

PNEUMO_SITE_DIR/profiles/NAME.json holds its own hash and that of the model's card, so it applies to that exact model only. Logged
acts switch it on and off; in use, it is applied when its model is loaded, and every answer names it.
"""

import dataclasses
import json
import math
import re
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from pneumo.errors import ConfigError, DataError, ModelError
from pneumo.evaluation.calibration import Calibration
from pneumo.evaluation.operating_point import BALANCED, RULE_IN, RULE_OUT
from pneumo.files import json_sha256, write_json
from pneumo.inference.predictor import AppliedProfile, Predictor
from pneumo.paths import site_dir
from pneumo.registry.acts import LEAVE, USE, add_act, profile_in_use, read_acts
from pneumo.registry.model_folder import ModelFolder
from pneumo.registry.models import card_digest

VERSION = 1
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


@dataclass(frozen=True)
class Half:
    images: int
    sick_children: int
    healthy_children: int


@dataclass(frozen=True)
class SiteProfile:
    """`judged`: metrics of the judging half with this profile, as in metrics.json; `own`: with the model's own calibration."""

    name: str
    site: str
    model: str
    model_sha256: str
    card_sha256: str
    calibration: Calibration
    cuts: dict[str, float]  # of the log likelihood ratio
    prevalence: float | None  # None: unknown
    prevalence_from: str
    fitted_on: Half
    judged_on: Half
    judged: dict[str, Any]
    own: dict[str, Any]
    loss_less: dict[str, float | None]  # reduction of the log loss on the judging half: {value, low, high}
    cases_sha256: str
    created: str
    version: int = VERSION

    @property
    def sha256(self) -> str:
        return json_sha256(asdict(self))


def profiles_dir() -> Path:
    return site_dir() / "profiles"


def list_profiles() -> list[str]:
    return sorted(path.stem for path in profiles_dir().glob("*.json"))


def check_name(name: str) -> None:
    """Raises ConfigError."""
    if not _NAME.fullmatch(name):
        raise ConfigError(f"The profile's name is {name!r}; expected at most 40 small letters, digits and hyphens, as winter-2026.")


def write_profile(profile: SiteProfile) -> Path:
    """Raises DataError if the name is taken: answers name their profile, so none is ever replaced."""
    check_name(profile.name)
    path = profiles_dir() / f"{profile.name}.json"
    if path.exists():
        raise DataError(f"There is a site profile {profile.name!r} already, and answers may name it. Give this one another name.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, {"profile": asdict(profile), "sha256": profile.sha256})
    except OSError as error:
        raise DataError(f"The profile cannot be written to {path}: {error.strerror or error}.") from error
    return path


def read_profile(name: str) -> SiteProfile:
    """Raises DataError for a profile that is missing, damaged, or was changed after it was written."""
    check_name(name)
    path = profiles_dir() / f"{name}.json"
    if not path.is_file():
        known = ", ".join(list_profiles()) or "none"
        raise DataError(f"No site profile {name!r} in {path.parent}; those there: {known}. Make one with the site-fit command.")
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        profile = _parse(stored["profile"])
        if profile.sha256 == stored["sha256"]:
            return profile
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise DataError(f"The site profile {path} is damaged. Restore it, or fit it again with site-fit.") from error
    raise DataError(f"The site profile {path} was changed after it was made: its hash does not fit. Restore it, or fit it again.")


def _parse(stored: dict[str, Any]) -> SiteProfile:
    """Raises TypeError, KeyError or ValueError if it is no profile."""
    if set(stored) != {field.name for field in dataclasses.fields(SiteProfile)} or stored["version"] != VERSION:
        raise ValueError("other fields")
    calibration, cuts = Calibration(**stored["calibration"]), {name: float(cut) for name, cut in stored["cuts"].items()}
    numbers = [calibration.temperature, calibration.bias, *cuts.values()]
    share = stored["prevalence"]
    ordered = set(cuts) == {BALANCED, RULE_OUT, RULE_IN} and cuts[RULE_OUT] <= cuts[BALANCED] <= cuts[RULE_IN]
    if not all(map(math.isfinite, numbers)) or calibration.temperature <= 0 or not ordered or not (share is None or 0 < share < 1):
        raise ValueError("out of range")
    halves = {name: Half(**stored[name]) for name in ("fitted_on", "judged_on")}
    return SiteProfile(**{**stored, "calibration": calibration, "cuts": cuts, **halves})


def use_profile(name: str, why: str, actor: str) -> SiteProfile:
    """Raises DataError for a missing or damaged profile, ModelError if it was fitted to another model."""
    profile = read_profile(name)
    check_model(profile)
    add_act(USE, name, profile.sha256, why, actor)
    return profile


def leave_profile(why: str, actor: str) -> str:
    """Returns the name of the profile. Raises ConfigError if none is in use."""
    used = profile_in_use(read_acts())
    if used is None:
        raise ConfigError("No site profile is in use: answers are read by the model's own calibration already.")
    add_act(LEAVE, used.subject, used.digest, why, actor)
    return used.subject


def check_model(profile: SiteProfile) -> None:
    """Raises ModelError unless its model is in the very state that the profile was fitted to."""
    card_sha256 = card_digest(profile.model)
    if profile.card_sha256 != card_sha256:
        raise ModelError(
            f"The site profile {profile.name!r} was fitted to the model {profile.model} ({profile.card_sha256[:16]}), and this is "
            f"{profile.model} ({card_sha256[:16]}): it does not fit. Fit a new one (site-fit), or leave it (site-profile leave)."
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
    check_model(profile)
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
