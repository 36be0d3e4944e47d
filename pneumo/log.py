"""The log as JSON, one object a line on standard error, with nothing of a patient: begun by PNEUMO_LOG=json.

An event is the sentence that stands in the code. What is put into it may come from a file, so only numbers are shown, and of an
exception its class. What a caller knows to be no patient's stands beside it: `log.info(..., extra=known(model=id))`.
"""

import json
import logging
import os
import sys
import threading
import traceback
from datetime import UTC, datetime
from io import TextIOBase
from typing import Any

_LEFT_OUT = "..."
_LIBRARY = "a message of a library; its words are left out"
_TEXT = "a line for a reader; its words are left out"
_OWN = "pneumo"


def known(**fields: str | float) -> dict[str, Any]:
    """`extra` of a log call: fields of the JSON object that come from settings or are words of ours, never from a file."""
    return {"known": fields}


def begin_json_log() -> bool:
    """Whether PNEUMO_LOG asks for JSON: then all that this process logs, warns of or writes to standard error is JSON from here."""
    if os.environ.get("PNEUMO_LOG", "").strip() != "json":
        return False
    if isinstance(sys.stderr, _Unwritten):
        return True
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json())
    logging.raiseExceptions = False  # or a handler that fails prints the message as it is
    for logger in [logging.getLogger(name) for name in logging.root.manager.loggerDict]:
        if logger.handlers:  # a library that writes by a handler of its own
            logger.handlers.clear()
            logger.propagate = True
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.captureWarnings(True)
    sys.excepthook = lambda _, error, __: _uncaught(error)
    threading.excepthook = lambda ended: _uncaught(ended.exc_value)
    sys.stderr = _Unwritten()
    return True


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        own = record.name.partition(".")[0] == _OWN
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "event": _event(record) if own else _LIBRARY,
        }
        if not own:  # where in its code the words stand
            line["source"] = f"{record.filename}:{record.lineno}"
        if record.exc_info and (error := record.exc_info[1]):
            line |= {"error": type(error).__name__, "source": _source(error)}
        return json.dumps(line | getattr(record, "known", {}))


class _Unwritten(TextIOBase):
    """Standard error for whatever does not log: that something was said, not what."""

    def write(self, text: str) -> int:
        if text.strip():
            logging.getLogger(_OWN).info(_TEXT)
        return len(text)

    def writable(self) -> bool:
        return True


def _event(record: logging.LogRecord) -> str:
    arguments = record.args if isinstance(record.args, tuple) else (record.args,)
    try:
        return str(record.msg) % tuple(_shown(each) for each in arguments) if record.args else str(record.msg)
    except (TypeError, ValueError):
        return str(record.msg)


def _shown(value: object) -> object:
    if isinstance(value, int | float):
        return value
    return type(value).__name__ if isinstance(value, BaseException) else _LEFT_OUT


def _source(error: BaseException) -> str:
    """File and line of the code that raised it."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{os.path.basename(frames[-1].filename)}:{frames[-1].lineno}" if frames else ""


def _uncaught(error: BaseException | None) -> None:
    logging.getLogger(_OWN).critical("ended by %s", error, exc_info=error)
