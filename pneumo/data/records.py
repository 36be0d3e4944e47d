"""Records: label, subtype, patient and split of each image of a data set."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pneumo.errors import DataError
from pneumo.labels import Label, identify
from pneumo.outgoing import printable

SPLITS = ("train", "val", "test")
SUFFIXES = {".jpeg", ".jpg", ".png", ".dcm"}
_ODD_NAME = "its name has letters that do not print, or bytes that are no UTF-8: rename it"
_CLASS_FOLDERS = {"normal": Label.NORMAL, "healthy": Label.NORMAL, "pneumonia": Label.PNEUMONIA}


@dataclass(frozen=True)
class Record:
    """One image of a data set."""

    path: str  # relative to the data folder, with forward slashes
    label: str  # NORMAL or PNEUMONIA
    subtype: str  # bacterial, viral or none
    patient: str  # series and number, for example "virus-12"; else the file's stem
    split: str  # the official folder it lies in: train, val or test

    @property
    def series(self) -> str:
        """The prefix of the patient: IM, NORMAL2-IM, bacteria or virus."""
        return self.patient.rpartition("-")[0]


def scan(root: Path, splits: Sequence[str] = SPLITS) -> list[Record]:
    """Every image of the set at `root`, in a fixed order: `walk` without the problems.

    Raises DataError when there is no image in the layout.
    """
    records, _ = walk(root, splits)
    return records


def walk(root: Path, splits: Sequence[str] = SPLITS) -> tuple[list[Record], list[str]]:
    """(records, problems, one line each) of a folder or a CSV.

    A folder holds <split>/{NORMAL,PNEUMONIA}/ in any letter case; Healthy counts as NORMAL. A CSV has the columns path,
    label, patient and split, paths relative to it. Raises DataError without either, or without any image.
    """
    root = Path(root)
    if root.is_file() and root.suffix.lower() == ".csv":
        records, problems = _from_csv(root, splits)
    elif root.is_dir():
        records, problems = _from_folders(root, splits)
    else:
        raise DataError(f"No data folder at {root}. Expected a folder holding train/, val/ and test/.")
    if not records:
        raise DataError(f"No images found in {root}. Expected {root}/{splits[0]}/NORMAL/*.jpeg and so on.")
    return records, problems


def folder_of(root: Path) -> Path:
    """The folder of the records' relative paths: the set's, or that of its CSV."""
    return Path(root).parent if Path(root).is_file() else Path(root)


def _from_folders(root: Path, splits: Sequence[str]) -> tuple[list[Record], list[str]]:
    problems = [
        f"{path.name}/: unknown folder; expected {', '.join(splits)}"
        for path in sorted(root.iterdir())
        if path.is_dir() and path.name.lower() not in SPLITS and not path.name.startswith(".") and path.name not in splits
    ]
    records: list[Record] = []
    for split in splits:
        for folder in sorted(_folder(root, split).glob("*")):
            label = _CLASS_FOLDERS.get(folder.name.lower())
            if label is None or not folder.is_dir():
                if not folder.name.startswith("."):
                    problems.append(f"{split}/{folder.name}: neither NORMAL nor PNEUMONIA; left out")
                continue
            before = len(records)
            for path in sorted(folder.iterdir()):
                if path.name.startswith("."):  # ._x.jpeg: macOS side file
                    continue
                place = path.relative_to(root).as_posix()
                if printable(place) != place:
                    problems.append(f"{place}: {_ODD_NAME}; left out")
                elif path.suffix.lower() not in SUFFIXES:
                    problems.append(f"{place}: not named like an image ({', '.join(sorted(SUFFIXES))}); left out")
                elif not path.is_file():
                    problems.append(f"{place}: no file behind the name (a broken link or a folder); left out")
                else:
                    records.append(Record(place, label, *identify(path.stem), split))
            if len(records) == before:
                problems.append(f"{split}/{folder.name}: holds no image")
    return records, problems


def _from_csv(path: Path, splits: Sequence[str]) -> tuple[list[Record], list[str]]:
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            rows = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path.name} cannot be read as a CSV file in UTF-8.") from error
    missing = {"path", "label", "patient", "split"} - set(reader.fieldnames or ())
    if missing:
        raise DataError(f"{path.name} lacks the columns {', '.join(sorted(missing))}.")
    records, problems = [], []
    for number, row in enumerate(rows, start=2):
        label = _CLASS_FOLDERS.get((row["label"] or "").strip().lower())
        split = (row["split"] or "").strip().lower()
        if label is None or split not in SPLITS or not row["path"]:
            problems.append(f"line {number}: expected a path, NORMAL or PNEUMONIA, and one of {', '.join(SPLITS)}; left out")
        elif printable(row["path"]) != row["path"]:
            problems.append(f"{row['path']}: {_ODD_NAME}; left out")
        elif not (path.parent / row["path"]).is_file():
            problems.append(f"{row['path']}: no such file; left out")
        elif split in splits:
            subtype, patient = identify(Path(row["path"]).stem)
            records.append(Record(row["path"], label, subtype, row["patient"] or patient, split))
    return records, problems


def _folder(root: Path, name: str) -> Path:
    """`root`/`name`, or else the same name in other letter case."""
    namesakes = sorted(path for path in root.iterdir() if path.name.lower() == name.lower())
    return root / name if (root / name).is_dir() or not namesakes else namesakes[0]
