"""A site's own labelled X-rays: a folder with NORMAL/ and PNEUMONIA/, or a CSV. All faults are reported together."""

import csv
import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pneumo.data.records import SUFFIXES
from pneumo.errors import DataError
from pneumo.imaging.decoding.archive import HEAD, is_image, is_zip
from pneumo.labels import LABELS, identify
from pneumo.outgoing import printable

NEEDED, OPTIONAL = ("file", "label", "patient"), ("age", "sex", "device", "view", "half")
HALVES = ("fit", "judge")
_LABELS = {"normal": LABELS[0], "healthy": LABELS[0], "pneumonia": LABELS[1]}
_SEXES = {"f": "F", "female": "F", "m": "M", "male": "M"}
_LISTED = 20  # faults in one message


@dataclass(frozen=True)
class SiteCase:
    """One picture. Unknown values are empty or None."""

    path: str
    name: str  # as in the folder or the CSV
    label: str  # NORMAL or PNEUMONIA
    patient: str
    age: float | None = None  # years
    sex: str = ""  # F or M
    device: str = ""
    view: str = ""  # for example AP or PA
    half: str = ""  # fit or judge, if the site itself divides the children for a local fit

    @property
    def sick(self) -> bool:
        return self.label == LABELS[1]


def read_cases(source: Path) -> tuple[SiteCase, ...]:
    """Raises DataError that lists every fault, or names a missing class: no case is left out silently."""
    if source.is_dir():
        cases, problems = _from_folder(source)
    elif source.is_file() and source.suffix.lower() == ".csv":
        cases, problems = _from_csv(source)
    else:
        raise DataError(f"No cases at {source}. Expected a folder that holds NORMAL/ and PNEUMONIA/, or a CSV file.")
    problems += _twice(cases)
    if problems:
        more = [f"and {len(problems) - _LISTED} more"] if len(problems) > _LISTED else []
        raise DataError("\n".join([f"{source} cannot be used as it is; no case was answered.", *problems[:_LISTED], *more]))
    check_classes(cases, str(source))
    return tuple(cases)


def check_classes(cases: Sequence[SiteCase], source: str) -> None:
    """Raises DataError if a class is missing."""
    if missing := [label for label in LABELS if label not in {case.label for case in cases}]:
        raise DataError(
            f"{source} holds no case of {' and none of '.join(missing)}. Expected both: without healthy and sick children neither "
            "AUC nor the rates of both can be told."
        )


def digest_of(cases: Iterable[SiteCase]) -> str:
    """SHA-256 of names, labels and patients, whatever their order."""
    rows = sorted("\0".join((case.name, case.label, case.patient)) for case in cases)
    return hashlib.sha256("\n".join(rows).encode("utf-8", "surrogatepass")).hexdigest()


def _from_folder(root: Path) -> tuple[list[SiteCase], list[str]]:
    """NORMAL/ (or HEALTHY/) and PNEUMONIA/, in any letter case, in `root` or in its subfolders such as train/ and test/."""
    cases, problems = [], []
    places = [root, *sorted(path for path in root.iterdir() if path.is_dir() and path.name.lower() not in _LABELS)]
    for place in places:
        for folder in sorted(path for path in place.iterdir() if path.is_dir() and path.name.lower() in _LABELS):
            for path in sorted(folder.iterdir()):
                name = path.relative_to(root).as_posix()
                if path.name.startswith("."):
                    continue
                if problem := _unfit(path):
                    problems.append(f"{printable(name)}: {problem}")
                else:
                    cases.append(SiteCase(str(path), name, _LABELS[folder.name.lower()], identify(path.stem)[1]))
    if not cases and not problems:
        raise DataError(f"No X-ray in {root}. Expected {root}/NORMAL/* and {root}/PNEUMONIA/*, or a CSV file instead.")
    return cases, problems


def _from_csv(path: Path) -> tuple[list[SiteCase], list[str]]:
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            rows = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} cannot be read as a CSV file in UTF-8. Export it again.") from error
    columns = list(reader.fieldnames or ())
    if missing := [name for name in NEEDED if name not in columns]:
        raise DataError(
            f"{path} lacks the columns {', '.join(missing)}; expected {', '.join(NEEDED)}, and any of {', '.join(OPTIONAL)}."
        )
    if unknown := sorted(str(name) for name in set(columns) - {*NEEDED, *OPTIONAL}):
        raise DataError(
            f"{path} has the unknown columns {printable(', '.join(unknown))}; expected {', '.join(NEEDED)}, and any of "
            f"{', '.join(OPTIONAL)}. Rename or remove them, so that none is misread."
        )
    read = [_row({name: (row.get(name) or "").strip() for name in (*NEEDED, *OPTIONAL)}, path.parent) for row in rows]
    problems = [f"line {number}: {problem}" for number, problem in enumerate(read, start=2) if isinstance(problem, str)]
    return [case for case in read if isinstance(case, SiteCase)], problems


def _row(row: dict[str, str], folder: Path) -> SiteCase | str:
    """The case of a row, or what is wrong with it."""
    label, age = _LABELS.get(row["label"].lower()), _age(row["age"])
    if label is None:
        return f"the label is {printable(row['label'])!r}; expected NORMAL or PNEUMONIA"
    if not row["patient"]:
        return "no patient; expected a name or number that is the same for all pictures of one child"
    if age is None and row["age"]:
        return f"the age is {printable(row['age'])!r}; expected years, as 3 or 1.5"
    if row["sex"] and row["sex"].lower() not in _SEXES:
        return f"the sex is {printable(row['sex'])!r}; expected F or M"
    if row["half"] and row["half"].lower() not in HALVES:
        return f"the half is {printable(row['half'])!r}; expected fit or judge"
    if not row["file"]:
        return "no file is named"
    path = folder / row["file"]
    if problem := _unfit(path):
        return f"{printable(row['file'])}: {problem}"
    sex, device, view = _SEXES.get(row["sex"].lower(), ""), printable(row["device"]), printable(row["view"].upper())
    return SiteCase(str(path), row["file"], label, row["patient"], age, sex, device, view, row["half"].lower())


def _age(text: str) -> float | None:
    try:
        years = float(text)
    except ValueError:
        return None
    return years if 0 <= years <= 120 else None


def _unfit(path: Path) -> str:
    """Why a path cannot be a case; empty if it can."""
    if not path.is_file():
        return "no such file"
    try:
        with open(path, "rb") as file:
            head = file.read(HEAD)
    except OSError as error:
        return f"it cannot be opened ({error.strerror})"
    if is_zip(head):
        return "an archive; expected one image a line"
    return "" if path.suffix.lower() in SUFFIXES or is_image(path.name, head) else "no image"


def _twice(cases: Sequence[SiteCase]) -> list[str]:
    places = Counter(os.path.realpath(case.path) for case in cases)
    return [f"{printable(path)}: named {count} times; expected once" for path, count in places.items() if count > 1]
