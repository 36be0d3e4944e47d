"""Exports: cases as CSV and JSON, without internal fields (session, salt); the log as JSON lines and syslog (RFC 5424)."""

import csv
import io
import json
import re
import socket
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path

from pneumo.access import is_loopback
from pneumo.errors import ConfigError, RecordError
from pneumo.outgoing import cell, json_text
from pneumo.record.case import EXPORTED, RecordedCase
from pneumo.record.chain import Entry

_PRIORITY = 13 * 8 + 5  # facility "log audit", severity "notice"
_ID = "pneumo@32473"  # 32473: the enterprise number for examples (RFC 5612)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def as_json(cases: Iterable[RecordedCase]) -> str:
    """A JSON list of objects."""
    return json_text([{name: getattr(case, name) for name in EXPORTED} for case in cases], indent=2) + "\n"


def as_csv(cases: Iterable[RecordedCase]) -> str:
    """One row per case; warnings as `listed`; notes keep their line ends."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(EXPORTED)
    for case in cases:
        writer.writerow(cell(getattr(case, name), keep="\n" if name == "note" else "") for name in EXPORTED)
    return stream.getvalue()


def as_json_lines(entries: Iterable[Entry]) -> Iterator[str]:
    """One JSON object per entry, with all its fields: the chain can be verified from them."""
    return (json.dumps(asdict(entry), ensure_ascii=True, default=str) for entry in entries)


def as_syslog(entries: Iterable[Entry], host: str | None = None) -> Iterator[str]:
    """One message per entry, with all its fields as structured data. `host`: default: this computer's name."""
    name = _printable(host or socket.gethostname(), 255)
    for entry in entries:
        moment = entry.time if _MOMENT.fullmatch(str(entry.time)) else "-"
        parameters = " ".join(f'{key}="{_escaped(str(value))}"' for key, value in asdict(entry).items())
        message = f"entry {entry.sequence}: {_printable(entry.action, 32)}"
        yield f"<{_PRIORITY}>1 {moment} {name} pneumo - {_printable(entry.action, 32)} [{_ID} {parameters}] {message}"


def send_syslog(lines: Iterable[str], address: str) -> int:
    """Send to `address`, a socket's path or HOST:PORT (UDP) of this computer; returns the number of lines.

    Raises ConfigError for any other address, RecordError if nothing listens.
    """
    family, target = _target(address)
    count = 0
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as sender:
            sender.connect(target)
            for line in lines:
                sender.send(line.encode())
                count += 1
    except OSError as error:
        raise RecordError(
            f"The log could not be sent to {address} ({error.strerror or error}), after {count} entries. Is a syslog there?"
        ) from error
    return count


def _target(address: str) -> tuple[int, str | tuple[str, int]]:
    if "/" in address:
        return socket.AF_UNIX, str(Path(address))
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    if not (host and port.isascii() and port.isdigit() and 0 < int(port) < 65536 and is_loopback(host)):
        raise ConfigError(
            f"Expected a socket's path, as /dev/log, or an address of this computer, as 127.0.0.1:514; received {address!r}. "
            "Let the syslog of this computer send the entries on."
        )
    return (socket.AF_INET6 if ":" in host else socket.AF_INET), (host, int(port))


def _printable(text: object, longest: int) -> str:
    """A header field: printable ASCII without spaces."""
    return "".join(letter for letter in str(text) if "!" <= letter <= "~")[:longest] or "-"


def _escaped(text: str) -> str:
    """A parameter's value, with unprintable characters replaced by question marks."""
    return re.sub(r'(["\\\]])', r"\\\1", "".join(letter if letter.isprintable() else "?" for letter in text))
