"""What a data set is, in words for a model card."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pneumo.labels import Label

PUBLIC = "Kermany et al., chest X-rays, Mendeley Data 10.17632/rscbjbr9sj version 2, CC BY 4.0"
_PHANTOMS = " synthetic phantoms, no patient"
SYNTHETIC_NOTE = "SYNTHETIC.txt"  # stands in every set of phantoms
# Kermany et al., version 2: images by class in the official folders; train and val form one pool here.
_KERMANY = {
    ("pool", Label.NORMAL): 1349,
    ("pool", Label.PNEUMONIA): 3883,
    ("test", Label.NORMAL): 234,
    ("test", Label.PNEUMONIA): 390,
}


def describe(root: Path, manifest: Sequence[Mapping[str, str]]) -> str:
    """Name the public set when the counts are its own, phantoms when the folder says so, else the counts alone."""
    if (Path(root) / SYNTHETIC_NOTE).is_file():
        return f"{len(manifest)}{_PHANTOMS}"
    counts = Counter(("test" if row["part"] == "test" else "pool", row["label"]) for row in manifest)
    if counts == _KERMANY:
        return PUBLIC
    return f"{len(manifest)} images of the user's own"


@dataclass(frozen=True)
class Origin:
    """How a data set came about, a sentence or two each, as far as its name tells."""

    selection: str
    reference_standard: str
    age_and_sex: str


def origin_of(data: str) -> Origin:
    """Of what `describe` gave."""
    if data == PUBLIC:
        return _KERMANYS
    return _OF_PHANTOMS if data.endswith(_PHANTOMS) else _UNTOLD


# After Kermany et al., Cell 2018;172:1122, methods.
_KERMANYS = Origin(
    "Children of 1 to 5 years X-rayed in routine care at one hospital, Guangzhou Women and Children's Medical Center; taken from "
    "retrospective cohorts, unreadable films left out. How children were chosen within those is not told; three of four are sick: "
    "read it as case-control, not as a series of patients. Their share is no clinic's, and mild or doubtful films may be rarer.",
    "The diagnosis of two expert physicians who graded each film; of the test films a third one checked it. No microbiology, "
    "follow-up or blinding to clinical data is told of.",
    "Every child is 1 to 5 years old; neither the age nor the sex of any one is told.",
)
_OF_PHANTOMS = Origin("Drawn by a program.", "What was drawn.", "Phantoms have neither.")
_UNTOLD = Origin(
    "Not told in this folder. Where sick and healthy children were gathered by class (case-control), their share is no clinic's.",
    "Not told in this folder: the label that each file came with.",
    "Not told in this folder.",
)
