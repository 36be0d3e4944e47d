"""Origin of a data set, from the description by `catalog.describe`."""

from dataclasses import dataclass

PUBLIC = "Kermany et al., chest X-rays, Mendeley Data 10.17632/rscbjbr9sj version 2, CC BY 4.0"
PHANTOMS = " synthetic phantoms, no patient"


@dataclass(frozen=True)
class Origin:
    """Selection and reference standard of a data set, in sentences."""

    selection: str
    reference_standard: str
    age_and_sex: str


def origin_of(data: str) -> Origin:
    """The origin for a description by `catalog.describe`."""
    if data == PUBLIC:
        return _PUBLIC_ORIGIN
    return _PHANTOM_ORIGIN if data.endswith(PHANTOMS) else _UNKNOWN_ORIGIN


# After Kermany et al., Cell 2018;172:1122, methods.
_PUBLIC_ORIGIN = Origin(
    "Children of 1 to 5 years X-rayed in routine care at one hospital, Guangzhou Women and Children's Medical Center; taken from "
    "retrospective cohorts, unreadable films left out. How children were chosen within those is not told; three of four are sick: "
    "read it as case-control, not as a series of patients. Their share is no clinic's, and mild or doubtful films may be rarer.",
    "The diagnosis of two expert physicians who graded each film; of the test films a third one checked it. No microbiology, "
    "follow-up or blinding to clinical data is told of.",
    "Every child is 1 to 5 years old; neither the age nor the sex of any one is told.",
)
_PHANTOM_ORIGIN = Origin("Drawn by a program.", "What was drawn.", "Phantoms have neither.")
_UNKNOWN_ORIGIN = Origin(
    "Not told in this folder. Where sick and healthy children were gathered by class (case-control), their share is no clinic's.",
    "Not told in this folder: the label that each file came with.",
    "Not told in this folder.",
)
