"""`pneumo external-check nih-children DIR`: test a model on images of children from another hospital."""

import argparse
import json
from pathlib import Path

from pneumo.cli.commands import Commands, add_command, tell
from pneumo.cli.site_test import tell_progress
from pneumo.files import write_json
from pneumo.inference.predictor import Predictor
from pneumo.outgoing import json_text
from pneumo.registry.models import default_model
from pneumo.site.answers import answer_cases


def add(commands: Commands) -> None:
    checks = commands.add_parser("external-check", help="test a model on images of children from another hospital")
    which = checks.add_subparsers(dest="set", required=True)
    about = "NIH ChestX-ray14: 694 images of children up to 6 years, labels text-mined"
    nih = add_command(which, "nih-children", _nih, about)
    nih.add_argument("dir", type=Path, metavar="DIR", help="holds the images at any depth, named like 00002180_000.png")
    nih.add_argument("--model", help="default: the site's model")
    nih.add_argument("--output", type=Path, metavar="FILE", help="also write the JSON to this file")


def _nih(options: argparse.Namespace) -> int:
    """Exit code 0 if every image got an answer or a refusal, 1 if one could not be read."""
    from pneumo.site.external import external_cases, external_result

    both, other, missing = external_cases(options.dir)
    predictor = Predictor.load(options.model or default_model())
    answers = answer_cases([*both, *other], predictor, tell_progress)
    result = external_result(answers[: len(both)], answers[len(both) :], missing, predictor.card)
    for each in result["unanswered"]:
        tell(f"{each['file']}: {each['status']}. {'; '.join(each['reasons'])}")
    if missing:
        tell(f"{missing} images of the table are not in {options.dir}; the figures are of the others.")
    if options.output:
        write_json(options.output, json.loads(json_text(result)))
    print(json_text(result, indent=2))
    return 1 if any(each["status"] == "error" for each in result["unanswered"]) else 0
