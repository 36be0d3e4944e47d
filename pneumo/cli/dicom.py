"""`pneumo dicom`: write a structured report and other objects of DICOM X-rays, and send them to an archive if asked."""

import argparse
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pneumo.cli.commands import Commands, add_command, add_objects, add_terms, predictor_and_terms, selection_of, tell
from pneumo.errors import ConfigError, ExchangeError, PneumoError
from pneumo.files import output_stem
from pneumo.imaging.decoding.decode import image_bytes
from pneumo.inference.batch import files_below
from pneumo.inference.finding import read
from pneumo.outgoing import printable

if TYPE_CHECKING:
    from pneumo.exchange.reader import Send


def add(commands: Commands) -> None:
    parser = add_command(commands, "dicom", run, "write a structured report of DICOM X-rays, and a capture, PDF or segmentation")
    parser.add_argument("paths", nargs="+", metavar="FILE", help="DICOM files, or folders of them")
    parser.add_argument("--output", type=Path, required=True, metavar="FOLDER")
    add_terms(parser)
    add_objects(parser)
    parser.add_argument("--send", choices=("stow", "c-store"), help="also send them to PNEUMO_STOW_URL or PNEUMO_PACS")


def run(options: argparse.Namespace) -> int:
    """Exit code 0 if every file has its results and none failed to be sent, else 1."""
    from pneumo.exchange.results import file_bytes, make_results  # loads the DICOM libraries

    send = _sender(options.send) if options.send else None
    predictor, terms = predictor_and_terms(options)
    selection = selection_of(options, predictor)
    options.output.mkdir(parents=True, exist_ok=True)
    failed = 0
    for path in files_below(options.paths):
        try:
            data = image_bytes(path)
            finding = read(data, predictor)
            if not finding.answer:
                raise ExchangeError(" ".join(finding.reasons))
            results = make_results(data, finding, predictor.card, terms, selection)
        except (PneumoError, OSError) as error:
            failed += 1
            tell(f"{path}: {error}")
            continue
        for kind, result in results.named().items():
            target = options.output / f"{output_stem(path, finding.sha256)}-{kind}.dcm"
            target.write_bytes(file_bytes(result))
            print(printable(str(target)))
        for outcome in send(list(results)) if send else ():
            failed += outcome.state == "failed"
            tell(f"{path}: {outcome.kind} {outcome.state}. {outcome.detail}".rstrip())
    return 1 if failed else 0


def _sender(protocol: str) -> "Send":
    """Raises ConfigError if the environment names no archive for the protocol."""
    from pneumo.exchange import dimse, stow
    from pneumo.exchange.settings import SendSettings

    settings = SendSettings.from_environment()
    if protocol == "stow" and settings.web:
        return partial(stow.store, web=settings.web, settings=settings)
    if protocol == "c-store" and settings.archive:
        return partial(dimse.store, archive=settings.archive, settings=settings)
    name = "PNEUMO_STOW_URL" if protocol == "stow" else "PNEUMO_PACS"
    raise ConfigError(f"No archive is set to send to: set {name}. See docs/radiology-it.md.")
