"""What a data set is, in words for a model card."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from pneumo.labels import Label

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
        return f"{len(manifest)} synthetic phantoms, no patient"
    counts = Counter(("test" if row["part"] == "test" else "pool", row["label"]) for row in manifest)
    if counts == _KERMANY:
        return "Kermany et al., chest X-rays, Mendeley Data 10.17632/rscbjbr9sj version 2, CC BY 4.0"
    return f"{len(manifest)} images of the user's own"
