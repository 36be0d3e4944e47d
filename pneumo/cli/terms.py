"""--operating-point and --prevalence: how answers are read, the same for every command that shows one."""

import argparse
from typing import TYPE_CHECKING

from pneumo.evaluation.operating_point import BALANCED

if TYPE_CHECKING:
    from pneumo.inference.finding import Terms
    from pneumo.registry.models import ModelCard


def add_terms(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--operating-point", default=BALANCED, help="of the label: balanced (default), rule-out or rule-in")
    parser.add_argument("--prevalence", type=float, metavar="P", help="share of your patients with pneumonia, between 0 and 1; "
                        "default: PNEUMO_PREVALENCE, else 0.3, which is a guess")  # fmt: skip


def terms_of(options: argparse.Namespace, card: "ModelCard") -> "Terms":
    """Raises ConfigError where the terms do not fit the model: told before any work."""
    from pneumo.inference.finding import Terms, check_terms

    stated = {} if options.prevalence is None else {"prevalence": options.prevalence}
    terms = Terms(options.operating_point, **stated)
    check_terms(terms, card)
    return terms
