"""Measure a model's gate on chest X-rays, rotated and inverted ones, and other pictures -> gate.json."""

import datetime
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pneumo.data.cache import cached_images
from pneumo.data.records import folder_of
from pneumo.data.split import SPLIT
from pneumo.evaluation.gate_figures import CHEST, CHOSEN_BY, DEMO, HELD_OUT, POSED, GateFigures, GateGroup
from pneumo.evaluation.ledger import add_row
from pneumo.evaluation.wilson import clustered_wilson
from pneumo.imaging.decoding.decode import image_bytes
from pneumo.imaging.hospital_shift import shifted_copies
from pneumo.imaging.overlay import png
from pneumo.inference.finding import read
from pneumo.inference.predictor import Predictor
from pneumo.inference.reference import POSES
from pneumo.labels import Status
from pneumo.paths import models_dir
from pneumo.registry.model_folder import GATE, store
from pneumo.studies.assess import records_of
from pneumo.synthetic.non_chest import KINDS, close_up, rotated_and_inverted
from pneumo.synthetic.phantom import make_phantom, phantom_png
from pneumo.versions import git_commit

log = logging.getLogger(__name__)

SAMPLE = 200  # X-rays of the split to change, drawn with a fixed seed
PICTURES, SEED = 40, 1  # per kind of other pictures; not the reference's seed
_NO_FIGURES = {name: {"value": None} for name in ("auc", "accuracy", "sensitivity", "specificity")}


def measure_gate(
    predictor: Predictor, data: Path, split: str, output: Path | None = None, root: Path | None = None, ledger: Path | None = None
) -> dict[str, Any]:
    """Measure on `split` (as in `assess_split`), write gate.json into `output` (default: the model's own folder), return it.

    Every picture goes through the serving path as a file. Test adds one row to `ledger` (default: that of the registry).
    """
    root = root or models_dir()
    records = records_of(data, split, root / predictor.card.id / SPLIT)
    paths = [folder_of(data) / record.path for record in records]
    chosen = np.random.default_rng(0).permutation(len(records))[:SAMPLE]
    sample = cached_images(folder_of(data), [records[i].path for i in chosen])[np.arange(len(chosen))]
    rng = np.random.default_rng(SEED)
    children = [record.patient for record in records]
    chosen_patients = [children[i] for i in chosen]
    phantoms = (phantom_png(make_phantom(seed=seed)) for seed in range(PICTURES))
    shown = [
        _group(CHEST, f"X-rays of {split}", map(image_bytes, paths), children, predictor),
        _group(CHEST, "disturbed copies", map(png, shifted_copies(sample, SEED)), chosen_patients, predictor),
        _group(DEMO, "generated phantoms", phantoms, list(map(str, range(PICTURES))), predictor),
        *(
            _group(POSED, pose, (png(np.ascontiguousarray(copy)) for copy in copies), chosen_patients, predictor)
            for pose, copies in zip(POSES[1:], rotated_and_inverted(sample), strict=True)
        ),
        _group(POSED, "close-ups", (png(close_up(image, rng)) for image in sample), chosen_patients, predictor),
        *(
            _group(
                HELD_OUT if kind.held_out else CHOSEN_BY,
                kind.name,
                map(png, kind.pictures(PICTURES, SEED)),
                kind.originals(PICTURES, SEED),
                predictor,
            )
            for kind in KINDS
        ),
    ]
    held_out = [group for group in shown if group.role == HELD_OUT]
    groups = tuple(GateGroup.of(g.role, g.name, g.rejected, g.refused_or_warned, g.originals) for g in shown)
    figures = GateFigures(
        split=split,
        model_sha256=predictor.card.sha256,
        made=datetime.date.today().isoformat(),
        cuts=() if predictor.reference is None else tuple(float(cut) for cut in predictor.reference.cuts),
        chest_rejected=groups[0].rejected,
        foreign_rejected=clustered_wilson(
            np.concatenate([group.rejected for group in held_out]), [name for group in held_out for name in group.originals]
        ).figure,
        groups=groups,
    )
    store(output or root / predictor.card.id, GATE, figures.to_dict())
    if split == "test":
        why = f"gate: {groups[0].rejected_count} of {groups[0].n} refused; chose nothing"
        add_row(ledger or root / "ledger.csv", git_commit(), predictor.card.id, _NO_FIGURES, why)
    return figures.to_dict()


@dataclass(frozen=True)
class _Group:
    """The gate's results for one kind of pictures."""

    role: str
    name: str
    originals: Sequence[str]  # patients, or source pictures of crops
    rejected: np.ndarray  # bool (n,)
    refused_or_warned: np.ndarray  # bool (n,)


def _group(role: str, name: str, files: Iterable[bytes], originals: Sequence[str], predictor: Predictor) -> _Group:
    findings = [read(data, predictor) for data in files]
    rejected = np.array([finding.status == Status.REJECTED for finding in findings])
    refused_or_warned = rejected | np.array([bool(finding.warnings) for finding in findings])
    counts = (predictor.card.id, name, rejected.sum(), len(findings), refused_or_warned.sum())
    log.info("%s, %s: %d of %d refused, %d refused or warned", *counts)
    return _Group(role, name, originals, rejected, refused_or_warned)
