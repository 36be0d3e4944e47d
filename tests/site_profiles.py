"""A site profile with calibration and cuts that are easy to calculate with."""

from pneumo.evaluation.calibration import Calibration
from pneumo.registry.models import card_digest, read_card
from pneumo.site.profile import Half, SiteProfile


def profile_for(model: str, card_sha256: str = "") -> SiteProfile:
    """log ratio = logit - 1; prevalence .25."""
    nothing = {"value": None, "low": None, "high": None}
    return SiteProfile(
        "winter",
        "Ward 3",
        model,
        read_card(model).sha256,
        card_sha256 or card_digest(model),
        Calibration(1.0, -1.0),
        {"balanced": 0.0, "rule-out": -4.0, "rule-in": 4.0},
        0.25,
        "stated",
        Half(60, 30, 30),
        Half(61, 31, 30),
        {"n": 61},
        {"n": 61},
        nothing,
        "ef" * 32,
        "2026-01-01T00:00:00+00:00",
    )
