"""`pneumo cautions`: set the thresholds of a model's cautions on held-out images, and measure what they catch."""

import argparse
import json
import sys
from pathlib import Path

from pneumo.cli.commands import Commands
from pneumo.errors import ModelError
from pneumo.outgoing import printable
from pneumo.paths import data_dir, models_dir


def add(commands: Commands) -> None:
    cautions = commands.add_parser("cautions", help="set a model's cautions on held-out images; writes cautions.json")
    cautions.add_argument("model")
    cautions.add_argument("--data", type=Path, default=data_dir())
    cautions.add_argument("--images", type=int, help="number of images of each held-out part, drawn by seed; default: all")
    cautions.add_argument("--output", type=Path, help="folder for cautions.json; default: the model's own")
    cautions.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """The other models that vote answer as well: disagreement between models is one of the cautions."""
    from pneumo.inference.predictor import Predictor
    from pneumo.registry.voting import voters
    from pneumo.reporting.model_card import write_readme
    from pneumo.studies.caution_measure import measure_cautions

    predictor, others = Predictor.load(options.model), []
    for model in voters().others(options.model):
        try:
            others.append(Predictor.load(model))
        except ModelError as error:
            print(printable(f"Not asked: {error}"), file=sys.stderr)
    print(json.dumps(measure_cautions(predictor, others, options.data, options.output, sample=options.images), indent=2))
    if options.output is None:
        write_readme(options.model, models_dir())  # the card shows these figures
    return 0
