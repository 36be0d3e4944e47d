"""Records -> which part each image belongs to: train, validation, calibration or test; patient-disjoint and saved."""

import csv
import hashlib
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pneumo.data.records import Record
from pneumo.errors import DataError

PARTS = ("train", "validation", "calibration", "test")
COLUMNS = ("path", "label", "subtype", "patient", "part")
STRATA = ("NORMAL", "bacterial", "viral", "PNEUMONIA")  # the last: of unknown kind
HELD_OUT = {"validation": 0.10, "calibration": 0.10}  # shares of the images of each stratum


def split(records: Sequence[Record], linked: Sequence[Sequence[str]] = (), seed: int = 0) -> dict[str, str]:
    """Assign a part to every path.

    The official test folder stays test. Train and val (16 images, too few to choose by) form one pool, divided by
    patient within each stratum (normal, bacterial, viral, pneumonia of unknown kind), so that no patient is in two parts.
    `linked` names groups of paths that must stay together besides (duplicates): their patients are treated as one, in the
    stratum of the group's first image. Where such a group reaches into the test folder, all of it counts as test: the
    twin of a test image is not learned from.
    """
    parts = {r.path: "test" for r in records if r.split == "test"}
    pool = [r for r in records if r.split != "test"]
    family = _families(pool, linked)
    patient_of = {r.path: r.patient for r in pool}
    twins = {family[patient_of[path]] for group in linked if any(p in parts for p in group) for path in group if path in patient_of}
    parts.update({r.path: "test" for r in pool if family[r.patient] in twins})
    members, stratum_of = defaultdict(list), {}
    for record in pool:
        name = family[record.patient]
        members[name].append(record.path)
        stratum_of.setdefault(name, record.label if record.subtype == "none" else record.subtype)
    rng = np.random.default_rng(seed)
    for stratum in STRATA:
        names = sorted(name for name in members.keys() - twins if stratum_of[name] == stratum)
        total = sum(len(members[name]) for name in names)
        order = iter(rng.permutation(names))
        for part, share in HELD_OUT.items():
            taken = 0
            while taken < share * total and (name := next(order, None)) is not None:
                parts.update(dict.fromkeys(members[name], part))
                taken += len(members[name])
        for name in order:
            parts.update(dict.fromkeys(members[name], "train"))
    return parts


def _families(pool: Sequence[Record], linked: Sequence[Sequence[str]]) -> dict[str, str]:
    """Patient -> the patient that stands for all those linked to it (union by smallest name)."""
    parent = {r.patient: r.patient for r in pool}
    patient_of = {r.path: r.patient for r in pool}

    def root(name: str) -> str:
        while parent[name] != name:
            name = parent[name]
        return name

    for group in linked:
        roots = {root(patient_of[path]) for path in group if path in patient_of}
        for name in roots:
            parent[name] = min(roots)
    return {name: root(name) for name in parent}


def identical_files(root: Path, records: Sequence[Record]) -> list[list[str]]:
    """Groups of paths whose bytes are the same, by SHA-256."""
    groups = defaultdict(list)
    for record in records:
        groups[hashlib.sha256((Path(root) / record.path).read_bytes()).hexdigest()].append(record.path)
    return [paths for paths in groups.values() if len(paths) > 1]


def write_manifest(path: Path, records: Sequence[Record], parts: dict[str, str]) -> str:
    """Save the split as CSV (path, label, subtype, patient, part) and return its SHA-256."""
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows((r.path, r.label, r.subtype, r.patient, parts[r.path]) for r in records)
    return manifest_hash(path)


def manifest_hash(path: Path) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def read_manifest(path: Path) -> list[dict[str, str]]:
    """Rows of a saved split. Raises DataError when the file is not one."""
    try:
        with open(path, newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except OSError as error:
        raise DataError(f"The split manifest {path} cannot be read: {error.strerror}.") from error
    if not rows or set(rows[0]) != set(COLUMNS):
        raise DataError(f"{path} is no split manifest: expected the columns {', '.join(COLUMNS)}.")
    return rows
