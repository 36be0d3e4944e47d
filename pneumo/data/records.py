"""A folder in the usual layout -> records: one row of facts for each image."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pneumo.errors import DataError

LABELS = ("NORMAL", "PNEUMONIA")
SUFFIXES = {".jpeg", ".jpg", ".png", ".dcm"}
_CLASS_FOLDERS = {"normal": "NORMAL", "healthy": "NORMAL", "pneumonia": "PNEUMONIA"}
# personN_bacteria_K, personN_virus_K: bacterial and viral cases are numbered apart, so kind and number make the patient.
_PNEUMONIA_NAME = re.compile(r"person(?P<number>\d+)_(?P<kind>bacteria|virus)_\d+(?:_\d+)?", re.IGNORECASE)
_NORMAL_NAME = re.compile(r"(?P<series>NORMAL2-IM|IM)-(?P<number>\d+)-\d+(?:-\d+)?", re.IGNORECASE)
_SUBTYPE = {"bacteria": "bacterial", "virus": "viral"}


@dataclass(frozen=True)
class Record:
    """One image of a data set."""

    path: str  # relative to the data folder, with forward slashes
    label: str  # NORMAL or PNEUMONIA
    subtype: str  # bacterial, viral or none
    patient: str  # series and number, for example "virus-12"; the file's stem where the name says nothing
    split: str  # the official folder it lies in: train, val or test


def scan(root: Path, splits: Sequence[str] = ("train", "val", "test")) -> list[Record]:
    """List every image below `root`/<split>/{NORMAL,PNEUMONIA} (in any letter case), in a fixed order.

    Raises DataError when the folder is missing or holds no image in that layout.
    """
    root = Path(root)
    if not root.is_dir():
        raise DataError(f"No data folder at {root}. Expected a folder holding train/, val/ and test/.")
    records = []
    for split in splits:
        for folder in sorted(_folder(root, split).glob("*")):
            label = _CLASS_FOLDERS.get(folder.name.lower())
            if label is None or not folder.is_dir():
                continue
            for path in sorted(folder.iterdir()):
                if path.suffix.lower() in SUFFIXES and not path.name.startswith("."):  # ._x.jpeg: a Mac's side file
                    subtype, patient = identify(path.stem)
                    records.append(Record(path.relative_to(root).as_posix(), label, subtype, patient, split))
    if not records:
        raise DataError(f"No images found in {root}. Expected {root}/{splits[0]}/NORMAL/*.jpeg and so on.")
    return records


def _folder(root: Path, name: str) -> Path:
    """`root`/`name`, or where that is missing its namesake in other letter case."""
    namesakes = sorted(path for path in root.iterdir() if path.name.lower() == name.lower())
    return root / name if (root / name).is_dir() or not namesakes else namesakes[0]


def identify(stem: str) -> tuple[str, str]:
    """A file's stem -> (subtype, patient) after the naming of the Kermany set.

    >>> identify("person12_virus_30")
    ('viral', 'virus-12')
    >>> identify("NORMAL2-IM-0123-0001")
    ('none', 'NORMAL2-IM-0123')
    """
    if found := _PNEUMONIA_NAME.fullmatch(stem):
        kind = found["kind"].lower()
        return _SUBTYPE[kind], f"{kind}-{int(found['number'])}"
    if found := _NORMAL_NAME.fullmatch(stem):
        return "none", f"{found['series'].upper()}-{found['number']}"
    return "none", stem
