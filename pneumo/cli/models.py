"""`pneumo models`: list, verify and sign the models of the registry, promote a run, and reproduce published numbers."""

import argparse
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from pneumo.cli.commands import Commands, add_command
from pneumo.errors import ConfigError, PneumoError
from pneumo.inference.lung_fields import FOLDER, LungFinder, check_segmenter, lungs_folder
from pneumo.inference.predictor import Predictor
from pneumo.paths import data_dir, models_dir
from pneumo.registry.minisign import SecretKey
from pneumo.registry.model_folder import ModelFolder, list_models
from pneumo.registry.models import SERVED, verified_draft
from pneumo.registry.seal import listed_files, seal_folder
from pneumo.registry.signing_keys import make_site_key, read_key, signing_key
from pneumo.reporting.model_card import card_markdown, write_readme
from pneumo.reporting.numbers import interval

_NO_KEY = "There is no key to sign with: `python -m pneumo models key` makes the site's own. Sealed without a signature:"


def add(commands: Commands) -> None:
    models = commands.add_parser("models", help="the registry").add_subparsers(dest="action", required=True)
    add_command(models, "list", _list, "every model with its test AUC")
    add_command(models, "show", _show, "a model's card").add_argument("id")
    again = add_command(models, "reproduce", _reproduce, "recompute every published number; exit 1 if one differs")
    again.add_argument("id", nargs="?")
    again.add_argument("--data", type=Path, help="also from the X-rays; this look at test is written to the ledger")
    again.add_argument("--renew", action="store_true", help="rewrite metrics.json from the stored predictions")
    promote = add_command(models, "promote", _promote, "turn a finished run into a model: export, calibrate, evaluate")
    promote.add_argument("run_folder", type=Path, metavar="RUN")
    promote.add_argument("id")
    promote.add_argument("--data", type=Path, default=data_dir())
    promote.add_argument("--why", default="promotion", help="reason for the ledger of test looks")
    promote.add_argument("--mirrored", action="store_true", help="answer with the mean of an image and its mirror image")
    verify = add_command(models, "verify", _verify, "check that models can serve, and who signed them; exit 1 if one cannot")
    verify.add_argument("id", nargs="?")
    sign = add_command(models, "sign", _sign, "seal model folders in their current state, and sign them")
    sign.add_argument("id", nargs="?", help="a model, or lungs")
    sign.add_argument("--all", action="store_true", help="every model, and the lung segmenter")
    sign.add_argument("--key", type=Path, metavar="FILE", help="a minisign key without a password; default: the site's own")
    key = add_command(models, "key", _key, "make this site's own key, once; its signatures are then trusted here")
    key.add_argument("--output", type=Path, metavar="FILE", help="default: PNEUMO_SIGNING_KEY, else your own settings folder")


def _each(names: Iterable[str], state: Callable[[str], str]) -> int:
    """Print the state of each, or why it has none; 1 if there is one without, else 0."""
    failed = 0
    for name in names:
        try:
            print(f"{name}\t{state(name)}")
        except PneumoError as error:
            failed = 1
            print(f"{name}\t{error}")
    return failed


def _verify(options: argparse.Namespace) -> int:
    def state(loaded: Predictor | LungFinder) -> str:
        return f"ok\t{loaded.seal.state if loaded.seal else 'unsigned'}"

    names = [options.id] if options.id else list_models()
    failed = _each(names, lambda model: state(Predictor.load(model)))
    if not names:
        print(f"no models in {models_dir()}", file=sys.stderr)
    if not options.id and lungs_folder().is_dir():
        failed |= _each([FOLDER], lambda _: state(LungFinder.load()))
    return 1 if failed or not names else 0


def _sign(options: argparse.Namespace) -> int:
    if bool(options.id) == options.all:
        raise ConfigError("Name one model (or lungs), or say --all.")
    key = read_key(options.key) if options.key else signing_key()
    if key is None:
        print(_NO_KEY, file=sys.stderr)
    lungs = [FOLDER] if (models_dir() / FOLDER).is_dir() else []
    return _each([options.id] if options.id else [*list_models(), *lungs], lambda name: _seal(models_dir() / name, key))


def _seal(folder: Path, key: SecretKey | None) -> str:
    """Seal and sign; the state, and which files changed since the last seal."""
    if folder.name == FOLDER:
        check_segmenter(folder)
    else:
        verified_draft(folder.name, needed=SERVED)
    before, seal = listed_files(folder), seal_folder(folder, key)
    changed = sorted(name for name in {*before, *seal.files} if before.get(name) != seal.files.get(name))
    return f"{seal.state}\t" + (f"changed: {', '.join(changed)}" if changed else "no file changed")


def _key(options: argparse.Namespace) -> None:
    path, public = make_site_key(options.output)
    print(f"key {public.id}: {path}\nKeep it to yourself. Others know its signatures by {path.with_suffix('.pub')}:\n{public.line}")


def _list(options: argparse.Namespace) -> int:
    def auc(model: str) -> str:
        test = ModelFolder.of(model).metrics().get("test")
        return f"test AUC {interval(test['auc'])}" if test else "not evaluated on test"

    return _each(list_models(), auc)


def _show(options: argparse.Namespace) -> None:
    print(card_markdown(options.id))


def _reproduce(options: argparse.Namespace) -> int:
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


def _promote(options: argparse.Namespace) -> None:
    from pneumo.training.promote import promote_run

    print(promote_run(options.run_folder, options.id, options.data, options.why, mirrored=options.mirrored))
