"""`pneumo gate`: measure what a model's gate refuses, or rebuild its reference."""

import argparse
import json
from pathlib import Path

from pneumo.cli.commands import Commands, add_command
from pneumo.inference.predictor import Predictor
from pneumo.paths import data_dir, models_dir
from pneumo.registry.models import read_draft_card
from pneumo.reporting.model_card import write_readme


def add(commands: Commands) -> None:
    gate = add_command(commands, "gate", run, "measure what a model refuses to answer; writes gate.json")
    gate.add_argument("model")
    gate.add_argument("--data", type=Path, default=data_dir())
    gate.add_argument("--split", choices=("test", "validation"), default="test")
    gate.add_argument("--output", type=Path, help="folder for gate.json; default: the model's own")
    gate.add_argument("--refit", action="store_true", help="rebuild the model's reference from its train part instead")


def run(options: argparse.Namespace) -> None:
    if options.refit:
        read_draft_card(options.model)  # reports a wrong name before TensorFlow is loaded
        from pneumo.training.reference import add_reference

        print(add_reference(options.model, options.data, models_dir()))
        return
    from pneumo.studies.gate_measure import measure_gate

    print(json.dumps(measure_gate(Predictor.load(options.model), options.data, options.split, options.output), indent=2))
    if options.output is None:
        write_readme(options.model, models_dir())  # the card shows these figures
