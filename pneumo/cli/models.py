"""`pneumo models`: list, verify and sign the models of the registry, promote a run, and reproduce published numbers."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pneumo.cli.commands import Commands
from pneumo.errors import ConfigError, ModelError, PneumoError
from pneumo.paths import data_dir, models_dir
from pneumo.registry.minisign import SecretKey
from pneumo.registry.model_folder import ModelFolder, list_models
from pneumo.registry.models import SERVED, verified_draft
from pneumo.registry.seal import listed_files, seal_folder
from pneumo.registry.signing_keys import make_site_key, read_key, signing_key
from pneumo.reporting.model_card import card_markdown
from pneumo.reporting.numbers import interval

if TYPE_CHECKING:
    from pneumo.inference.lung_fields import LungFinder
    from pneumo.inference.predictor import Predictor

_NO_KEY = "There is no key to sign with: `python -m pneumo models key` makes the site's own. Sealed without a signature:"


def add(commands: Commands) -> None:
    models = commands.add_parser("models", help="the registry").add_subparsers(dest="action", required=True)
    models.add_parser("list", help="every model with its test AUC").set_defaults(run=_list)
    show = models.add_parser("show", help="a model's card")
    show.add_argument("id")
    show.set_defaults(run=_show)
    again = models.add_parser("reproduce", help="recompute every published number; exit 1 if one differs")
    again.add_argument("id", nargs="?")
    again.add_argument("--data", type=Path, help="also from the X-rays; this look at test is written to the ledger")
    again.add_argument("--renew", action="store_true", help="rewrite metrics.json from the stored predictions")
    again.set_defaults(run=_reproduce)
    promote = models.add_parser("promote", help="turn a finished run into a model: export, calibrate, evaluate")
    promote.add_argument("run_folder", type=Path, metavar="RUN")
    promote.add_argument("id")
    promote.add_argument("--data", type=Path, default=data_dir())
    promote.add_argument("--why", default="promotion", help="reason for the ledger of test looks")
    promote.add_argument("--mirrored", action="store_true", help="answer with the mean of an image and its mirror image")
    promote.set_defaults(run=_promote)
    verify = models.add_parser("verify", help="check that models can serve, and who signed them; exit 1 if one cannot")
    verify.add_argument("id", nargs="?")
    verify.set_defaults(run=_verify)
    sign = models.add_parser("sign", help="seal model folders in their current state, and sign them")
    sign.add_argument("id", nargs="?", help="a model, or lungs")
    sign.add_argument("--all", action="store_true", help="every model, and the lung segmenter")
    sign.add_argument("--key", type=Path, metavar="FILE", help="a minisign key without a password; default: the site's own")
    sign.set_defaults(run=_sign)
    key = models.add_parser("key", help="make this site's own key, once; its signatures are then trusted here")
    key.add_argument("--output", type=Path, metavar="FILE", help="default: PNEUMO_SIGNING_KEY, else your own settings folder")
    key.set_defaults(run=_key)


def _verify(options: argparse.Namespace) -> int:
    from pneumo.inference.lung_checks import load_finder
    from pneumo.inference.predictor import Predictor

    failed = 0
    names = [options.id] if options.id else list_models()
    for model in names:
        try:
            print(f"{model}\tok\t{_state(Predictor.load(model))}")
        except PneumoError as error:
            failed += 1
            print(f"{model}\t{error}")
    if not names:
        print(f"no models in {models_dir()}", file=sys.stderr)
    try:
        if not options.id and (finder := load_finder()):
            print(f"lungs\tok\t{_state(finder)}")
    except PneumoError as error:
        failed += 1
        print(f"lungs\t{error}")
    return 1 if failed or not names else 0


def _state(loaded: "Predictor | LungFinder") -> str:
    return loaded.seal.state if loaded.seal else "unsigned"


def _sign(options: argparse.Namespace) -> int:
    from pneumo.inference.lung_fields import FOLDER, check_segmenter

    if bool(options.id) == options.all:
        raise ConfigError("Name one model (or lungs), or say --all.")
    key = read_key(options.key) if options.key else signing_key()
    if key is None:
        print(_NO_KEY, file=sys.stderr)
    lungs = [FOLDER] if (models_dir() / FOLDER).is_dir() else []
    failed = 0
    for name in [options.id] if options.id else [*list_models(), *lungs]:
        try:
            if name == FOLDER:
                check_segmenter(models_dir() / FOLDER)
            else:
                verified_draft(name, needed=SERVED)
            _seal(models_dir() / name, key)
        except ModelError as error:
            failed += 1
            print(f"{name}\t{error}")
    return 1 if failed else 0


def _seal(folder: Path, key: SecretKey | None) -> None:
    """Seal and sign, and print which files changed since the last seal."""
    before, seal = listed_files(folder), seal_folder(folder, key)
    changed = sorted(name for name in {*before, *seal.files} if before.get(name) != seal.files.get(name))
    difference = f"changed: {', '.join(changed)}" if changed else "no file changed"
    print(f"{folder.name}\t{seal.state}\t{difference}")


def _key(options: argparse.Namespace) -> int:
    path, public = make_site_key(options.output)
    print(f"key {public.id}: {path}\nKeep it to yourself. Others know its signatures by {path.with_suffix('.pub')}:\n{public.line}")
    return 0


def _list(options: argparse.Namespace) -> int:
    failed = 0
    for model in list_models():
        try:
            test = ModelFolder.of(model).metrics().get("test")
        except ModelError as error:
            failed += 1
            print(f"{model}\t{error}")
        else:
            print(f"{model}\t" + (f"test AUC {interval(test['auc'])}" if test else "not evaluated on test"))
    return 1 if failed else 0


def _show(options: argparse.Namespace) -> int:
    print(card_markdown(options.id))
    return 0


def _reproduce(options: argparse.Namespace) -> int:
    from pneumo.reporting.model_card import write_readme
    from pneumo.studies.reproduce import renew, reproduce_metrics

    failed = 0
    for model in [options.id] if options.id else list_models():
        if options.renew:
            renew(model)
            write_readme(model, models_dir())
        differences = reproduce_metrics(model, options.data)
        failed += bool(differences)
        print("\n".join(f"{model}\t{line}" for line in differences) or f"{model}\tthe same to four digits", flush=True)
    return 1 if failed else 0


def _promote(options: argparse.Namespace) -> int:
    from pneumo.training.promote import promote_run

    print(promote_run(options.run_folder, options.id, options.data, options.why, mirrored=options.mirrored))
    return 0
