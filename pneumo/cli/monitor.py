"""`pneumo monitor`: the model in use by the record, week by week, and what changed since the site's first weeks."""

import argparse
import csv
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pneumo.cli.commands import Commands, add_command, require_record
from pneumo.cli.site_test import account
from pneumo.errors import DataError
from pneumo.evaluation.wilson import Share
from pneumo.files import sha256
from pneumo.labels import LABELS
from pneumo.outgoing import printable
from pneumo.registry.models import default_model, read_card
from pneumo.reporting.numbers import interval

if TYPE_CHECKING:
    from pneumo.record.store import Record
    from pneumo.site.watch import Watch


def add(commands: Commands) -> None:
    about = "the model in use, by the record: weeks, drift, agreement, reference standard"
    monitor = add_command(commands, "monitor", run, about)
    monitor.add_argument("--model", help="default: the site's model")
    monitor.add_argument("--format", choices=("text", "json"), default="text")
    monitor.add_argument("--references", type=Path, metavar="CSV", help="first enter reference labels: file (or sha256),label")


def run(options: argparse.Namespace) -> int:
    """Exit code 0: no alarm; 1: an alarm, or a reference label of an X-ray that is not in the record."""
    from pneumo.site.watch import watch_model

    record = require_record()
    missed = enter_references(record, options.references) if options.references else 0
    card = read_card(options.model or default_model())
    watch = watch_model(record.search(), record.refused(), card.id, card.sha256)
    print(json.dumps(as_json(watch), indent=2) if options.format == "json" else as_text(watch))
    return 1 if watch.alarms or missed else 0


def enter_references(record: "Record", path: Path) -> int:
    """Write the reference label of each X-ray into its cases; returns how many X-rays have no case. Raises DataError."""
    references = _references(path)
    cases = [case for case in record.search() if case.file_sha256 in references]
    for case in cases:
        record.change(case.id, account(), reference=references[case.file_sha256])
    missed = len(references.keys() - {case.file_sha256 for case in cases})
    print(f"{len(references) - missed} references entered; {missed} X-rays are not in the record")
    return missed


def _references(path: Path) -> dict[str, str]:
    """SHA-256 -> NORMAL or PNEUMONIA. Raises DataError that names the first bad line; nothing is entered then."""
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} cannot be read as a CSV file in UTF-8. Nothing was entered.") from error
    references: dict[str, str] = {}
    for number, row in enumerate(rows, start=2):
        label, name, digest = ((row.get(key) or "").strip() for key in ("label", "file", "sha256"))
        if label.upper() not in LABELS or not (name or digest):
            raise DataError(
                f"{path}, line {number}: expected file (or sha256) and label, NORMAL or PNEUMONIA. Nothing was entered."
            )
        try:
            digest = digest.lower() or sha256(path.parent / name)
        except OSError as error:
            raise DataError(f"{path}, line {number}: {printable(name)} cannot be read. Nothing was entered.") from error
        if references.setdefault(digest, label.upper()) != label.upper():
            raise DataError(f"{path}, line {number}: the same X-ray is called both NORMAL and PNEUMONIA. Nothing was entered.")
    return references


def as_json(watch: "Watch") -> dict[str, Any]:
    def figure(share: Share) -> dict[str, float | None]:
        return {**share.figure, "of": share.of}

    return {
        **asdict(watch),
        "weeks": [{**asdict(week), "monday": f"{week.monday}", "agreed": figure(week.agreed)} for week in watch.weeks],
        "alarms": [
            {**asdict(each), "since": each.since.isoformat(), "seen": each.seen.isoformat(), "sentence": each.sentence}
            for each in watch.alarms
        ],
        **{name: figure(getattr(watch, name)) for name in ("sensitivity", "specificity", "not_missed")},
        "agreement": {name: figure(share) for name, share in watch.agreement.items()},
    }


def as_text(watch: "Watch") -> str:
    titles = f"{'answers':>8}{'NORMAL':>8}{'open':>6}{'PNEUM.':>8}{'refused':>9}{'not read':>10}{'warned':>8}{'agreed':>12}"
    lines = [f"{watch.model}: {watch.cases} cases", f"{'week of':<12}{titles}"]
    for week in watch.weeks:
        normal, still_open, sick = week.verdicts.values()
        agreed = f"{week.agreed.count} of {week.agreed.of}" if week.agreed.of else "-"
        lines.append(
            f"{week.monday!s:<12}{week.answers:>8}{normal:>8}{still_open:>6}{sick:>8}{week.refused:>9}{week.unread:>10}"
            f"{week.warned:>8}{agreed:>12}"
        )
    for name, share in (
        ("agreement", watch.agreement["all"]),
        ("sensitivity", watch.sensitivity),
        ("specificity", watch.specificity),
        ("sick whose verdict was not NORMAL", watch.not_missed),
    ):
        figure = f"{interval(share.figure, 2)}, {share.count} of {share.of}"
        lines.append(f"{name}: {figure if share.of else 'nothing entered yet'}")
    lines.append(watch.note or f"Watched against the first {watch.first_cases} cases: {', '.join(watch.charts)}")
    lines += [f"ALARM: {alarm.sentence} {alarm.why}" for alarm in watch.alarms]
    if not watch.note and not watch.alarms:
        lines.append("No alarm.")
    return "\n".join(lines)
