"""`python -m pneumo audit`: is the record whole, what is in it, and what is past its days."""

import argparse
import sys
from typing import TYPE_CHECKING

from pneumo.errors import ConfigError

if TYPE_CHECKING:
    from pneumo.record.store import Record


def add_audit(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """`audit verify|export|purge`, below the parser's other commands."""
    audit = commands.add_parser("audit", help="the record of cases (PNEUMO_RECORD)").add_subparsers(dest="action", required=True)
    verifying = audit.add_parser("verify", help="walk the log, hold the cases to it; exit 1 and name the first thing broken")
    verifying.add_argument("--head", metavar="HASH", help="a head hash printed earlier and noted elsewhere: it must be in the log")
    verifying.set_defaults(run=verify)
    exporting = audit.add_parser("export", help="every case that is kept, the newest first")
    exporting.add_argument("--format", choices=("csv", "json"), default="csv")
    exporting.set_defaults(run=export)
    audit.add_parser("purge", help="delete cases older than PNEUMO_RECORD_DAYS now").set_defaults(run=purge)


def verify(options: argparse.Namespace, _: list[str]) -> int:
    """Returns 0 for a whole record, 1 for a broken one."""
    found = _record().verify(options.head)
    print(f"{found.entries} entries, {found.cases} cases kept")
    print(f"head {found.head.hash} (entry {found.head.sequence})")
    if found.problem:
        print(f"BROKEN: {found.problem}")
        return 1
    print("The log is whole, and every case is as it says. Note the head elsewhere: `audit verify --head` holds later logs to it.")
    return 0


def export(options: argparse.Namespace, _: list[str]) -> int:
    from pneumo.record.export import as_csv, as_json

    sys.stdout.write({"csv": as_csv, "json": as_json}[options.format](_record().search()))
    return 0


def purge(options: argparse.Namespace, _: list[str]) -> int:
    record = _record()
    if record.days is None:
        raise ConfigError("PNEUMO_RECORD_DAYS is not set: cases are kept until somebody deletes them.")
    print(f"{record.purge()} cases deleted, older than {record.days} days")
    return 0


def _record() -> "Record":
    from pneumo.record.store import open_record  # SQLAlchemy: for these commands alone

    record = open_record()
    if record is None:
        raise ConfigError("No record is kept: set PNEUMO_RECORD to its database, for example sqlite:///record.sqlite.")
    return record
