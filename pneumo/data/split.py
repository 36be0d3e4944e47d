"""Split records into train, validation, calibration and test, disjoint by patient."""

import csv
import io
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pneumo.data.cache import OnProgress, cached_images, quietly
from pneumo.data.duplicates import near_pairs, thumbnails
from pneumo.data.records import Record, folder_of
from pneumo.errors import DataError
from pneumo.files import sha256
from pneumo.labels import Label, Subtype
from pneumo.outgoing import cell

PARTS = ("train", "validation", "calibration", "test", "excluded")  # excluded: near-duplicate of a test image
SPLIT = "split.csv"  # its name in runs and model folders
COLUMNS = ("path", "label", "subtype", "patient", "part")
STRATA = (Label.NORMAL, Subtype.BACTERIAL, Subtype.VIRAL, Label.PNEUMONIA)  # the last: unknown subtype
HELD_OUT = {"validation": 0.10, "calibration": 0.10}  # shares of the images of each stratum


def split_records(records: Sequence[Record], linked: Sequence[Sequence[str]] = (), seed: int = 0) -> dict[str, str]:
    """Assign a part to every path.

    The official test folder stays test. Train and val (only 16 images) form one pool, divided by patient within each stratum
    (normal, bacterial, viral, pneumonia of unknown subtype), so that no patient is in two parts. `linked` holds groups of paths
    to keep together (near-duplicates): their patients are treated as one, in the stratum of the group's first image. Patients
    of a group with a test image are excluded.
    """
    parts = {r.path: "test" for r in records if r.split == "test"}
    pool = [r for r in records if r.split != "test"]
    family = _families(pool, linked)
    patient_of = {r.path: r.patient for r in pool}
    crossing = [group for group in linked if any(path in parts for path in group)]
    beside_test = {family[patient_of[path]] for group in crossing for path in group if path in patient_of}
    parts.update({r.path: "excluded" for r in pool if family[r.patient] in beside_test})
    pool = [r for r in pool if family[r.patient] not in beside_test]
    members: defaultdict[str, list[str]] = defaultdict(list)
    stratum_of: dict[str, str] = {}
    for record in pool:
        name = family[record.patient]
        members[name].append(record.path)
        stratum_of.setdefault(name, record.label if record.subtype == "none" else record.subtype)
    rng = np.random.default_rng(seed)
    for stratum in STRATA:
        names = sorted(name for name in members if stratum_of[name] == stratum)
        total = sum(len(members[name]) for name in names)
        order = iter(rng.permutation(names))
        for part, share in HELD_OUT.items():
            count = 0
            while count < share * total and (patient := next(order, None)) is not None:
                parts.update(dict.fromkeys(members[patient], part))
                count += len(members[patient])
        for name in order:
            parts.update(dict.fromkeys(members[name], "train"))
    return parts


def _families(pool: Sequence[Record], linked: Sequence[Sequence[str]]) -> dict[str, str]:
    """Patient -> representative of its linked patients (union by smallest name)."""
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


def near_duplicates(root: Path, records: Sequence[Record], on_progress: OnProgress = quietly) -> list[list[str]]:
    """Near-duplicate pairs of paths below `root`, identical files included (see data/duplicates.py).

    `on_progress(done, total)` counts images that are decoded. Raises DataError when an image cannot be read.
    """
    paths = [record.path for record in records]
    images = cached_images(folder_of(root), paths, on_progress=on_progress)
    rows = np.concatenate([thumbnails(images[np.arange(i, min(i + 512, len(paths)))]) for i in range(0, len(paths), 512)])
    return [[pair.first, pair.second] for pair in near_pairs(rows, paths)]


def write_manifest(path: Path, records: Sequence[Record], parts: dict[str, str]) -> str:
    """Save the split as CSV (path, label, subtype, patient, part) and return its SHA-256."""
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows((r.path, r.label, r.subtype, cell(r.patient), parts[r.path]) for r in records)
    return sha256(path)


def read_manifest(path: Path) -> list[dict[str, str]]:
    """Rows of a saved split. Raises DataError if the file is not one."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"The split manifest {path} cannot be read: {error.strerror}.") from error
    return parse_manifest(data, str(path))


def parse_manifest(data: bytes, name: str) -> list[dict[str, str]]:
    """Rows of a saved split, from the content of the file `name`. Raises DataError if it is not one."""
    try:
        rows = list(csv.DictReader(io.StringIO(data.decode("utf-8"), newline="")))
    except (UnicodeDecodeError, csv.Error):
        rows = []
    if not rows or set(rows[0]) != set(COLUMNS):
        raise DataError(f"{name} is no split manifest: expected the columns {', '.join(COLUMNS)}.")
    return rows
