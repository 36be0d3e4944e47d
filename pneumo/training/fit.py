"""Train a run: config and data -> run folder. Selects on the validation part; never reads test."""

import dataclasses
import logging
import os
import shutil
import time
from functools import partial
from pathlib import Path

import keras
from filelock import Timeout

from pneumo.data.cache import OnProgress
from pneumo.data.split import SPLIT
from pneumo.errors import RunError
from pneumo.evaluation.calibration import even_weights
from pneumo.files import sha256, write_json
from pneumo.inference.lung_fields import LungFinder
from pneumo.nets.load import load_network
from pneumo.training import runfolder
from pneumo.training.callbacks import CheckpointCallback, Progress, Reseed, TensorBoardLog
from pneumo.training.config import TrainConfig
from pneumo.training.dataset import Part, epoch_order, read_parts, with_lungs, with_perturbed_copies
from pneumo.training.devices import chosen_devices, data_parallel
from pneumo.training.failure import explain, is_shortage
from pneumo.training.feed import Draws, Feed
from pneumo.training.interrupt import raise_if_interrupted
from pneumo.training.model_builder import build_network, build_trainer, compile_stage, device, is_mixed, network_of, stages
from pneumo.versions import git_commit, library_versions

log = logging.getLogger(__name__)


def train(config: TrainConfig, data: Path, run: Path, resume: bool = False) -> Path:
    """Train `config` on the images below `data` into the folder `run` (see runfolder.py); return the best network's path.

    With `resume`, continue after the last committed epoch. Raises RunError, DataError or ConfigError; status.json then says
    why. SIGINT and SIGTERM end the run as cancelled. The best epoch so far is always kept.
    """
    if not resume:
        runfolder.check_free(run)  # before creating a lock file there
        run.mkdir(parents=True, exist_ok=True)
    elif not run.is_dir():
        raise RunError(f"No run to resume in {run}. Start it without --resume.")
    try:
        with runfolder.lock(run):
            runfolder.prepare(config, run, resume)
            _attempt(config, Path(data), run)
    except Timeout as error:
        raise RunError(f"Another process is training in {run}. Wait for it, cancel it, or choose another --output.") from error
    except OSError as error:
        raise RunError(explain(error)) from error
    return run / "best.keras"


def _attempt(config: TrainConfig, data: Path, run: Path) -> None:
    """Train, and write the final status."""
    try:
        done = len(runfolder.history(run))
        if done and runfolder.read_status(run).state == "finished":
            log.info("%s is finished already", run)
            return
        runfolder.write_status(run, runfolder.RunStatus("starting", epoch=done, epochs=config.epochs, pid=os.getpid()))
        runfolder.settle(run)
        devices = chosen_devices(config)
        keras.utils.set_random_seed(config.seed)
        runfolder.write_phase(run, "reading images")
        train_part, validation_part = read_parts(config, data, run, partial(runfolder.write_phase, run, "reading images"))
        _note_source(config, data, run)
        with data_parallel(devices):
            _fit_network(config, run, train_part, validation_part, len(devices))
        done = len(runfolder.history(run))
        runfolder.write_status(run, runfolder.RunStatus("finished", epoch=done, epochs=config.epochs))
    except BaseException as error:
        _write_end(run, error)
        if is_shortage(error):
            raise RunError(explain(error)) from error
        raise


def _write_end(run: Path, error: BaseException) -> None:
    state = "cancelled" if isinstance(error, KeyboardInterrupt) else "failed"
    try:
        status, why = runfolder.read_status(run), explain(error)
        status = dataclasses.replace(status, state=state, why=why, seconds_left=None, pid=None, phase="")
        runfolder.write_status(run, status)
    except (OSError, RunError):
        log.exception("the run's end could not be written down")  # disk completely full


def _note_source(config: TrainConfig, data: Path, run: Path) -> None:
    """Write source.json, with all that is needed to repeat the run. A resumed run keeps its start time."""
    made_from = {
        "data": str(data.resolve()),
        "manifest_sha256": sha256(run / SPLIT),
        "seed": config.seed,
        "versions": library_versions(),
        "commit": git_commit(),
        "backend": keras.backend.backend(),
        "device": device(),
        "mixed_precision": is_mixed(config),
        "started": runfolder.source(run).get("started") or time.strftime("%Y-%m-%dT%H:%M:%S%z"),
    }
    write_json(run / "source.json", made_from)
    log.info("backend %s, device %s, mixed precision: %s", keras.backend.backend(), device(), is_mixed(config))


def _fit_network(config: TrainConfig, run: Path, train_part: Part, validation_part: Part, devices: int) -> None:
    spec, done = config.spec, len(runfolder.history(run))
    validation_part = with_perturbed_copies(validation_part, config.seed)
    if config.lung_centred or config.hidden:
        finder = LungFinder.load()
        train_part = with_lungs(train_part, finder, _each_second(run, "finding lungs, train part:"))[0]
        validation_part = with_lungs(validation_part, finder, _each_second(run, "finding lungs, validation part:"))[0]
    runfolder.write_phase(run, "building the network")
    weights = even_weights(train_part.labels) if config.balance == "weights" else None
    draws = Draws(epoch_order(config, train_part), config.hidden, config.seed, devices)
    feed = Feed(train_part, spec, config.batch_size, draws, sample_weight=weights, subtype=config.subtype, epoch=done)
    # Balanced weights: calling everyone sick must not win the selection.
    alike = even_weights(validation_part.labels)
    once = Draws(devices=devices)
    validation_feed = Feed(validation_part, spec, config.batch_size, once, sample_weight=alike, subtype=config.subtype)
    trainer = load_network(run / f"last-{done}.keras") if done else build_trainer(config, build_network(config))
    net = network_of(trainer)
    _check_room(run, net)
    checkpoints = CheckpointCallback(run, config, net)
    for first, last, rate, frozen in stages(config):
        if done >= last:
            continue
        if done == first:  # within a stage the loaded optimizer continues
            compile_stage(trainer, config, rate, frozen, steps=(last - first) * len(feed))
        ours = [Reseed(config.seed), checkpoints, Progress(run, config), TensorBoardLog(run)]
        interrupt = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: raise_if_interrupted())
        callbacks = [keras.callbacks.TerminateOnNaN(), *ours, interrupt]
        settings = {"initial_epoch": done, "epochs": last, "shuffle": False, "verbose": 0}  # the feed shuffles
        trainer.fit(feed, validation_data=validation_feed, callbacks=callbacks, **settings)
        if checkpoints.nan:
            raise RunError("The loss became NaN. Use a smaller learning rate. The last good checkpoint is kept.")
        done = len(runfolder.history(run))
        if done < last:
            break  # patience ran out


def _each_second(run: Path, phase: str) -> OnProgress:
    """Writes the phase to status.json at most once a second."""
    written = 0.0

    def say(done: int, total: int) -> None:
        nonlocal written
        if time.monotonic() - written > 1.0:
            runfolder.write_phase(run, phase, done, total)
            written = time.monotonic()

    return say


def _check_room(run: Path, net: keras.Model) -> None:
    """Room for two checkpoints with two optimizer moments each, and the best network twice."""
    needed = net.count_params() * 4 * (3 + 3 + 2)
    free = shutil.disk_usage(run).free
    if free < needed:
        raise RunError(f"The disk has {free >> 20} MB free; this run needs about {(needed >> 20) + 1} MB. Make room.")
