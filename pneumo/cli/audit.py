"""`pneumo audit`: verify, export, back up and purge the record of cases."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pneumo.cli.commands import Commands, add_command, require_record
from pneumo.errors import ConfigError

if TYPE_CHECKING:
    from pneumo.record.chain import Verification


def add(commands: Commands) -> None:
    audit = commands.add_parser("audit", help="the record of cases (PNEUMO_RECORD)").add_subparsers(dest="action", required=True)
    verifying = add_command(audit, "verify", verify, "check the log and every case against it; exit 1 and name the first fault")
    verifying.add_argument("--head", metavar="HASH", help="a head hash noted elsewhere earlier; it must be in the log")
    exporting = add_command(audit, "export", export, "every stored case, newest first")
    exporting.add_argument("--format", choices=("csv", "json"), default="csv")
    logging = add_command(audit, "log", log, "the log, for other systems")
    logging.add_argument("--format", choices=("jsonl", "syslog"), default="jsonl")
    logging.add_argument("--after", type=int, default=0, metavar="SEQUENCE", help="only entries after this one")
    logging.add_argument("--send", metavar="ADDRESS", help="syslog: to a socket's path or HOST:PORT (UDP) of this computer")
    backing = add_command(audit, "backup", backup, "copy the record (SQLite) while Pneumo is running, and verify the copy")
    backing.add_argument("file", type=Path, metavar="FILE", help="a new file")
    purging = add_command(audit, "purge", purge, "delete cases older than PNEUMO_RECORD_DAYS")
    purging.add_argument("--clock-is-right", action="store_true", help="even if the last log entry is long ago; this is logged")


def verify(options: argparse.Namespace) -> int:
    """Returns 0 if the record verifies, 1 if it does not."""
    return _print_verification(require_record().verify(options.head))


def _print_verification(verification: "Verification") -> int:
    print(f"{verification.entries} entries, {verification.cases} cases kept")
    print(f"head {verification.head.hash} (entry {verification.head.sequence})")
    if verification.problem:
        print(f"BROKEN: {verification.problem}")
        return 1
    print("The log is whole, and every case is as it says. Note the head elsewhere: `audit verify --head` holds later logs to it.")
    return 0


def export(options: argparse.Namespace) -> None:
    from pneumo.record.export import as_csv, as_json

    sys.stdout.write({"csv": as_csv, "json": as_json}[options.format](require_record().search()))


def log(options: argparse.Namespace) -> None:
    from pneumo.record.export import as_json_lines, as_syslog, send_syslog

    if options.send and options.format != "syslog":
        raise ConfigError("--send goes with --format syslog.")
    lines = {"jsonl": as_json_lines, "syslog": as_syslog}[options.format](require_record().entries(options.after))
    if options.send:
        print(f"{send_syslog(lines, options.send)} entries sent to {options.send}")
    else:
        sys.stdout.writelines(f"{line}\n" for line in lines)


def backup(options: argparse.Namespace) -> int:
    """Returns 0 if the copy verifies, 1 if it does not; the record is then broken too."""
    from pneumo.record.backup import back_up

    verification = back_up(require_record().database, options.file)
    print(options.file)
    return _print_verification(verification)


def purge(options: argparse.Namespace) -> None:
    record = require_record()
    if record.days is None:
        raise ConfigError("PNEUMO_RECORD_DAYS is not set: cases are kept until somebody deletes them.")
    count = record.purge("command line" if options.clock_is_right else "")
    print(f"{count} cases deleted, older than {record.days} days")
