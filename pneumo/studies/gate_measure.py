"""What a model's gate does with chest X-rays, turned and inverted ones, and pictures of other things -> gate.json."""

import datetime
import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from pneumo.data.cache import cached_images
from pneumo.data.records import folder_of
from pneumo.evaluation.ledger import add_row
from pneumo.evaluation.wilson import wilson
from pneumo.files import write_json
from pneumo.imaging.decoding.image_file import image_bytes
from pneumo.imaging.hospital_shift import hard_copies
from pneumo.imaging.overlay import png
from pneumo.inference.finding import read
from pneumo.inference.predictor import Predictor
from pneumo.inference.reference import POSES
from pneumo.labels import Status
from pneumo.paths import models_dir
from pneumo.registry.seal import reseal
from pneumo.studies.assess import records_of
from pneumo.synthetic.non_chest import KINDS, close_up, posed
from pneumo.synthetic.phantom import make_phantom, phantom_png
from pneumo.versions import git_commit

log = logging.getLogger(__name__)

FILE = "gate.json"
SAMPLE = 200  # X-rays of the split of which changed copies are made, drawn once and for all
PICTURES, SEED = 40, 1  # of each kind of other things; a seed that the reference was not made with
_NO_FIGURES = {name: {"value": None} for name in ("auc", "accuracy", "sensitivity", "specificity")}


def measure_gate(
    predictor: Predictor, data: Path, split: str, output: Path | None = None, root: Path | None = None, ledger: Path | None = None
) -> dict[str, Any]:
    """Measure on `split` (as in `assess`), write gate.json into `output` (default: the model's own folder), return it.

    Every picture goes as a file through the path that serves. Test adds one row to `ledger` (default: that of the registry).
    """
    root = root or models_dir()
    records = records_of(data, split, root / predictor.card.id / "split.csv")
    paths = [folder_of(data) / record.path for record in records]
    chosen = np.random.default_rng(0).permutation(len(records))[:SAMPLE]
    some = cached_images(folder_of(data), [records[i].path for i in chosen])[np.arange(len(chosen))]
    rng = np.random.default_rng(SEED)
    groups = [
        _group("chest", f"X-rays of {split}", map(image_bytes, paths), predictor),
        _group("chest", "disturbed copies", map(png, hard_copies(some, SEED)), predictor),
        _group("demo", "generated phantoms", (phantom_png(make_phantom(seed=seed)) for seed in range(PICTURES)), predictor),
        *(_group("posed", pose, (png(np.ascontiguousarray(copy)) for copy in copies), predictor)
          for pose, copies in zip(POSES[1:], posed(some), strict=True)),
        _group("posed", "close-ups", (png(close_up(image, rng)) for image in some), predictor),
        *(_group("foreign, kept aside" if kind.aside else "foreign, chosen by", kind.name,
                 map(png, kind.pictures(PICTURES, SEED)), predictor) for kind in KINDS),
    ]  # fmt: skip
    found = {
        "split": split,
        "model_sha256": predictor.card.sha256,
        "made": datetime.date.today().isoformat(),
        "cuts": [] if predictor.reference is None else [float(cut) for cut in predictor.reference.cuts],
        "chest_rejected": groups[0]["rejected"],
        "foreign_rejected": _share(groups, "foreign, kept aside"),
        "groups": groups,
    }
    folder = output or root / predictor.card.id
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / FILE, found)
    reseal(folder, (FILE,))
    if split == "test":
        why = f"gate: {groups[0]['rejected_count']} of {groups[0]['n']} refused; chose nothing"
        add_row(ledger or root / "ledger.csv", git_commit(), predictor.card.id, _NO_FIGURES, why)
    return found


def _group(role: str, name: str, files: Iterable[bytes], predictor: Predictor) -> dict[str, Any]:
    """`told`: refused, or answered with a warning."""
    findings = [read(data, predictor) for data in files]
    rejected = sum(finding.status == Status.REJECTED for finding in findings)
    told = sum(finding.status == Status.REJECTED or bool(finding.warnings) for finding in findings)
    log.info("%s, %s: %d of %d refused, %d told", predictor.card.id, name, rejected, len(findings), told)
    return {"role": role, "name": name, "n": len(findings), "rejected_count": rejected,
            "rejected": wilson(rejected, len(findings)).figure, "told": wilson(told, len(findings)).figure}  # fmt: skip


def _share(groups: list[dict[str, Any]], role: str) -> dict[str, float | None]:
    """Of all pictures of a role, the share refused; pictures of one kind are alike, so the interval is rather too narrow."""
    these = [group for group in groups if group["role"] == role]
    return wilson(sum(group["rejected_count"] for group in these), sum(group["n"] for group in these)).figure
