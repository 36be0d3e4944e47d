"""`python -m pneumo`: every command of docs/architecture.md. Answers go to standard output, progress to standard error."""

import argparse
import contextlib
import io
import json
import logging
import os
import sys
from pathlib import Path
from typing import Any

from pneumo import cli_external, cli_site_fit, cli_site_test
from pneumo.cli import audit
from pneumo.cli import data as cli_data
from pneumo.cli.dicom import add_dicom
from pneumo.cli.gate import add_gate
from pneumo.cli.lungs import add_lungs
from pneumo.cli.models import add_models
from pneumo.cli.node import add_node
from pneumo.cli.predict import run_predict
from pneumo.cli.protections import add_protections
from pneumo.cli.report import add_report
from pneumo.cli.second_opinion import add_second_opinion
from pneumo.cli.terms import add_terms
from pneumo.data.paths import data_dir
from pneumo.errors import ConfigError, ModelError, PneumoError
from pneumo.installed import ONLY_ANSWERS, can_train
from pneumo.outgoing import printable
from pneumo.registry import models as registry
from pneumo.reporting.model_card import interval, model_card


def main(arguments: list[str] | None = None) -> int:
    """Run one command. Returns 0: done; 1: done in part, or refused for what the files hold; 2: wrong usage."""
    parser = _parser()
    options, extra = parser.parse_known_args(arguments)
    if extra and options.command != "train":
        parser.error(f"unknown arguments: {' '.join(extra)}")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # TensorFlow's greetings
    if isinstance(sys.stdout, io.TextIOWrapper):  # a terminal or a pipe that is not UTF-8 stops no run
        sys.stdout.reconfigure(errors="backslashreplace")
    _log_to_stderr()
    try:
        return int(options.run(options, extra))
    except ConfigError as error:
        print(printable(str(error), keep="\n"), file=sys.stderr)
        return 2
    except ModuleNotFoundError as error:
        if can_train():  # a mistake of ours, not of this installation
            raise
        print(f"{error.name} is not installed. {ONLY_ANSWERS}", file=sys.stderr)
        return 2
    except PneumoError as error:
        print(printable(str(error), keep="\n"), file=sys.stderr)
        return 1


class _Line(logging.Formatter):
    """One line a message, whatever names stand in it."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        return printable(super().formatMessage(record))


def _log_to_stderr() -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Line("%(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m pneumo", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)

    predict = commands.add_parser("predict", help="answer for files, folders or zip archives of X-rays")
    predict.add_argument("paths", nargs="+", metavar="PATH")
    predict.add_argument("--model", help="default: the best model of the registry")
    add_terms(predict)
    predict.add_argument("--format", choices=("table", "json", "csv"), default="table")
    predict.add_argument("--heatmap", type=Path, metavar="DIR", help="also write an overlay PNG for each answer")
    predict.add_argument("--output", type=Path, metavar="FILE", help="write there instead of standard output")
    predict.add_argument("--engine", choices=("local", "ray"), default="local", help="ray: many machines (docs/scale.md)")
    predict.add_argument("--ray-address", metavar="HOST:PORT", help="a Ray cluster's head node; default: a local Ray for this run")
    predict.add_argument("--manifest", type=Path, metavar="FILE", help="note what is finished there, and go on from it")
    predict.set_defaults(run=lambda options, _: run_predict(options))

    add_report(commands)
    add_second_opinion(commands)

    train = commands.add_parser("train", help="train a network; any setting of the config as --name value")
    train.add_argument("architecture")
    train.add_argument("--data", type=Path, required=True)
    train.add_argument("--output", type=Path, required=True, help="the run folder to make")
    train.add_argument("--config", type=Path, help="JSON file of settings; flags go over it")
    train.add_argument("--preset", help='"quick look", standard (default) or thorough; --config and flags go over it')
    train.add_argument("--resume", action="store_true", help="go on with an interrupted run")
    train.set_defaults(run=_train)

    evaluate = commands.add_parser("evaluate", help="predictions and metrics of a model on one split")
    evaluate.add_argument("model")
    evaluate.add_argument("--data", type=Path, default=data_dir())
    evaluate.add_argument("--split", default="test", help="test, validation, or a folder below --data")
    evaluate.add_argument("--output", type=Path, help="folder for the files; default: the model's own")
    evaluate.add_argument("--robustness", action="store_true", help="instead: changed images, hidden lungs, tests of the heatmap")
    evaluate.add_argument("--images", type=int, help="robustness: on so many images, drawn by seed; default: all")
    evaluate.add_argument("--why", default="evaluate command", help="reason for the ledger")
    evaluate.set_defaults(run=_evaluate)

    models = commands.add_parser("models", help="the registry").add_subparsers(dest="action", required=True)
    models.add_parser("list", help="every model with its test AUC").set_defaults(run=_models_list)
    show = models.add_parser("show", help="a model's card")
    show.add_argument("id")
    show.set_defaults(run=_models_show)
    add_models(models)
    again = models.add_parser("reproduce", help="compute every published number anew; exit 1 when one differs")
    again.add_argument("id", nargs="?")
    again.add_argument("--data", type=Path, help="also from the X-rays themselves; the look at test goes into the ledger")
    again.add_argument("--renew", action="store_true", help="write metrics.json anew from the stored predictions, without a look")
    again.set_defaults(run=_models_reproduce)
    promote = models.add_parser("promote", help="make a model of a finished run: export, calibrate, evaluate")
    promote.add_argument("run_folder", type=Path, metavar="RUN")
    promote.add_argument("id")
    promote.add_argument("--data", type=Path, default=data_dir())
    promote.add_argument("--why", default="promotion", help="reason for the ledger of test looks")
    promote.add_argument("--mirrored", action="store_true", help="answer with the mean of an image and its mirror image")
    promote.set_defaults(run=_models_promote)

    data = commands.add_parser("data", help="data sets").add_subparsers(dest="action", required=True)
    download = data.add_parser("download", help="get the public set into DIR; goes on where it was interrupted")
    download.add_argument("dir", type=Path, metavar="DIR")
    download.add_argument("--source", choices=("mendeley", "kaggle"), default="mendeley")
    download.add_argument("--sha256", help="checksum of the archive, when the publisher's listing cannot be had")
    download.set_defaults(run=cli_data.download)
    masks = data.add_parser("masks", help="get V7 Labs' lung masks of the public set into DIR, for training the lung segmenter")
    masks.add_argument("dir", type=Path, metavar="DIR")
    masks.set_defaults(run=cli_data.masks)
    check = data.add_parser("check", help="list what DIR holds and everything wrong with it; exit 1 when something is")
    check.add_argument("dir", type=Path, metavar="DIR")
    check.add_argument("--output", type=Path, help="also write the catalog as CSV")
    check.set_defaults(run=cli_data.check)
    auditing = data.add_parser("audit", help="balance, frame, duplicates, leakage and shortcuts of DIR, as Markdown")
    auditing.add_argument("dir", type=Path, metavar="DIR")
    auditing.add_argument(
        "--masks", type=Path, metavar="FOLDER", help="lungs as people outlined them (data masks), not the segmenter"
    )
    auditing.add_argument("--output", type=Path, metavar="FILE", help="also write everything as JSON")
    auditing.set_defaults(run=cli_data.audit)
    splitting = data.add_parser("split", help="write the patient-disjoint split of DIR as CSV")
    splitting.add_argument("dir", type=Path, metavar="DIR")
    splitting.add_argument("--seed", type=int, default=0)
    splitting.add_argument("--output", type=Path, default=Path("split.csv"))
    splitting.set_defaults(run=cli_data.split)
    phantom = data.add_parser("phantom", help="make a small synthetic set in the usual layout")
    phantom.add_argument("dir", type=Path, metavar="DIR")
    phantom.add_argument("--patients", type=int, default=24, help="for each of normal, bacterial, viral in train")
    phantom.add_argument("--seed", type=int, default=0)
    phantom.set_defaults(run=cli_data.phantom)

    audit.add_audit(commands)
    add_dicom(commands)
    add_node(commands)
    add_gate(commands)
    add_lungs(commands)
    add_protections(commands)
    cli_site_test.add(commands)
    cli_site_fit.add(commands)
    cli_external.add(commands)
    return parser


def _train(options: argparse.Namespace, extra: list[str]) -> int:
    from pneumo.training.config import make_config
    from pneumo.training.presets import STANDARD, preset

    settings = preset(options.preset or STANDARD, options.architecture)
    settings |= _read_config(options.config) if options.config else {}
    config = make_config(options.architecture, {**settings, **setting_pairs(extra)})
    from pneumo.training.fit import train  # loads Keras: not before the settings were found good
    from pneumo.training.interrupt import heed_signals

    heed_signals()  # whoever ends the process politely cancels the run
    try:
        with contextlib.redirect_stdout(sys.stderr):  # where Keras downloads weights, it says so there
            best = train(config, options.data, options.output, options.resume)
    except KeyboardInterrupt:
        print(f"Cancelled. Go on with --resume; {options.output} holds what was trained so far.", file=sys.stderr)
        return 130
    print(best)
    return 0


def _evaluate(options: argparse.Namespace, _: list[str]) -> int:
    from pneumo.inference.predictor import Predictor
    from pneumo.studies.assess import assess

    predictor = Predictor.load(options.model)
    if options.robustness:
        from pneumo.studies.robustness import assess_robustness

        found = assess_robustness(predictor, options.data, options.split, options.output, sample=options.images)
        print(json.dumps(found, indent=2))
        return 0
    summary = assess(predictor, options.data, options.split, options.why, options.output)
    if options.output:  # a model's own folder keeps numbers alone; the Metrics page draws them
        _write_plots(options.output, options.split.replace("/", "-"), predictor.card.points_at(summary["prevalence"]))
    print(json.dumps(summary, indent=2))
    return 0


def _write_plots(folder: Path, split: str, points: dict[str, float]) -> None:
    from pneumo.evaluation.predictions import read_predictions
    from pneumo.reporting.chart_drawing import chart_png
    from pneumo.reporting.metrics_charts import main_charts

    predictions = read_predictions(folder / f"predictions-{split}.csv")
    if len(set(predictions.labels.tolist())) == 2:  # no curve without both classes
        for chart in main_charts(predictions, points):
            (folder / f"{split}-{chart.key}.png").write_bytes(chart_png(chart))


def _models_list(options: argparse.Namespace, _: list[str]) -> int:
    failed = 0
    for model in registry.list_models():
        try:
            test = registry.read_metrics(model).get("test")
        except ModelError as error:
            failed += 1
            print(f"{model}\t{error}")
        else:
            print(f"{model}\t" + (f"test AUC {interval(test['auc'])}" if test else "not evaluated on test"))
    return 1 if failed else 0


def _models_show(options: argparse.Namespace, _: list[str]) -> int:
    print(model_card(options.id))
    return 0


def _models_reproduce(options: argparse.Namespace, _: list[str]) -> int:
    from pneumo.studies.reproduce import renew, reproduce

    failed = 0
    for model in [options.id] if options.id else registry.list_models():
        if options.renew:
            renew(model)
        found = reproduce(model, options.data)
        failed += bool(found)
        print("\n".join(f"{model}\t{line}" for line in found) or f"{model}\tthe same to four digits", flush=True)
    return 1 if failed else 0


def _models_promote(options: argparse.Namespace, _: list[str]) -> int:
    from pneumo.training.promote import promote

    print(promote(options.run_folder, options.id, options.data, options.why, mirrored=options.mirrored))
    return 0


def _read_config(path: Path) -> dict[str, Any]:
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"The configuration {path} cannot be read as JSON.") from error
    if not isinstance(settings, dict):
        raise ConfigError(f"The configuration {path} must be one JSON object of settings.")
    return settings


def setting_pairs(words: list[str]) -> dict[str, str]:
    """["--learning-rate", "1e-4"] -> {"learning-rate": "1e-4"}."""
    pairs: dict[str, str] = {}
    rest = iter(words)
    for word in rest:
        name, equals, value = word.removeprefix("--").partition("=")
        given = value if equals else next(rest, None)
        if not word.startswith("--") or given is None:
            raise ConfigError(f"Expected settings as --name value; received {word!r}.")
        pairs[name] = given
    return pairs
