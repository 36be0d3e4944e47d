"""`python -m pneumo lungs`: train the lung segmenter, and measure it against the outlines kept aside."""

import argparse
import contextlib
import json
import sys
from pathlib import Path

from pneumo.data.paths import data_dir
from pneumo.registry import models_dir


def add_lungs(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command and its two actions to the parser's `commands`."""
    lungs = commands.add_parser("lungs", help="the segmenter of lung fields").add_subparsers(dest="action", required=True)
    train = lungs.add_parser("train", help="train it on phantoms and on the images outlined by hand")
    train.add_argument("--data", type=Path, default=data_dir())
    train.add_argument("--output", type=Path, required=True, metavar="FOLDER", help="gets lungs.onnx and lungs.json")
    train.add_argument("--source", default="self", help="phantoms, outlines (and phantoms), or self (default): those, then on")
    train.add_argument("--steps", type=int, default=None, help="of each training")
    train.add_argument("--seed", type=int, default=0)
    train.set_defaults(run=_train)
    measure = lungs.add_parser("measure", help="Dice of the segmenter and of the atlas on the outlines kept aside, as JSON")
    measure.add_argument("--data", type=Path, default=data_dir())
    measure.add_argument("--model", type=Path, default=None, metavar="FOLDER", help="default: lungs/ of the registry")
    measure.set_defaults(run=_measure)


def _train(options: argparse.Namespace, _: list[str]) -> int:
    from pneumo.training.lung_segmenter import LungConfig, train_lungs

    steps = {} if options.steps is None else {"steps": options.steps}
    config = LungConfig(source=options.source, seed=options.seed, **steps)
    with contextlib.redirect_stdout(sys.stderr):
        described = train_lungs(config, options.output, options.data)
    print(json.dumps(described["kept_aside"], indent=2))
    return 0


def _measure(options: argparse.Namespace, _: list[str]) -> int:
    from pneumo.data.outlines import read_outlines
    from pneumo.imaging.lungs import lung_mask
    from pneumo.inference.lung_fields import FOLDER, LungFinder
    from pneumo.inference.lung_measure import measure_finder, measure_masks

    aside = [outline for outline in read_outlines() if outline.kept_aside]
    finder = LungFinder.load(options.model or models_dir() / FOLDER)
    found = {"segmenter": measure_finder(finder, options.data, aside), "atlas": measure_masks(lung_mask, options.data, aside)}
    print(json.dumps(found, indent=2))
    return 0
