"""`pneumo cautions`: set the thresholds of a model's cautions on held-out images, and measure what they catch."""

import argparse
import json
from pathlib import Path

from pneumo.cli.commands import Commands, add_command
from pneumo.cli.second_opinion import other_voters
from pneumo.inference.predictor import Predictor
from pneumo.paths import data_dir, models_dir
from pneumo.reporting.model_card import write_readme


def add(commands: Commands) -> None:
    cautions = add_command(commands, "cautions", run, "set a model's cautions on held-out images; writes cautions.json")
    cautions.add_argument("model")
    cautions.add_argument("--data", type=Path, default=data_dir())
    cautions.add_argument("--images", type=int, help="number of images of each held-out part, drawn by seed; default: all")
    cautions.add_argument("--output", type=Path, help="folder for cautions.json; default: the model's own")


def run(options: argparse.Namespace) -> None:
    """The other models that vote answer as well: disagreement between models is one of the cautions."""
    from pneumo.studies.caution_measure import measure_cautions

    predictor, others = Predictor.load(options.model), list(other_voters(options.model))
    print(json.dumps(measure_cautions(predictor, others, options.data, options.output, sample=options.images), indent=2))
    if options.output is None:
        write_readme(options.model, models_dir())  # the card shows these figures
