"""Config and data -> run folder. Selects on the validation part only; the test split is never opened here."""

import dataclasses
import logging
import os
import shutil
import time
from pathlib import Path

import keras
from filelock import Timeout

from pneumo.data.split import manifest_hash
from pneumo.errors import RunError
from pneumo.evaluation.calibration import even_weights
from pneumo.files import write_json
from pneumo.inference.lung_fields import LungFinder
from pneumo.nets.load import load_network
from pneumo.training.callbacks import CheckpointCallback, Interrupt, Progress, Reseed, TensorBoardLog
from pneumo.training.config import TrainConfig
from pneumo.training.dataset import Part, disturbed_too, epoch_order, read_parts, with_lungs
from pneumo.training.devices import chosen_devices, spread
from pneumo.training.failure import explain, is_shortage
from pneumo.training.feed import Draws, Feed
from pneumo.training.model_builder import build_network, build_trainer, compile_stage, device, is_mixed, network_of, stages
from pneumo.training.runfolder import RunStatus, check_free, history, lock, prepare, read_status, settle, source, write_status
from pneumo.versions import git_commit, library_versions

log = logging.getLogger(__name__)


def train(config: TrainConfig, data: Path, run: Path, resume: bool = False) -> Path:
    """Train `config` on the images below `data` into the folder `run` (see runfolder.py); return the best network's path.

    With `resume`, go on after the last epoch that counts. Raises RunError, DataError or ConfigError; status.json then says
    why. Ctrl-C and SIGTERM (by the command line) end the run as cancelled. The best epoch so far is always kept.
    """
    if not resume:
        check_free(run)  # before a lock is left in a folder that is somebody else's
        run.mkdir(parents=True, exist_ok=True)
    elif not run.is_dir():
        raise RunError(f"No run to resume in {run}. Start it without --resume.")
    try:
        with lock(run):
            prepare(config, run, resume)
            _attempt(config, Path(data), run)
    except Timeout as error:
        raise RunError(f"Another process is training in {run}. Wait for it, cancel it, or choose another --output.") from error
    except OSError as error:
        raise RunError(explain(error)) from error
    return run / "best.keras"


def _attempt(config: TrainConfig, data: Path, run: Path) -> None:
    """Train, and leave a status that says how it ended."""
    try:
        done = len(history(run))
        if done and read_status(run).state == "finished":
            log.info("%s is finished already", run)
            return
        write_status(run, RunStatus("starting", epoch=done, epochs=config.epochs, pid=os.getpid()))
        settle(run)
        devices = chosen_devices(config)
        keras.utils.set_random_seed(config.seed)
        train_part, validation_part = read_parts(config, data, run)
        _note_source(config, data, run)
        with spread(devices):
            _fit_network(config, run, train_part, validation_part, len(devices))
        done = len(history(run))
        write_status(run, RunStatus("finished", epoch=done, epochs=config.epochs))
    except BaseException as error:
        _tell_end(run, error)
        if is_shortage(error):
            raise RunError(explain(error)) from error
        raise


def _tell_end(run: Path, error: BaseException) -> None:
    state = "cancelled" if isinstance(error, KeyboardInterrupt) else "failed"
    try:
        before = read_status(run)
        write_status(run, dataclasses.replace(before, state=state, why=explain(error), seconds_left=None, pid=None))
    except (OSError, RunError):
        log.exception("the run's end could not be written down")  # a disk so full that a hundred bytes find no room


def _note_source(config: TrainConfig, data: Path, run: Path) -> None:
    """source.json, and what it says into the log: enough to repeat the run. A resumed run keeps its first start."""
    write_json(
        run / "source.json",
        {
            "data": str(data.resolve()),
            "manifest_sha256": manifest_hash(run / "split.csv"),
            "seed": config.seed,
            "versions": library_versions(),
            "commit": git_commit(),
            "backend": keras.backend.backend(),
            "device": device(),
            "mixed_precision": is_mixed(config),
            "started": source(run).get("started") or time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        },
    )
    log.info("backend %s, device %s, mixed precision: %s", keras.backend.backend(), device(), is_mixed(config))


def _fit_network(config: TrainConfig, run: Path, train_part: Part, validation_part: Part, devices: int) -> None:
    spec, done = config.spec, len(history(run))
    held_part = disturbed_too(validation_part, config.seed)
    if config.lung_centred or config.hidden:
        finder = LungFinder.load()
        train_part, held_part = with_lungs(train_part, finder)[0], with_lungs(held_part, finder)[0]
    weights = even_weights(train_part.labels) if config.balance == "weights" else None
    draws = Draws(epoch_order(config, train_part), config.hidden, config.seed, devices)
    feed = Feed(train_part, spec, config.batch_size, draws, sample_weight=weights, subtype=config.subtype, epoch=done)
    # Both classes count alike in validation, whatever their shares: the best epoch is no better for calling all sick.
    alike = even_weights(held_part.labels)
    held = Feed(held_part, spec, config.batch_size, Draws(devices=devices), sample_weight=alike, subtype=config.subtype)
    trainer = load_network(run / f"last-{done}.keras") if done else build_trainer(config, build_network(config))
    net = network_of(trainer)
    _check_room(run, net)
    keeper = CheckpointCallback(run, config, net)
    for first, last, rate, frozen in stages(config):
        if done >= last:
            continue
        if done == first:  # a stage begins; within one, the loaded optimizer goes on
            compile_stage(trainer, config, rate, frozen, steps=(last - first) * len(feed))
        trainer.fit(
            feed,
            validation_data=held,
            initial_epoch=done,
            epochs=last,
            shuffle=False,
            verbose=0,  # the feed shuffles
            callbacks=[
                keras.callbacks.TerminateOnNaN(),
                Reseed(config.seed),
                keeper,
                Progress(run, config),
                TensorBoardLog(run),
                Interrupt(),
            ],
        )
        if keeper.nan:
            raise RunError("The loss became NaN. Use a smaller learning rate. The last good checkpoint is kept.")
        done = len(history(run))
        if done < last:
            break  # patience ran out


def _check_room(run: Path, net: keras.Model) -> None:
    """Two checkpoints with two optimizer moments each, and the best network twice: told before hours are spent."""
    needed = net.count_params() * 4 * (3 + 3 + 2)
    free = shutil.disk_usage(run).free
    if free < needed:
        raise RunError(f"The disk has {free >> 20} MB free; this run needs about {(needed >> 20) + 1} MB. Make room.")
