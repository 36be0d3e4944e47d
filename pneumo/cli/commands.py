"""What commands share: how a parser is added, and the options of those that answer for an X-ray."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from pneumo.errors import ConfigError, DataError
from pneumo.evaluation.operating_point import BALANCED
from pneumo.inference.batch import read_files
from pneumo.inference.finding import Finding, Terms, check_terms
from pneumo.inference.lung_checks import load_finder
from pneumo.inference.predictor import Predictor
from pneumo.outgoing import printable
from pneumo.registry.models import default_model
from pneumo.site.profile import by_profile, metrics_beside

if TYPE_CHECKING:
    from pneumo.exchange.results import Selection
    from pneumo.record.store import Record

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
Run: TypeAlias = Callable[[argparse.Namespace], int | None]  # returns the exit code; None: 0


def add_command(commands: Commands, name: str, run: Run, help: str) -> argparse.ArgumentParser:
    """A parser for the command `name`; `run` takes its options."""
    parser = commands.add_parser(name, help=help)
    parser.set_defaults(run=run)
    return parser


def tell(text: str) -> None:
    """One line on standard error: line ends in file names are escaped."""
    print(printable(text), file=sys.stderr)


def add_terms(parser: argparse.ArgumentParser) -> None:
    """--model, --operating-point, --prevalence and --no-site-profile, for every command that shows an answer."""
    parser.add_argument("--model", help="default: the best model of the registry")
    parser.add_argument("--operating-point", default=BALANCED, help="of the label: balanced (default), rule-out or rule-in")
    share = "share of your patients with pneumonia, between 0 and 1; default: PNEUMO_PREVALENCE, else 0.3, a guess"
    parser.add_argument("--prevalence", type=float, metavar="P", help=share)
    own = "use the model's own calibration even if a site profile is in use"
    parser.add_argument("--no-site-profile", dest="site_profile", action="store_false", help=own)


def predictor_and_terms(options: argparse.Namespace) -> tuple[Predictor, Terms]:
    """The named model, else the site's, with the site profile in use unless --no-site-profile is given; and the terms.

    Raises ConfigError if the model does not have the operating point, or the prevalence is out of range.
    """
    predictor = Predictor.load(options.model or default_model())
    predictor = by_profile(predictor) if options.site_profile else predictor
    stated = options.prevalence
    if stated is None and predictor.profile:
        stated = predictor.profile.prevalence
    terms = Terms(options.operating_point, **({} if stated is None else {"prevalence": stated}))
    check_terms(terms, predictor.card)
    return predictor, terms


def answered(file: Path, predictor: Predictor, product: str) -> Finding | None:
    """The finding of the one X-ray at `file`; without an answer None, and standard error says why there is no `product`.

    Raises DataError if `file` is an archive of several X-rays.
    """
    findings = [finding for _, finding in read_files([str(file)], predictor)]
    if len(findings) != 1:
        raise DataError(f"{file} holds {len(findings)} X-rays; expected one. Unpack it and give one file.")
    (finding,) = findings
    if finding.answer is None:
        tell(f"{file}: {finding.status.in_words}, so there is no {product}. {' '.join(finding.reasons)}")
        return None
    return finding


def require_record() -> "Record":
    """Raises ConfigError if none is kept."""
    from pneumo.record.store import open_record  # imports SQLAlchemy

    record = open_record()
    if record is None:
        raise ConfigError("No record is kept: set PNEUMO_RECORD to its database, for example sqlite:///record.sqlite.")
    return record


def add_objects(parser: argparse.ArgumentParser) -> None:
    """--objects: which DICOM objects are made of an image."""
    objects = "report,capture,pdf,seg or some of them; the report is always made. Default: PNEUMO_OBJECTS, else report,capture"
    parser.add_argument("--objects", metavar="LIST", help=objects)


def selection_of(options: argparse.Namespace, predictor: Predictor) -> "Selection":
    """Raises ConfigError for an unknown object, ModelError for a lung segmenter that does not verify."""
    from pneumo.exchange.results import Selection  # loads the DICOM libraries
    from pneumo.exchange.settings import PDF, SEG, objects_asked

    objects = objects_asked(options.objects)
    finder = predictor.finder or load_finder() if SEG in objects else None
    return Selection(objects, finder, metrics_beside(predictor) if PDF in objects else {})
