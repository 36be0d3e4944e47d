"""Promote a run to a registered model: compact weights, serving graph, calibration, operating points, evaluation, card."""

import contextlib
import dataclasses
import datetime
import logging
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
from filelock import FileLock, Timeout
from scipy.special import expit

from pneumo.data.catalog import describe
from pneumo.data.split import SPLIT, read_manifest
from pneumo.errors import ModelError, RunError
from pneumo.evaluation.calibration import Calibration, even_weights, fit_calibration, log_loss
from pneumo.evaluation.likelihood import posterior
from pneumo.evaluation.operating_point import choose_operating_points
from pneumo.evaluation.predictions import make_predictions, write_predictions
from pneumo.files import sha256, write_json
from pneumo.imaging.preprocess import VERSION, model_input
from pneumo.inference.lung_fields import LungFinder
from pneumo.inference.predictor import Outputs, Predictor
from pneumo.labels import LABELS
from pneumo.nets.compact import round_kernels, save_compact
from pneumo.nets.load import load_network
from pneumo.nets.receptive import cell_centres
from pneumo.nets.serving_graph import write_serving_graph
from pneumo.paths import models_dir
from pneumo.registry.model_folder import CALIBRATION, GRAPH, HISTORY, WEIGHTS, predictions_file
from pneumo.registry.models import ModelCard, write_card
from pneumo.registry.seal import seal_folder
from pneumo.registry.signing_keys import signing_key
from pneumo.reporting.model_card import write_readme
from pneumo.studies.assess import assess_split, own_prevalence
from pneumo.training.dataset import Part, part_of, with_lungs, with_perturbed_copies
from pneumo.training.jobs.process import check_name
from pneumo.training.reference import add_reference
from pneumo.training.runfolder import best_epoch, history, is_held, load_config, lock, settle, source
from pneumo.versions import git_commit, library_versions

log = logging.getLogger(__name__)

_TAKEN = "A model {!r} is in the registry already. Remove {} first, or choose another id."
_PREFIX = ".promoting-"
GRACE = 60.0  # seconds: the owner of a younger draft folder may not hold its lock yet
_COPIED = ("config.json", SPLIT, "history.jsonl", "source.json", "best.keras")
PARITY = 1e-4  # greatest difference in probability allowed between Keras and the serving graph


def promote_run(run: Path, model: str, data: Path, why: str, root: Path | None = None, mirrored: bool = False) -> Path:
    """Make models/<model> from the best epoch of `run`, atomically. Return the folder.

    Calibration, operating points, the heatmap's scale and the gate's cuts come from the calibration part of the run's own
    split. The test split, if any, is then evaluated once, with a ledger row with `why`. `mirrored`: the model averages an image and
    its mirror image, in twice the time. The folder is sealed, and signed if this computer has the site's key.
    Raises RunError for an unusable run or id, DataError for an insufficient calibration part, and ModelError if the serving
    graph disagrees with Keras.
    """
    root = root or models_dir()
    check_name(model, "model id")
    load_config(run)  # fail early for a folder that is no run
    if not (run / "best.keras").is_file():
        raise RunError(f"The run {run} has no best.keras yet. Let it finish an epoch.")
    if (root / model).exists():
        raise RunError(_TAKEN.format(model, root / model))
    try:
        root.mkdir(parents=True, exist_ok=True)
        with draft_folder(root) as draft_root:
            draft = _draft(copy_run(run, draft_root / ".run"), draft_root / model, data, why, root / "ledger.csv", mirrored)
            try:
                draft.replace(root / model)
            except OSError as error:
                if (root / model).exists():  # another promotion was faster
                    raise RunError(_TAKEN.format(model, root / model)) from error
                raise
    except OSError as error:
        remedy = "Make room and promote again; the registry is as it was."
        raise RunError(f"The promotion could not be written: {error.strerror or error}. {remedy}") from error
    return root / model


@contextlib.contextmanager
def draft_folder(root: Path) -> Iterator[Path]:
    """A new folder in `root`, removed at the end. Leftovers of killed promotions are removed first."""
    for leftover in root.glob(_PREFIX + "*"):
        with contextlib.suppress(OSError):  # another promotion may be removing it as well
            if time.time() - leftover.stat().st_mtime > GRACE and not is_held(FileLock(leftover / "lock"), patience=0):
                shutil.rmtree(leftover)
    folder = Path(tempfile.mkdtemp(dir=root, prefix=_PREFIX))
    try:
        with FileLock(folder / "lock"):
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def copy_run(run: Path, folder: Path) -> Path:
    """Copy what promotion reads, under the run's lock, so that all of it matches. Raises RunError while a process trains there."""
    try:
        with lock(run):
            settle(run)  # after a kill between history and best network
            folder.mkdir()
            for name in _COPIED:
                if (run / name).is_file():
                    shutil.copy(run / name, folder / name)
    except Timeout as error:
        raise RunError(f"Another process is training in {run}. Wait for it, or cancel it, and promote then.") from error
    return folder


def _draft(run: Path, draft: Path, data: Path, why: str, ledger: Path, mirrored: bool) -> Path:
    """Make the model folder at `draft`, which ends in the model's id."""
    root, model = draft.parent, draft.name
    draft.mkdir()
    net = load_network(run / "best.keras")
    for layer in net.layers:  # serving computes in float32
        layer.dtype_policy = "float32"
    round_kernels(net)
    save_compact(net, draft / WEIGHTS)
    write_serving_graph(draft / WEIGHTS, draft / GRAPH)
    shutil.copy(run / SPLIT, draft / SPLIT)
    write_json(draft / HISTORY, history(run))
    write_card(_card(run, draft, net, data, mirrored), draft)
    add_reference(model, data, root)
    seal_folder(draft, signing_key())
    predictor = Predictor.load(model, root)
    has_test = any(row["part"] == "test" for row in read_manifest(draft / SPLIT))
    if not has_test:
        log.info("the data set has no test split: no look at test, metrics.json holds the validation part alone")
    for split in ("validation", "test") if has_test else ("validation",):
        assess_split(predictor, data, split, why, root=root, ledger=ledger)
    write_readme(model, root)
    return draft


def _card(run: Path, draft: Path, net: keras.Model, data: Path, mirrored: bool) -> ModelCard:
    """The card, with calibration, cuts and heatmap scale measured with the serving graph on the calibration part and its perturbed
    copies. Writes predictions-calibration.csv.
    """
    config, rows = load_config(run), read_manifest(run / SPLIT)
    chosen = [row for row in rows if row["part"] == "calibration"]
    finder = LungFinder.load() if config.lung_centred else None
    epochs = history(run)
    card = ModelCard(
        id=draft.name,
        architecture=config.architecture,
        classes=LABELS,
        input=config.spec,
        preprocessing=VERSION,
        calibration=Calibration(),  # this and the next two are measured below
        cuts={},
        heatmap_scale=1.0,
        heatmap_centres=cell_centres(net),
        selection_loss=float("nan"),
        training={
            **config.to_dict(),
            "backbone_weights": Path(config.backbone_weights).name,  # without the local path
            "initial_weights": "/".join(Path(config.initial_weights).parts[-2:]),
            "device": source(run).get("device", "cpu"),
        },
        epochs_run=len(epochs),
        best_epoch=best_epoch(epochs),
        manifest_sha256=sha256(run / SPLIT),
        data=describe(data, rows),
        versions=library_versions(),
        commit=git_commit(),
        created=datetime.date.today().isoformat(),
        files={name: sha256(draft / name) for name in (WEIGHTS, GRAPH)},
        mirrored=mirrored,
        segmenter_sha256=finder.sha256 if finder else None,
    )
    predictor = Predictor(card, draft / GRAPH, finder=finder)
    part = with_perturbed_copies(part_of(config, data, chosen, "calibration"), config.seed)
    part, indices = with_lungs(part, finder) if finder else (part, np.arange(len(part.labels)))
    inputs = [model_input(part.images[i], config.spec, part.boxes[i] if part.boxes else None) for i in range(len(part.labels))]
    sample = np.stack(inputs[:: max(1, len(inputs) // 32)])
    _check_parity(net, sample, [predictor.one_pass(x[np.newaxis]) for x in sample])
    outputs = [predictor.run(x[np.newaxis]) for x in inputs]
    logits, weights = np.array([float(output.logits[0]) for output in outputs]), even_weights(part.labels)
    calibration = fit_calibration(part.labels, logits, weights)
    ratios = calibration.log_ratio(logits)
    changes: dict[str, Any] = {
        "calibration": calibration,
        "cuts": choose_operating_points(part.labels, ratios),
        # 95th percentile of the map maxima of sick children
        "heatmap_scale": float(np.percentile([output.maps.max() for output in np.array(outputs)[part.labels == 1]], 95)),
        "selection_loss": log_loss(part.labels, ratios, weights),
        "subtype_calibration": _subtype_calibration(part, outputs),
    }
    log.info("calibration part: %s", changes)
    names = [row["path"] for row in chosen] + [f"disturbed/{row['path']}" for row in chosen]
    labels, subtypes = [LABELS[label] for label in part.labels], [chosen[i % len(chosen)]["subtype"] for i in indices]
    probabilities = posterior(ratios, own_prevalence(part.labels)).tolist()
    predictions = make_predictions([names[i] for i in indices], labels, subtypes, logits.tolist(), probabilities)
    write_predictions(draft / predictions_file(CALIBRATION), predictions)
    return dataclasses.replace(card, **changes)


def _subtype_calibration(part: Part, outputs: list[Outputs]) -> Calibration | None:
    """Fitted on pneumonias of known subtype; None without a subtype output, or if a subtype is missing."""
    if outputs[0].bacterial is None:
        return None
    known = np.flatnonzero(np.isfinite(part.bacterial))
    kinds = part.bacterial[known].astype(np.int64)
    if len(set(kinds.tolist())) < 2:
        missing = "the calibration part holds %d bacterial and %d viral cases, and both are needed"
        log.info("subtype: not calibrated, so not answered; " + missing, kinds.sum(), len(kinds) - kinds.sum())
        return None
    logits = [output.bacterial for output in (outputs[i] for i in known)]
    return fit_calibration(kinds, np.array([float(logit[0]) for logit in logits if logit is not None]))


def _check_parity(net: keras.Model, inputs: np.ndarray, outputs: list[Outputs]) -> None:
    """Compare the graph's `outputs` for `inputs`, (n, size, size, 1), with Keras. Raises ModelError."""
    expected = net.predict(inputs, verbose=0)
    for name, column in zip(net.output_names, expected if isinstance(expected, list) else [expected], strict=True):
        heads = [output.bacterial if name == "bacterial" else output.logits for output in outputs]
        logits = [head for head in heads if head is not None]
        difference = float(np.abs(column[:, 0] - expit(np.concatenate(logits))).max())
        log.info("parity with Keras: greatest difference in %s %.1e over %d images", name, difference, len(inputs))
        if not difference < PARITY:
            differs = f"The serving graph differs from Keras by {difference:.1e} in {name}"
            raise ModelError(f"{differs}; at most {PARITY:.0e} is allowed.")
