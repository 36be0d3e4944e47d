"""--operating-point, --prevalence and --no-site-profile: how answers are read, the same for every command that shows one."""

import argparse
from typing import TYPE_CHECKING

from pneumo.evaluation.operating_point import BALANCED

if TYPE_CHECKING:
    from pneumo.inference.finding import Terms
    from pneumo.inference.predictor import Predictor


def add_terms(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--operating-point", default=BALANCED, help="of the label: balanced (default), rule-out or rule-in")
    parser.add_argument(
        "--prevalence",
        type=float,
        metavar="P",
        help="share of your patients with pneumonia, between 0 and 1; default: PNEUMO_PREVALENCE, else 0.3, which is a guess",
    )

    parser.add_argument(
        "--no-site-profile",
        dest="site_profile",
        action="store_false",
        help="read answers by the model's own calibration, although a site profile is in use",
    )


def load_predictor(options: argparse.Namespace) -> "Predictor":
    """The model that was named, else the site's; on the terms of the site profile in use, unless that is left out."""
    from pneumo.inference.predictor import Predictor
    from pneumo.registry.models import default_model
    from pneumo.site.use import by_profile

    predictor = Predictor.load(options.model or default_model())
    return by_profile(predictor) if options.site_profile else predictor


def terms_of(options: argparse.Namespace, predictor: "Predictor") -> "Terms":
    """Raises ConfigError where the terms do not fit the model: told before any work."""
    from pneumo.inference.finding import Terms, check_terms

    profile, stated = predictor.profile, options.prevalence
    if stated is None and profile:
        stated = profile.prevalence
    terms = Terms(options.operating_point, **({} if stated is None else {"prevalence": stated}))
    check_terms(terms, predictor.card)
    return terms
