"""Batch reading over many processes and machines with Ray Data: paths -> findings, in order.

Only this module imports ray, and only on request (requirements-scale.txt). Every machine must see the same files, model folder
and program under the same paths. Pixels never leave the machine that read them.
"""

import atexit
import importlib.util
import logging
import os
import pickle
import secrets
import shutil
import socket
import tempfile
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

from pneumo.errors import ConfigError, EngineError
from pneumo.imaging.decoding.pool import DecoderPool
from pneumo.inference.batch import read_files, unread
from pneumo.inference.finding import Finding
from pneumo.inference.predictor import AppliedProfile, Predictor
from pneumo.paths import models_dir
from pneumo.registry.models import ModelCard

CORES = 2  # per worker: one decodes, one runs the network
GROUP = 16  # most files per task: what is read again if a worker dies
RETRIES = 3  # of a group whose worker died
_GROUPS_A_WORKER = 8  # at least, to balance the load

# No usage statistics, and less output of its processes.
_QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_BACKEND_LOG_LEVEL": "fatal"}
# The first setting restricts Ray to 127.0.0.1, on Linux as well; the token keeps out other users of this machine.
_ALONE = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_AUTH_MODE": "token"}
# Even with statistics off Ray queries cloud metadata over HTTP: a dead proxy blocks that.
_NOBODY = "http://127.0.0.1:9"
_NO_WAY_OUT = {"http_proxy": _NOBODY, "https_proxy": _NOBODY, "no_proxy": "127.0.0.1,localhost"}

OnFinding = Callable[[str, Finding], None]


@dataclass(frozen=True)
class WorkerSettings:
    """Settings of a worker. `on_finding` gets every (name, finding) on the worker, while the pixels are still there."""

    card: ModelCard
    models: Path
    folder: Path  # of relative paths
    on_finding: OnFinding | None
    profile: AppliedProfile | None = None  # its calibration and cuts are in the card


@contextmanager
def connected(address: str | None) -> Iterator[None]:
    """Connect to the cluster at `address` (host:port), or to a temporary local one; an initialized Ray is reused.

    The local one listens on loopback only, without dashboard and usage statistics, and its log folder is removed. Raises
    ConfigError if ray is not installed or no cluster answers.
    """
    if importlib.util.find_spec("ray") is None:
        raise ConfigError("The engine ray is not installed. Run pip install -r requirements-scale.txt, or use --engine local.")
    os.environ |= _QUIET if address else {**_QUIET, **_ALONE}
    if address is None:
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))  # Ray's own would be written to a readable file
    import ray

    if ray.is_initialized():
        yield
        return
    quiet = {"logging_level": logging.ERROR, "log_to_driver": False}
    scratch = None if address else tempfile.mkdtemp(prefix="pneumo-ray-")
    try:
        if address:
            _join(address, quiet)
        else:
            place = {"_node_ip_address": "127.0.0.1", "_temp_dir": scratch, "object_store_memory": 256 << 20}
            with _environment(_NO_WAY_OUT):
                ray.init("local", include_dashboard=False, **place, **quiet)
        yield
    finally:
        ray.shutdown()
        if scratch:
            shutil.rmtree(scratch, ignore_errors=True)


def _join(address: str, quiet: dict[str, Any]) -> None:
    import ray

    try:
        host, _, port = address.removeprefix("ray://").rpartition(":")
        socket.create_connection((host, int(port)), timeout=10).close()  # fail fast: Ray would try for two minutes
        ray.init(address, **quiet)
    except (OSError, ValueError, RuntimeError) as error:
        raise ConfigError(f"No Ray cluster answers at {address}. Expected host:port of its head node, seen from here.") from error


@contextmanager
def _environment(changes: dict[str, str]) -> Iterator[None]:
    """Environment variables for processes started inside the block."""
    before = dict(os.environ)
    os.environ |= changes
    try:
        yield
    finally:
        for name in changes:
            os.environ.pop(name)
            os.environ |= {name: before[name]} if name in before else {}


def read_files_by_ray(
    paths: Iterable[str],
    predictor: Predictor,
    on_skipped: Callable[[str, int], None] = lambda archive, count: None,
    on_finding: OnFinding | None = None,
) -> Iterator[tuple[str, Finding]]:
    """`read_files` by Ray workers that load the same model; findings come without pictures.

    Files of a group whose worker died RETRIES + 1 times become `error` findings. Raises EngineError if no worker can start.
    """
    everything = list(paths)
    if not everything:
        return
    import ray

    workers, cores = _size(ray.cluster_resources())
    step = max(1, min(GROUP, len(everything) // (workers * _GROUPS_A_WORKER)))
    groups = [everything[at : at + step] for at in range(0, len(everything), step)]
    settings = WorkerSettings(predictor.card, models_dir().resolve(), Path.cwd(), on_finding, predictor.profile)
    reason = f"The worker that read this file, or one of the {GROUP} given to it at once, ended {RETRIES + 1} times. Ask again."
    finished = 0
    for number, findings, skipped in chain(_results(groups, settings, workers, cores), [(len(groups), [], [])]):
        for path in chain.from_iterable(groups[finished:number]):  # lost
            yield path, unread(reason, predictor)
        finished = number + 1
        yield from findings
        for archive, count in skipped:
            on_skipped(archive, count)


def _size(resources: dict[str, float]) -> tuple[int, int]:
    """(workers, cores of each) for a cluster."""
    cores = int(resources.get("CPU", 0))
    if cores < 1:
        raise EngineError("The Ray cluster has no processor cores to give. Start its worker nodes first.")
    return max(1, cores // CORES), min(CORES, cores)


Result = tuple[int, list[tuple[str, Finding]], list[tuple[str, int]]]  # group number, findings, skipped files by archive


def _results(groups: list[list[str]], settings: WorkerSettings, workers: int, cores: int) -> Iterator[Result]:
    """Each group's result, in order, without lost groups."""
    import ray

    context = ray.data.DataContext.get_current()
    context.execution_options.preserve_order = True
    context.max_errored_blocks = -1
    context.enable_progress_bars = context.print_on_execution_start = False
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)
    items = [{"number": number, "paths": pickle.dumps(paths)} for number, paths in enumerate(groups)]
    with warnings.catch_warnings():  # the pinned version has no other way
        warnings.simplefilter("ignore", ray.util.annotations.RayDeprecationWarning)
        rows = ray.data.from_items(items, override_num_blocks=len(groups)).map_batches(
            Worker,
            fn_constructor_args=(settings,),
            batch_size=1,
            compute=ray.data.ActorPoolStrategy(size=workers),
            num_cpus=cores,
            max_restarts=-1,
            max_task_retries=RETRIES,
        )
    try:
        for row in rows.iter_rows():
            findings, skipped = pickle.loads(row["result"])
            yield row["number"], findings, skipped
    except ray.exceptions.RayError as error:
        lines = [type(error).__name__, *(line.strip() for line in str(error).splitlines() if line.strip())]
        raise EngineError(f"The Ray workers gave up: {lines[-1]}") from error  # the innermost error is told last


class Worker:
    """A Ray actor with one loaded model that reads one group at a time."""

    def __init__(self, settings: WorkerSettings):
        self.on_finding, self.folder = settings.on_finding, str(settings.folder)
        self.decoders = DecoderPool(CORES)  # not one per core of the machine
        atexit.register(self.decoders.close)
        self.predictor = Predictor.load(settings.card.id, settings.models, threads=CORES)
        if settings.profile:
            own = self.predictor.card
            expected_card = replace(settings.card, calibration=own.calibration, cuts=own.cuts)
            if expected_card == own:
                self.predictor = self.predictor.with_profile(settings.profile, settings.card)
        if self.predictor.card != settings.card:
            raise EngineError(f"A worker's model {settings.card.id!r} is another than this one's. Use one model folder for all.")

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[Any]]:
        """{"number": (1,), "paths": (1,), pickled} -> {"number": (1,), "result": (1,), pickled (findings, skipped)}.

        One row per group, so that a group arrives whole or not at all.
        """
        skipped: list[tuple[str, int]] = []
        findings = []
        paths: list[str] = pickle.loads(batch["paths"][0])
        for name, finding in read_files(paths, self.predictor, lambda *skip: skipped.append(skip), self.folder, self.decoders):
            if self.on_finding:
                self.on_finding(name, finding)
            findings.append((name, _light(finding)))
        return {"number": [int(batch["number"][0])], "result": [pickle.dumps((findings, skipped))]}


def _light(finding: Finding) -> Finding:
    """Drop pictures and features, to keep network transfer small."""
    answer = finding.answer and replace(finding.answer, features=None)
    return replace(finding, radiograph=None, canonical=None, answer=answer)
