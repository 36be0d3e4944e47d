"""`pneumo`: one module for each command. Answers go to standard output, progress to standard error."""

import argparse
import io
import logging
import os
import sys
from importlib import import_module

from pneumo import __version__
from pneumo.errors import ConfigError, PneumoError
from pneumo.log import begin_json_log
from pneumo.outgoing import printable
from pneumo.versions import ONLY_ANSWERS, can_train

log = logging.getLogger(__name__)
COMMANDS = (  # modules of this package, in the order of the help
    *("predict", "report", "second_opinion", "dicom", "node"),
    *("site_test", "site_fit", "site_model", "monitor", "external_check"),
    *("data", "train", "evaluate", "models", "gate", "cautions", "lungs"),
    *("audit", "protections", "doctor", "health"),
)
_MODULES = [import_module(f"pneumo.cli.{name}") for name in COMMANDS]


def main(arguments: list[str] | None = None) -> int:
    """Run one command. Returns 0: done; 1: done in part, or refused because of the files; 2: wrong usage."""
    _log_to_stderr()
    parser = _parser()
    options, extra = parser.parse_known_args(arguments)
    if extra and options.command != "train":
        parser.error(f"unknown arguments: {' '.join(extra)}")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # silences TensorFlow's start-up messages
    if isinstance(sys.stdout, io.TextIOWrapper):  # so that output not in UTF-8 stops no run
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        options.extra = extra  # settings of `train`
        code = int(options.run(options) or 0)
        sys.stdout.flush()
        return code
    except ConfigError as error:
        _report(error)
        return 2
    except ModuleNotFoundError as error:
        if can_train():  # our bug, not an incomplete installation
            raise
        print(f"{error.name} is not installed. {ONLY_ANSWERS}", file=sys.stderr)
        return 2
    except PneumoError as error:
        _report(error)
        return 1
    except BrokenPipeError:  # the reader, such as `head`, closed the pipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python reports an error when it flushes at exit
        return 0


def _report(error: PneumoError) -> None:
    log.error("ended by %s", error) if begin_json_log() else print(printable(str(error), keep="\n"), file=sys.stderr)


class _Line(logging.Formatter):
    """One line for each message: line ends in file names are escaped."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        return printable(super().formatMessage(record))


def _log_to_stderr() -> None:
    if begin_json_log():
        return
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Line("%(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="pneumo", description=__doc__)
    parser.add_argument("--version", action="version", version=f"pneumo {__version__}")
    commands = parser.add_subparsers(dest="command", required=True)
    for module in _MODULES:
        module.add(commands)
    return parser
