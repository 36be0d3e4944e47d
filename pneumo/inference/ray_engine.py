"""The local engine's work spread over many processes and machines by Ray Data: paths -> findings, in order.

Only this module imports ray, and only when it is asked to (requirements-scale.txt). Every machine of a cluster must see the same
files, model folder and program under the same paths; of pictures, nothing travels: what is made of them is made where they
were read.
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
from pathlib import Path
from typing import Any

from pneumo.errors import ConfigError, EngineError
from pneumo.imaging.decoding.pool import DecoderPool
from pneumo.inference.batch import read_files, unread
from pneumo.inference.finding import Finding
from pneumo.inference.predictor import InTermsOf, Predictor
from pneumo.paths import models_dir
from pneumo.registry.models import ModelCard

CORES = 2  # of one worker: it decodes on one and asks the network on the other
GROUP = 16  # files that a worker is given at once, at most: what a worker that dies has to read again
RETRIES = 3  # of a group whose worker died
_GROUPS_A_WORKER = 8  # at least, so that all finish at about the same time

# No statistics to Ray's makers, and less of what its own processes print past every logger.
_QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_BACKEND_LOG_LEVEL": "fatal"}
# The first is Ray's word for 127.0.0.1 alone, on Linux as well; other users of this machine have no token.
_ALONE = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_AUTH_MODE": "token"}
# With its statistics off Ray still asks which cloud it is in, by HTTP: it finds a proxy that nobody is.
_NOBODY = "http://127.0.0.1:9"
_NO_WAY_OUT = {"http_proxy": _NOBODY, "https_proxy": _NOBODY, "no_proxy": "127.0.0.1,localhost"}

Each = Callable[[str, Finding], None]


@dataclass(frozen=True)
class Asking:
    """What a worker needs to know. `each` is called with every (name, finding) where it was read, while it has its pictures."""

    card: ModelCard
    models: Path
    folder: Path  # where relative paths begin
    each: Each | None
    profile: InTermsOf | None = None  # whose calibration and cuts the card then has


@contextmanager
def connected(address: str | None) -> Iterator[None]:
    """A Ray to ask: the cluster at `address` (host:port), or a local one for as long as this lasts; one that is up already is used.

    The local one listens on the loopback address alone, without dashboard and usage statistics, and its folder of logs is
    removed. Raises ConfigError where ray is not installed or no cluster answers.
    """
    if importlib.util.find_spec("ray") is None:
        raise ConfigError("The engine ray is not installed. Run pip install -r requirements-scale.txt, or use --engine local.")
    os.environ |= _QUIET if address else {**_QUIET, **_ALONE}
    if address is None:
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))  # Ray's own would stay in a file for all to read
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
            with _environment(_NO_WAY_OUT):
                ray.init(
                    "local",
                    include_dashboard=False,
                    _node_ip_address="127.0.0.1",
                    _temp_dir=scratch,
                    object_store_memory=256 << 20,
                    **quiet,
                )
        yield
    finally:
        ray.shutdown()
        if scratch:
            shutil.rmtree(scratch, ignore_errors=True)


def _join(address: str, quiet: dict[str, Any]) -> None:
    import ray

    try:
        host, _, port = address.removeprefix("ray://").rpartition(":")
        socket.create_connection((host, int(port)), timeout=10).close()  # Ray itself would try for two minutes
        ray.init(address, **quiet)
    except (OSError, ValueError, RuntimeError) as error:
        raise ConfigError(f"No Ray cluster answers at {address}. Expected host:port of its head node, seen from here.") from error


@contextmanager
def _environment(changes: dict[str, str]) -> Iterator[None]:
    """For the processes that are started meanwhile."""
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
    each: Each | None = None,
) -> Iterator[tuple[str, Finding]]:
    """What `read_files` gives, answered by workers that load the same model; the findings come without pictures.

    The files of a group whose worker died RETRIES + 1 times are `error` findings. Raises EngineError where no
    worker can start, such as for want of the model.
    """
    everything = list(paths)
    if not everything:
        return
    import ray

    workers, cores = _size(ray.cluster_resources())
    step = max(1, min(GROUP, len(everything) // (workers * _GROUPS_A_WORKER)))
    groups = [everything[at : at + step] for at in range(0, len(everything), step)]
    asking = Asking(predictor.card, models_dir().resolve(), Path.cwd(), each, predictor.profile)
    come = 0
    for number, found, skipped in _results(groups, asking, workers, cores):
        for lost in groups[come:number]:
            yield from _lost(lost, predictor)
        come = number + 1
        yield from found
        for archive, count in skipped:
            on_skipped(archive, count)
    for lost in groups[come:]:
        yield from _lost(lost, predictor)


def _size(resources: dict[str, float]) -> tuple[int, int]:
    """(workers, processor cores of each) of a cluster as it stands."""
    cores = int(resources.get("CPU", 0))
    if cores < 1:
        raise EngineError("The Ray cluster has no processor cores to give. Start its worker nodes first.")
    return max(1, cores // CORES), min(CORES, cores)


def _lost(paths: list[str], predictor: Predictor) -> Iterator[tuple[str, Finding]]:
    reason = f"The worker that read this file, or one of the {GROUP} given to it at once, ended {RETRIES + 1} times. Ask again."
    return ((path, unread(reason, predictor)) for path in paths)


Result = tuple[int, list[tuple[str, Finding]], list[tuple[str, int]]]  # number of the group, findings, archives with other files


def _results(groups: list[list[str]], asking: Asking, workers: int, cores: int) -> Iterator[Result]:
    """Each group's result, in order; one that was lost is left out."""
    import ray

    context = ray.data.DataContext.get_current()
    context.execution_options.preserve_order = True
    context.max_errored_blocks = -1
    context.enable_progress_bars = context.print_on_execution_start = False
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)
    items = [{"number": number, "paths": pickle.dumps(paths)} for number, paths in enumerate(groups)]
    with warnings.catch_warnings():  # these two have no other place in the pinned version
        warnings.simplefilter("ignore", ray.util.annotations.RayDeprecationWarning)
        rows = ray.data.from_items(items, override_num_blocks=len(groups)).map_batches(
            Worker,
            fn_constructor_args=(asking,),
            batch_size=1,
            compute=ray.data.ActorPoolStrategy(size=workers),
            num_cpus=cores,
            max_restarts=-1,
            max_task_retries=RETRIES,
        )
    try:
        for row in rows.iter_rows():
            found, skipped = pickle.loads(row["result"])
            yield row["number"], found, skipped
    except ray.exceptions.RayError as error:
        raise EngineError(f"The Ray workers gave up: {_innermost(error)}") from error


def _innermost(error: BaseException) -> str:
    lines = [line for line in str(error).splitlines() if line.strip()]
    return lines[-1].strip() if lines else type(error).__name__


class Worker:
    """Lives in a process of its own, holds one model, and is given one group after the other."""

    def __init__(self, asking: Asking):
        self.each, self.folder = asking.each, str(asking.folder)
        self.decoders = DecoderPool(CORES)  # the other cores are the other workers'
        atexit.register(self.decoders.close)
        self.predictor = Predictor.load(asking.card.id, asking.models, threads=CORES)
        if asking.profile:
            own = self.predictor.card
            asked = replace(asking.card, calibration=own.calibration, cuts=own.cuts)
            self.predictor = self.predictor.read_by(asking.profile, asking.card) if asked == own else self.predictor
        if self.predictor.card != asking.card:
            raise EngineError(f"A worker's model {asking.card.id!r} is another than this one's. Use one model folder for all.")

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[Any]]:
        """{"number": (1,), "paths": (1,), pickled} -> {"number": (1,), "result": (1,), pickled (findings, skipped)}.

        One row a group: it comes whole or not at all, so that nothing of it can be lost or doubled.
        """
        skipped: list[tuple[str, int]] = []
        found = []
        paths: list[str] = pickle.loads(batch["paths"][0])
        for name, finding in read_files(paths, self.predictor, lambda *other: skipped.append(other), self.folder, self.decoders):
            if self.each:
                self.each(name, finding)
            found.append((name, _light(finding)))
        return {"number": [int(batch["number"][0])], "result": [pickle.dumps((found, skipped))]}


def _light(finding: Finding) -> Finding:
    """Without pictures and features: a million of these cross the network."""
    answer = finding.answer and replace(finding.answer, features=None)
    return replace(finding, radiograph=None, canonical=None, answer=answer)
