"""Audit a data set before training: counts, spreads, framing, duplicates, leaks, shortcuts."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from math import isnan, nan
from pathlib import Path
from typing import Any

from pneumo.data.duplicates import NEAR, Likeness, compare, exact_groups, near_pairs
from pneumo.data.file_facts import Spread, Unreadable, spreads, survey
from pneumo.data.frame import FrameAudit, FrameCount, frame_audit, original_size
from pneumo.data.lung_masks import LungSource
from pneumo.data.records import Record, folder_of, scan
from pneumo.data.separation import Estimate, Shortcut
from pneumo.data.shortcuts import measure_shortcuts
from pneumo.errors import DataError
from pneumo.labels import LABELS


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
    """Audit `root`/{train,val,test}; each file is read once; `progress(done, total)` counts files. Raises DataError like `scan`.

    `lungs` is needed for the frame audit. The shortcut test takes about another minute on 5,000 images.
    """
    records = scan(root)
    surveyed = survey(folder_of(root), records, progress, lungs)
    by_path = {record.path: record for record in records}
    digest = {record.path: fact.sha256 for record, fact in zip(surveyed.records, surveyed.facts, strict=True)}
    splits = defaultdict(set)
    for record in records:
        splits[record.patient].add(record.split)
    sizes = [original_size(record, fact) for record, fact in zip(surveyed.records, surveyed.facts, strict=True)]
    pairs = near_pairs(surveyed.thumbnails, list(digest))
    return Audit(
        images=len(records),
        patients=len(splits),
        counts=_counts(records),
        balance=_balance(records),
        spreads=spreads(surveyed),
        frame=frame_audit(surveyed.records, surveyed.places, sizes, lungs.name) if lungs else None,
        identical=tuple(compare(group, 1.0, by_path, digest) for group in exact_groups(list(digest), list(digest.values()))),
        near=tuple(compare((pair.first, pair.second), pair.correlation, by_path, digest) for pair in pairs),
        threshold=NEAR,
        patients_in_several_splits=tuple(sorted(name for name, in_splits in splits.items() if len(in_splits) > 1)),
        unreadable=surveyed.unreadable,
        shortcuts=measure_shortcuts(surveyed),
    )


def _counts(records: Sequence[Record]) -> tuple[Count, ...]:
    patients = defaultdict(list)
    for record in records:
        patients[record.split, record.label, record.subtype].append(record.patient)
    return tuple(Count(*key, len(names), len(set(names))) for key, names in patients.items())


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

    rows: dict[str, Callable[..., Any]] = {"counts": Count, "balance": Balance, "spreads": Spread, "unreadable": Unreadable}
    rows |= {"identical": alike, "near": alike, "shortcuts": hint}
    if set(values) != (known := {field.name for field in fields(Audit)}):
        raise DataError(f"This is no stored audit: missing {sorted(known - set(values))}, unknown {sorted(set(values) - known)}.")
    try:
        rebuilt = _rebuilt(values, rows) | {"patients_in_several_splits": tuple(values["patients_in_several_splits"])}
        if frame := values["frame"]:
            rebuilt["frame"] = FrameAudit(**_rebuilt(frame, {"counts": FrameCount, "spreads": Spread, "hints": hint}))
        return Audit(**rebuilt)
    except (TypeError, KeyError) as error:
        raise DataError(f"This is no stored audit: {error}. Run the audit again.") from error


def _rebuilt(values: Mapping[str, Any], rows: Mapping[str, Callable[..., Any]]) -> dict[str, Any]:
    return {**values, **{name: tuple(make(**row) for row in values[name]) for name, make in rows.items()}}


def _mapped(value: Any, leaf: Callable[[Any], Any]) -> Any:
    if isinstance(value, Mapping):
        return {name: _mapped(item, leaf) for name, item in value.items()}
    return [_mapped(item, leaf) for item in value] if isinstance(value, list | tuple) else leaf(value)
