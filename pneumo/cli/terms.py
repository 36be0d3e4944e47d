"""--operating-point, --prevalence and --no-site-profile, for every command that shows an answer."""

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
        help="share of your patients with pneumonia, between 0 and 1; default: PNEUMO_PREVALENCE, else 0.3, a guess",
    )
    parser.add_argument(
        "--no-site-profile",
        dest="site_profile",
        action="store_false",
        help="use the model's own calibration even if a site profile is in use",
    )


def load_predictor(options: argparse.Namespace) -> "Predictor":
    """The named model, else the site's, with the site profile in use unless --no-site-profile is given."""
    from pneumo.inference.predictor import Predictor
    from pneumo.registry.models import default_model
    from pneumo.site.use import by_profile

    predictor = Predictor.load(options.model or default_model())
    return by_profile(predictor) if options.site_profile else predictor


def terms_of(options: argparse.Namespace, predictor: "Predictor") -> "Terms":
    """Raises ConfigError if the model does not have the operating point, or the prevalence is out of range."""
    from pneumo.inference.finding import Terms, check_terms

    profile, stated = predictor.profile, options.prevalence
    if stated is None and profile:
        stated = profile.prevalence
    terms = Terms(options.operating_point, **({} if stated is None else {"prevalence": stated}))
    check_terms(terms, predictor.card)
    return terms
