"""`pneumo doctor`: whether this machine can answer, train, send and keep a record, and what is missing."""

import argparse
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pneumo.cli.commands import Commands, add_command
from pneumo.errors import ConfigError, PneumoError
from pneumo.inference.lung_checks import load_finder
from pneumo.inference.predictor import Predictor
from pneumo.outgoing import printable
from pneumo.paths import cache_dir, data_dir, models_dir, runs_dir
from pneumo.record.settings import record_url
from pneumo.registry.model_folder import list_models
from pneumo.registry.models import default_model
from pneumo.versions import ONLY_ANSWERS, can_train

_RUN_GB = 2.0  # a training run and its cache need at most this much


@dataclass(frozen=True)
class Check:
    """`passed` is None if nothing was asked for, so nothing can be missing."""

    name: str
    passed: bool | None
    detail: str


def add(commands: Commands) -> None:
    doctor = add_command(commands, "doctor", run, "whether this machine can answer, train, send and keep a record; exit 1 if not")
    doctor.add_argument("--connect", action="store_true", help="also test the archive in PNEUMO_PACS with C-ECHO")


def run(options: argparse.Namespace) -> int:
    """Exit code 1 if something that is switched on does not work, else 0. Opens no connection without --connect."""
    failed = False
    for check in checks(options.connect):
        failed |= check.passed is False
        state = {True: "yes", False: "NO", None: "-"}[check.passed]
        print(f"{check.name}\t{state}\t{printable(check.detail)}", flush=True)
    return 1 if failed else 0


def checks(connect: bool = False) -> Iterator[Check]:
    yield Check("python", sys.version_info >= (3, 11), f"{sys.version.split()[0]}; 3.11 or newer is needed")
    yield _checked("answer", _answer)
    yield _checked("read hostile files safely", _protections)
    yield Check("train", can_train() or None, _training() if can_train() else ONLY_ANSWERS)
    yield _data()
    yield _checked("send", lambda: _send(connect))
    yield _checked("keep a record", _record)


def _checked(name: str, check: Callable[[], tuple[bool | None, str]]) -> Check:
    try:
        return Check(name, *check())
    except (PneumoError, ModuleNotFoundError) as error:
        return Check(name, False, str(error))


def _answer() -> tuple[bool, str]:
    models = list_models()
    if not models:
        return False, f"There is no model in {models_dir()}. Set PNEUMO_MODELS_DIR, or train and promote one."
    for model in models:
        Predictor.load(model)
    load_finder()
    return True, f"{len(models)} models verify: {', '.join(models)}; the default is {default_model()}"


def _protections() -> tuple[bool, str]:
    from pneumo.imaging.decoding.protections import probe_protections

    tried = probe_protections()
    possible = [attempt for attempt, refused in tried.refused.items() if not refused]
    if possible:
        return False, f"A hostile image could {', '.join(possible)}. See SECURITY.md."
    return True, f"{len(tried.refused)} attempts refused, by {', '.join(tried.locks) or 'limits on memory, time and file size'}"


def _training() -> str:
    runs = runs_dir()
    place = next(folder for folder in (runs, *runs.absolute().parents) if folder.is_dir())
    room = shutil.disk_usage(place).free / 1e9
    enough = "" if room >= _RUN_GB else f", less than the {_RUN_GB:.0f} GB that a run may need"
    return f"{os.cpu_count()} processors, {room:.0f} GB free for {runs} and {cache_dir()}{enough}"


def _data() -> Check:
    if not data_dir().is_dir():
        return Check("data set", None, f"None in {data_dir()}: `pneumo data download {data_dir()}` gets the public one.")
    return Check("data set", True, f"{data_dir()}; `pneumo data check {data_dir()}` looks at every file")


def _send(connect: bool) -> tuple[bool | None, str]:
    from pneumo.exchange.settings import SendSettings, objects_asked

    objects = ", ".join(sorted(objects_asked()))
    settings = SendSettings.from_environment()
    archive = settings.archive
    named = [*(["C-STORE to " + archive.host] if archive else []), *(["STOW-RS to " + settings.web.url] if settings.web else [])]
    if not named:
        return None, "No archive is named (PNEUMO_PACS, PNEUMO_STOW_URL): nothing is ever sent."
    words = f"{objects} by {', '.join(named)}" + ("" if settings.tls or not archive else "; not encrypted")
    if not connect:
        return True, f"{words}; not tried: --connect asks"
    if archive is None:
        raise ConfigError("--connect asks by C-ECHO, and PNEUMO_PACS names no archive.")
    from pneumo.exchange import dimse

    dimse.echo(archive, settings)
    return True, f"{words}; {archive.ae_title} answers"


def _record() -> tuple[bool | None, str]:
    if record_url() is None:
        return None, "Switched off (PNEUMO_RECORD is not set): no answer is kept."
    from pneumo.record.store import open_record

    record = open_record()
    assert record is not None
    if not record.is_begun():
        return True, "switched on; no case is kept yet"
    problem = record.verify().problem
    return (False, problem) if problem else (True, "switched on; its log is whole")
