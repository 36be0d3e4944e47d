"""Measure a model's gate on chest X-rays, rotated and inverted ones, and other pictures -> gate.json."""

import datetime
import logging
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pneumo.data.cache import cached_images
from pneumo.data.records import Record, folder_of
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
    predictor: Predictor, data: Path, split: str, output: Path | None = None, root: Path | None = None
) -> dict[str, Any]:
    """Measure on `split` (as in `assess_split`), write gate.json into `output` (default: the model's own folder), return it.

    Every picture goes through the serving path as a file. Test adds one row to the registry's ledger.
    """
    root = root or models_dir()
    records = records_of(data, split, root / predictor.card.id / SPLIT)
    groups: list[GateGroup] = []
    foreign: list[tuple[bool, str]] = []  # of each picture held out: refused or not, and its original
    for role, name, files, originals in _kinds(data, split, records):
        findings = [read(file, predictor) for file in files]
        rejected = np.array([finding.status == Status.REJECTED for finding in findings])
        refused_or_warned = rejected | np.array([bool(finding.warnings) for finding in findings])
        counts = (predictor.card.id, name, rejected.sum(), len(findings), refused_or_warned.sum())
        log.info("%s, %s: %d of %d refused, %d refused or warned", *counts)
        groups.append(GateGroup.of(role, name, rejected, refused_or_warned, originals))
        if role == HELD_OUT:
            foreign += zip(rejected, originals, strict=True)
    figures = GateFigures(
        split=split,
        model_sha256=predictor.card.sha256,
        made=datetime.date.today().isoformat(),
        cuts=() if predictor.reference is None else tuple(float(cut) for cut in predictor.reference.cuts),
        chest_rejected=groups[0].rejected,
        foreign_rejected=clustered_wilson(np.array([flag for flag, _ in foreign]), [name for _, name in foreign]).figure,
        groups=tuple(groups),
    )
    store(output or root / predictor.card.id, GATE, figures.to_dict())
    if split == "test":
        why = f"gate: {groups[0].rejected_count} of {groups[0].n} refused; chose nothing"
        add_row(root / "ledger.csv", git_commit(), predictor.card.id, _NO_FIGURES, why)
    return figures.to_dict()


def _kinds(data: Path, split: str, records: Sequence[Record]) -> Iterator[tuple[str, str, Iterable[bytes], Sequence[str]]]:
    """(role, name, files, patient or source picture of each) of every kind of pictures."""
    children = [record.patient for record in records]
    yield CHEST, f"X-rays of {split}", (image_bytes(folder_of(data) / record.path) for record in records), children
    chosen = np.random.default_rng(0).permutation(len(records))[:SAMPLE]
    sample = cached_images(folder_of(data), [records[i].path for i in chosen])[np.arange(len(chosen))]
    patients = [children[i] for i in chosen]
    yield CHEST, "disturbed copies", map(png, shifted_copies(sample, SEED)), patients
    phantoms = (phantom_png(make_phantom(seed=seed)) for seed in range(PICTURES))
    yield DEMO, "generated phantoms", phantoms, list(map(str, range(PICTURES)))
    for pose, copies in zip(POSES[1:], rotated_and_inverted(sample), strict=True):
        yield POSED, pose, map(png, map(np.ascontiguousarray, copies)), patients
    rng = np.random.default_rng(SEED)
    yield POSED, "close-ups", (png(close_up(image, rng)) for image in sample), patients
    for kind in KINDS:
        role = HELD_OUT if kind.held_out else CHOSEN_BY
        yield role, kind.name, map(png, kind.pictures(PICTURES, SEED)), kind.originals(PICTURES, SEED)
