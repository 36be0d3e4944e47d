"""`pneumo lungs`: train the lung segmenter, and measure it against masks drawn by people."""

import argparse
import contextlib
import json
import sys
from pathlib import Path

from pneumo.cli.commands import Commands, add_command
from pneumo.data.records import scan
from pneumo.data.split import near_duplicates, split_records
from pneumo.files import write_json
from pneumo.inference.lung_fields import DESCRIPTION, LungFinder, lungs_folder, read_description
from pneumo.paths import data_dir
from pneumo.registry.seal import reseal


def add(commands: Commands) -> None:
    lungs = commands.add_parser("lungs", help="the lung segmenter").add_subparsers(dest="action", required=True)
    train = add_command(lungs, "train", _train, "train on train images with masks, and on phantoms")
    train.add_argument("--output", type=Path, required=True, metavar="FOLDER", help="for lungs.onnx and lungs.json")
    train.add_argument("--steps", type=int)
    train.add_argument("--seed", type=int, default=0)
    agreement = "agreement with masks drawn by people, and wrong masks accepted; writes lungs.json"
    measure = add_command(lungs, "measure", _measure, agreement)
    measure.add_argument("--model", type=Path, metavar="FOLDER", help="default: lungs/ of the registry")
    for parser in (train, measure):
        parser.add_argument("--data", type=Path, default=data_dir())
        parser.add_argument("--masks", type=Path, required=True, metavar="FOLDER", help="from: pneumo data masks FOLDER")


def _train(options: argparse.Namespace) -> None:
    from pneumo.data.lung_masks import read_masks
    from pneumo.training.lung_segmenter import LungConfig, train_lungs

    steps = {} if options.steps is None else {"steps": options.steps}
    config = LungConfig(seed=options.seed, **steps)
    with contextlib.redirect_stdout(sys.stderr):
        described = train_lungs(config, options.output, options.data, read_masks(options.masks))
    print(json.dumps(described, indent=2))


def _measure(options: argparse.Namespace) -> None:
    from pneumo.data.lung_masks import read_masks
    from pneumo.studies.lung_agreement import measure_agreement, measure_wrong

    folder = options.model or lungs_folder()
    finder, described, masks = LungFinder.load(folder), read_description(folder), read_masks(options.masks)
    records = scan(options.data)
    parts = split_records(records, near_duplicates(options.data, records), described.get("training", {}).get("seed", 0))
    test = masks.of([record for record in records if parts[record.path] == "test"])
    aside = masks.of([record for record in records if parts[record.path] in ("validation", "calibration")])
    measured = {
        "kept aside": measure_agreement(finder, options.data, aside),
        "test": measure_agreement(finder, options.data, test),
        "wrong fields": measure_wrong(finder, options.data, test),
    }
    write_json(folder / DESCRIPTION, {**described, "measured": measured})
    reseal(folder, (DESCRIPTION,))
    print(json.dumps(measured, indent=2))
