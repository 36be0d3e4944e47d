"""What a model's gate does with chest X-rays, turned and inverted ones, and pictures of other things -> gate.json."""

import datetime
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pneumo.data.cache import cached_images
from pneumo.data.records import folder_of
from pneumo.evaluation.ledger import add_row
from pneumo.evaluation.wilson import clustered_wilson
from pneumo.files import write_json
from pneumo.imaging.decoding.image_file import image_bytes
from pneumo.imaging.hospital_shift import shifted_copies
from pneumo.imaging.overlay import png
from pneumo.inference.finding import read
from pneumo.inference.predictor import Predictor
from pneumo.inference.reference import POSES
from pneumo.labels import Status
from pneumo.paths import models_dir
from pneumo.registry.seal import reseal
from pneumo.studies.assess import records_of
from pneumo.synthetic.non_chest import KINDS, close_up, rotated_and_inverted
from pneumo.synthetic.phantom import make_phantom, phantom_png
from pneumo.versions import git_commit

log = logging.getLogger(__name__)

FILE, ASIDE = "gate.json", "foreign, kept aside"
INTERVALS = "Wilson's method, over children and over the pictures that pieces were cut of"
SAMPLE = 200  # X-rays of the split of which changed copies are made, drawn once and for all
PICTURES, SEED = 40, 1  # of each kind of other things; a seed that the reference was not made with
_NO_FIGURES = {name: {"value": None} for name in ("auc", "accuracy", "sensitivity", "specificity")}


def measure_gate(
    predictor: Predictor, data: Path, split: str, output: Path | None = None, root: Path | None = None, ledger: Path | None = None
) -> dict[str, Any]:
    """Measure on `split` (as in `assess_split`), write gate.json into `output` (default: the model's own folder), return it.

    Every picture goes as a file through the path that serves. Test adds one row to `ledger` (default: that of the registry).
    """
    root = root or models_dir()
    records = records_of(data, split, root / predictor.card.id / "split.csv")
    paths = [folder_of(data) / record.path for record in records]
    chosen = np.random.default_rng(0).permutation(len(records))[:SAMPLE]
    some = cached_images(folder_of(data), [records[i].path for i in chosen])[np.arange(len(chosen))]
    rng = np.random.default_rng(SEED)
    children = [record.patient for record in records]
    drawn = [children[i] for i in chosen]
    phantoms = (phantom_png(make_phantom(seed=seed)) for seed in range(PICTURES))
    groups = [
        _group("chest", f"X-rays of {split}", map(image_bytes, paths), children, predictor),
        _group("chest", "disturbed copies", map(png, shifted_copies(some, SEED)), drawn, predictor),
        _group("demo", "generated phantoms", phantoms, list(map(str, range(PICTURES))), predictor),
        *(
            _group("posed", pose, (png(np.ascontiguousarray(copy)) for copy in copies), drawn, predictor)
            for pose, copies in zip(POSES[1:], rotated_and_inverted(some), strict=True)
        ),
        _group("posed", "close-ups", (png(close_up(image, rng)) for image in some), drawn, predictor),
        *(
            _group(
                ASIDE if kind.held_out else "foreign, chosen by",
                kind.name,
                map(png, kind.pictures(PICTURES, SEED)),
                kind.originals(PICTURES, SEED),
                predictor,
            )
            for kind in KINDS
        ),
    ]
    aside = [group for group in groups if group.role == ASIDE]
    found = {
        "split": split,
        "model_sha256": predictor.card.sha256,
        "made": datetime.date.today().isoformat(),
        "cuts": [] if predictor.reference is None else [float(cut) for cut in predictor.reference.cuts],
        "intervals": INTERVALS,
        "chest_rejected": groups[0].figures["rejected"],
        "foreign_rejected": clustered_wilson(
            np.concatenate([group.rejected for group in aside]), [name for group in aside for name in group.originals]
        ).figure,
        "groups": [group.figures for group in groups],
    }
    folder = output or root / predictor.card.id
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / FILE, found)
    reseal(folder, (FILE,))
    if split == "test":
        why = f"gate: {groups[0].rejected.sum()} of {len(groups[0].rejected)} refused; chose nothing"
        add_row(ledger or root / "ledger.csv", git_commit(), predictor.card.id, _NO_FIGURES, why)
    return found


@dataclass(frozen=True)
class _Group:
    """Pictures of one sort, each with the original that it shows, and what became of it."""

    role: str
    name: str
    originals: Sequence[str]  # children, or pictures that pieces were cut of
    rejected: np.ndarray  # bool (n,)
    told: np.ndarray  # bool (n,), refused, or answered with a warning

    @property
    def figures(self) -> dict[str, Any]:
        """As gate.json has it. Intervals over originals: pictures of one are no independent witnesses."""
        return {
            "role": self.role,
            "name": self.name,
            "n": len(self.rejected),
            "originals": len(set(self.originals)),
            "rejected_count": int(self.rejected.sum()),
            "rejected": clustered_wilson(self.rejected, self.originals).figure,
            "told": clustered_wilson(self.told, self.originals).figure,
        }


def _group(role: str, name: str, files: Iterable[bytes], originals: Sequence[str], predictor: Predictor) -> _Group:
    findings = [read(data, predictor) for data in files]
    rejected = np.array([finding.status == Status.REJECTED for finding in findings])
    told = rejected | np.array([bool(finding.warnings) for finding in findings])
    counts = (predictor.card.id, name, rejected.sum(), len(findings), told.sum())
    log.info("%s, %s: %d of %d refused, %d told", *counts)
    return _Group(role, name, originals, rejected, told)
