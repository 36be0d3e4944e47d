"""Audit a data set before training: counts, spreads, framing, duplicates, leaks, shortcuts."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, astuple, dataclass, fields
from math import isnan, nan
from pathlib import Path
from typing import Any

from pneumo.data.duplicates import NEAR, Likeness, compare, exact_groups, near_pairs
from pneumo.data.file_facts import QUANTITIES, Spread, Unreadable, spreads, survey
from pneumo.data.frame import MEASURES, FrameAudit, FrameCount, frame_audit, original_size
from pneumo.data.lung_places import LungSource
from pneumo.data.records import Record, folder_of, scan
from pneumo.data.separation import Estimate, Shortcut
from pneumo.data.shortcuts import measure_shortcuts
from pneumo.errors import DataError
from pneumo.labels import LABELS
from pneumo.outgoing import code, markdown, printable

LISTED = 20  # rows of a list in the report; the JSON holds all


@dataclass(frozen=True)
class Count:
    split: str
    label: str
    subtype: str
    images: int
    patients: int


@dataclass(frozen=True)
class Balance:
    """PNEUMONIA images for each NORMAL one; NaN without a NORMAL one."""

    split: str
    ratio: float


@dataclass(frozen=True)
class Audit:
    """See `audit_to_dict` and `audit_from_dict` for JSON."""

    images: int
    patients: int
    counts: tuple[Count, ...]
    balance: tuple[Balance, ...]
    spreads: tuple[Spread, ...]  # of readable images, like all below
    frame: FrameAudit | None  # None without a lung source
    identical: tuple[Likeness, ...]  # groups by SHA-256 of the files
    near: tuple[Likeness, ...]  # pairs above `threshold`, identical ones included
    threshold: float
    patients_in_several_splits: tuple[str, ...]
    unreadable: tuple[Unreadable, ...]
    shortcuts: tuple[Shortcut, ...]


def audit_dataset(root: Path, progress: Callable[[int, int], None] | None = None, lungs: LungSource | None = None) -> Audit:
    """Audit `root`/{train,val,test}; each file is read once; `progress(done, total)` counts files.

    `lungs` is needed for the frame audit. The shortcut test takes about another minute on 5,000 images. Raises DataError like
    `scan`.
    """
    records = scan(root)
    surveyed = survey(folder_of(root), records, progress, lungs)
    by_path = {record.path: record for record in records}
    digest = {record.path: fact.sha256 for record, fact in zip(surveyed.records, surveyed.facts, strict=True)}
    splits = defaultdict(set)
    for record in records:
        splits[record.patient].add(record.split)
    sizes = [original_size(record, fact) for record, fact in zip(surveyed.records, surveyed.facts, strict=True)]
    return Audit(
        images=len(records),
        patients=len(splits),
        counts=_counts(records),
        balance=_balance(records),
        spreads=spreads(surveyed),
        frame=frame_audit(surveyed.records, surveyed.places, sizes, lungs.name) if lungs else None,
        identical=tuple(compare(group, 1.0, by_path, digest) for group in exact_groups(list(digest), list(digest.values()))),
        near=tuple(
            compare((pair.first, pair.second), pair.correlation, by_path, digest)
            for pair in near_pairs(surveyed.thumbnails, list(digest))
        ),
        threshold=NEAR,
        patients_in_several_splits=tuple(sorted(name for name, in_splits in splits.items() if len(in_splits) > 1)),
        unreadable=surveyed.unreadable,
        shortcuts=measure_shortcuts(surveyed),
    )


def _counts(records: Sequence[Record]) -> tuple[Count, ...]:
    images: Counter[tuple[str, str, str]] = Counter()
    patients = defaultdict(set)
    for record in records:
        key = record.split, record.label, record.subtype
        images[key] += 1
        patients[key].add(record.patient)
    return tuple(Count(*key, n, len(patients[key])) for key, n in images.items())


def _balance(records: Sequence[Record]) -> tuple[Balance, ...]:
    images = Counter((record.split, record.label) for record in records)
    counts = ((name, images[name, LABELS[0]], images[name, LABELS[1]]) for name in dict.fromkeys(r.split for r in records))
    return tuple(Balance(name, sick / normal if normal else nan) for name, normal, sick in counts)


def audit_to_dict(audit: Audit) -> dict[str, Any]:
    """`dataclasses.asdict` with NaN as None, for JSON."""
    mapped: dict[str, Any] = _mapped(asdict(audit), lambda value: None if isinstance(value, float) and isnan(value) else value)
    return mapped


def audit_from_dict(values: Mapping[str, Any]) -> Audit:
    """The inverse of `audit_to_dict`. Raises DataError for anything else."""
    values = {
        name: None if name == "frame" and value is None else _mapped(value, lambda leaf: nan if leaf is None else leaf)
        for name, value in values.items()
    }

    def alike(paths: Sequence[str], **rest: Any) -> Likeness:
        return Likeness(tuple(paths), **rest)

    def hint(train: Mapping[str, float], test: Mapping[str, float], **rest: Any) -> Shortcut:
        return Shortcut(train=Estimate(**train), test=Estimate(**test), **rest)

    rows: dict[str, Callable[..., Any] | None] = {
        "counts": Count,
        "balance": Balance,
        "spreads": Spread,
        "identical": alike,
        "near": alike,
        "unreadable": Unreadable,
        "patients_in_several_splits": None,
        "shortcuts": hint,
    }
    in_frame: dict[str, Callable[..., Any] | None] = {"counts": FrameCount, "spreads": Spread, "hints": hint}
    if set(values) != (known := {field.name for field in fields(Audit)}):
        raise DataError(f"This is no stored audit: missing {sorted(known - set(values))}, unknown {sorted(set(values) - known)}.")
    try:
        frame = values["frame"] and FrameAudit(**{**values["frame"], **_rebuilt(values["frame"], in_frame)})
        return Audit(**{**values, **_rebuilt(values, rows), "frame": frame})
    except (TypeError, KeyError) as error:
        raise DataError(f"This is no stored audit: {error}. Run the audit again.") from error


def _rebuilt(values: Mapping[str, Any], rows: Mapping[str, Callable[..., Any] | None]) -> dict[str, tuple[Any, ...]]:
    return {name: tuple(make(**row) if make else row for row in values[name]) for name, make in rows.items()}


def _mapped(value: Any, leaf: Callable[[Any], Any]) -> Any:
    if isinstance(value, Mapping):
        return {name: _mapped(item, leaf) for name, item in value.items()}
    return [_mapped(item, leaf) for item in value] if isinstance(value, list | tuple) else leaf(value)


_REPORT = """{images} images of {patients} patients.

## Images

{counts}

PNEUMONIA images for each NORMAL one: {balance}.
Accuracy hangs on this ratio; sensitivity and specificity do not, so compare splits by these two.

## How the pictures differ

{spreads}

Median (5th to 95th percentile); brightness (mean), contrast (deviation) and sharpness (mean vertical step) in grey levels of 255.
A column that differs between the classes is a hint that a network may take instead of the lungs.

## How the child stands in the frame

{frame}

## Duplicates

{likeness}

Alike means that 32 x 32 thumbnails correlate. A pair across train and test may be one child on both sides, which flatters the
test; a pair across classes is a wrong label or a chance resemblance. Look at the two before you believe either.{odd}

## Leaks and losses

Patients in more than one split, by file name: {shared}. Any number but 0 makes the test figures too good.{shared_list}

Files that cannot be read: {lost}. They are counted in the first table and stand in no other.{lost_list}

## Shortcuts

{shortcuts}

AUC of a linear model: 0.5 is guessing, 1 is certainty; 95 % interval by patient. Train: patients held out in turn. Test: learned on
all of train. What a row without lungs reaches, a network can reach that has learned no medicine.
"""


_NO_FRAME = "No lungs were looked for: there was no lung segmenter. `python -m pneumo models verify` says what is wrong with it."

_FRAME = """{table}

Medians, the lungs by {lungs}; AUC with its 95 % interval by patient, of each number as it is: nothing is fitted but the linear
model of the last row. A row far from 0.5 gives the class away without a pixel of lung; where it says more in train than in test, a
network that leans on it looks better in validation than it is.

{counts}
{notes}"""


def _frame(frame: FrameAudit) -> str:
    """A table of the measures and one of excluded images."""
    groups = [(count.split, count.label) for count in frame.counts]
    medians = {(s.quantity, s.split, s.label): f"{s.median:.3f}" for s in frame.spreads}
    sick = {measure.name: measure.sick for measure in MEASURES}
    return _FRAME.format(
        lungs=frame.lungs,
        table=_table(
            ("seen", "speaks for PNEUMONIA", *map(" ".join, groups), "AUC in train", "AUC in test"),
            [
                (
                    hint.name,
                    sick.get(hint.name, ""),
                    *(medians.get((hint.name, *group), "") for group in groups),
                    _interval(hint.train),
                    _interval(hint.test),
                )
                for hint in frame.hints
            ],
        ),
        counts=_table(
            ("left out", *map(" ".join, groups)),
            [
                ("no plausible lungs", *(f"{count.without_lungs} of {count.images}" for count in frame.counts)),
                (
                    "original size not known, so without the rows that need it",
                    *(f"{count.without_size} of {count.images}" for count in frame.counts),
                ),
            ],
        ),
        notes=_list([f"{hint.name}: {hint.note}" for hint in frame.hints if hint.note]),
    )


def audit_markdown(audit: Audit) -> str:
    """The report as Markdown tables with explanations. Holds file names but no images."""

    def number(value: float) -> str:
        return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"

    ranges = defaultdict(list)
    for s in audit.spreads:
        ranges[s.split, s.label].append(f"{number(s.median)} ({number(s.low)} to {number(s.high)})")
    distinct = [pair for pair in audit.near if not pair.same_bytes]
    groups = (
        ("groups of identical files", audit.identical),
        (f"pairs alike above {audit.threshold:g}", audit.near),
        ("of these pairs, not identical", distinct),
    )
    odd = [match for match in (*audit.identical, *distinct) if not (match.same_split and match.same_label)]
    return _REPORT.format(
        images=audit.images,
        patients=audit.patients,
        shared=len(audit.patients_in_several_splits),
        lost=len(audit.unreadable),
        counts=_table(("split", "class", "kind", "images", "patients"), map(astuple, audit.counts)),
        balance=", ".join(f"{b.split} {b.ratio:.2f}" for b in audit.balance),
        spreads=_table(
            ("split", "class", *(name.replace("size_", "") for name in QUANTITIES)),
            [(*key, *cells) for key, cells in ranges.items()],
        ),
        frame=_frame(audit.frame) if audit.frame else _NO_FRAME,
        likeness=_table(
            ("", "all", "across splits", "across classes", "across patients"),
            [
                (
                    name,
                    len(matches),
                    *(sum(not getattr(match, flag) for match in matches) for flag in ("same_split", "same_label", "same_patient")),
                )
                for name, matches in groups
            ],
        ),
        odd=("\n\nAcross splits or classes:" if odd else "")
        + _list([f"{', '.join(map(code, match.paths))}: {match.correlation:.3f}" for match in odd]),
        shared_list=_list([markdown(printable(name)) for name in audit.patients_in_several_splits]),
        lost_list=_list([f"{code(u.path)}: {markdown(u.reason)}" for u in audit.unreadable]),
        shortcuts=_table(
            ("seen", "that is", "AUC in train", "AUC in test", "note"),
            [(s.name, s.meaning, _interval(s.train), _interval(s.test), s.note) for s in audit.shortcuts],
        ),
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = ["| " + " | ".join(markdown(printable(str(cell))) for cell in line) + " |" for line in (head, *rows)]
    return "\n".join([lines[0], "|" + " --- |" * len(head), *lines[1:]])


def _list(lines: Sequence[str]) -> str:
    more = [f"- and {len(lines) - LISTED} more"] if len(lines) > LISTED else []
    return "".join(f"\n{line}" for line in ["", *(f"- {line}" for line in lines[:LISTED]), *more]) if lines else ""


def _interval(estimate: Estimate) -> str:
    return "undefined" if isnan(estimate.value) else f"{estimate.value:.3f} ({estimate.low:.3f} to {estimate.high:.3f})"
