"""Kill training and promotion (SIGKILL) at random moments, and check what is left on the disk.

PYTHONPATH=.:tests python bench/kill_training.py [--kills 50] [--promotions 10] [--epochs 8] [--seed 0]

A tiny network on generated phantoms is trained once without interruption, then in runs that are killed and resumed until all kills
are used and the last run has finished. About half of the kills come after a random processor time, the others at the n-th change of
a file (open for writing, rename, remove), to hit the moments around a write. After each kill the run folder must be readable, its
checkpoints whole, and the registry unchanged; each finished run's history must equal the uninterrupted one's within 0.1 %. Then
promotions are killed: the registry must hold the whole model or none, and a promotion without a kill must succeed.

Each attempt is a fork of this process, which has imported TensorFlow and computed nothing: 50 new starts would take 5 minutes.
Exit code 1 if a check failed.
"""

import argparse
import hashlib
import os
import random
import signal
import sys
import tempfile
import time
import traceback
import zipfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"

import numpy as np
from fuzz.harness import processor
from tiny_model import make_registry

from pneumo.errors import RunError
from pneumo.registry.model_folder import list_models
from pneumo.registry.models import verified
from pneumo.synthetic.phantom import write_set
from pneumo.training.config import make_config
from pneumo.training.fit import train
from pneumo.training.promote import promote_run
from pneumo.training.runfolder import best_epoch, history, load_config, read_status

TINY = {"filters": "4,8", "dense": 8, "size": 48, "batch_size": 8, "learning_rate": 3e-3, "augmentation": 0.3}
FIGURES = ("loss", "accuracy", "auc", "val_loss", "val_accuracy", "val_auc")
CHANGES = {"os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.truncate"}  # audit events; and `open` for writing


@dataclass(frozen=True)
class Ended:
    code: int | None  # None: it was killed
    seconds: float  # of processor time


def attempt(work: Callable[[], object], seconds: float = 600.0, change: int = 0, changes_file: Path | None = None) -> Ended:
    """Do `work` in a fork; kill it after `seconds` of processor time, or at its `change`-th change of a file.

    `changes_file`: where the fork writes how many changes it made.
    """
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        _in_the_fork(work, change, changes_file)
    while True:
        ended, status, used = os.wait4(pid, os.WNOHANG)
        if ended:
            killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
            return Ended(None if killed else os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime)
        if processor(pid) > seconds:
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.005)


def _in_the_fork(work: Callable[[], object], change: int, changes_file: Path | None) -> None:
    changes = 0

    def count(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal changes
        if event in CHANGES or (event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)):
            changes += 1
            if changes == change:
                os.kill(os.getpid(), signal.SIGKILL)

    code = 1
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        sys.addaudithook(count)
        work()
        code = 0
        if changes_file:
            changes_file.write_text(str(changes), encoding="ascii")
    except BaseException:  # noqa: BLE001
        traceback.print_exc()
    finally:
        os._exit(code)


def digest_of(folder: Path) -> str:
    """One hash of a folder's content, without unfinished promotions."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.relative_to(folder).parts[0].startswith("."):
            digest.update(str(path.relative_to(folder)).encode() + path.read_bytes())
    return digest.hexdigest()


def faults_of(run: Path, unbroken: list[dict[str, float]]) -> list[str]:
    """Faults of a run folder that no process is using."""
    if not (run / "config.json").is_file():
        return []  # killed before it began; the next start is a new one
    load_config(run)
    faults, lines = [], history(run)
    try:
        if read_status(run).state not in ("failed", "finished"):
            faults.append(f"status {read_status(run).state}")
    except RunError as error:
        if (run / "status.json").exists() or lines:
            faults.append(str(error))
    if [line["epoch"] for line in lines] != list(range(1, len(lines) + 1)):
        faults.append(f"epochs {[line['epoch'] for line in lines]}")
    faults += [f"epoch {line['epoch']}: {line}" for line, whole in zip(lines, unbroken, strict=False) if not alike(line, whole)]
    best = run / f"best-{best_epoch(lines)}.keras"
    for path in (run / f"last-{len(lines)}.keras", best if best.exists() else run / "best.keras") if lines else ():
        if not path.is_file() or zipfile.ZipFile(path).testzip():
            faults.append(f"{path.name} is not whole")
    return faults


def alike(line: dict[str, float], whole: dict[str, float]) -> bool:
    return np.allclose([line[key] for key in FIGURES], [whole[key] for key in FIGURES], rtol=1e-3)


def main(options: argparse.Namespace) -> int:
    rng = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as scratch:
        work = Path(scratch)
        os.environ["PNEUMO_CACHE_DIR"] = str(work / "cache")
        data, runs, registry = work / "set", work / "runs", make_registry(work / "models")
        write_set(data, patients=12, seed=1)
        config, faults = make_config("cnn", {**TINY, "epochs": options.epochs}), Counter[str]()
        began = time.monotonic()
        unbroken_run = attempt(lambda: train(config, data, runs / "unbroken"), changes_file=work / "changes")
        if unbroken_run.code != 0:
            raise SystemExit("The unbroken run did not end well.")
        length, changes = unbroken_run.seconds, int((work / "changes").read_text())
        unbroken, before = history(runs / "unbroken"), digest_of(registry)
        print(f"unbroken: {len(unbroken)} epochs in {length:.1f} s of processor time, {changes} changes of files", flush=True)

        kills, done, by, at_epoch = 0, 0, Counter[str](), Counter[int]()
        while kills < options.kills or (runs / f"{done + 1}").exists():
            run = runs / f"{done + 1}"
            clock, last = rng.random() < 0.5, kills >= options.kills
            moment = {} if last else {"seconds": rng.uniform(0, length)} if clock else {"change": rng.randint(1, changes)}
            resume = (run / "config.json").is_file()
            code = attempt(lambda run=run, resume=resume: train(config, data, run, resume), **moment).code
            new_faults = faults_of(run, unbroken) if run.exists() else []
            if digest_of(registry) != before:
                new_faults.append("the registry changed")
            if code is None:
                kills += 1
                by["time" if clock else "write"] += 1
                at_epoch[len(history(run)) if run.exists() else 0] += 1
            elif code:
                new_faults.append(f"exit code {code}")
            else:
                done += 1
                if len(history(run)) != len(unbroken):
                    new_faults.append(f"{len(history(run))} epochs")
            for fault in new_faults:
                faults[fault] += 1
                print(f"FAULT after kill {kills}, run {run.name}: {fault}", flush=True)
            if code and sum(faults.values()) > 20:
                return 1
        print(
            f"training: {kills} kills ({by['time']} by time, {by['write']} at a write), {done} runs finished, each with the "
            f"history of the unbroken one; kills by epochs done: {dict(sorted(at_epoch.items()))}",
            flush=True,
        )
        promotions(options, rng, work, data, registry, faults)
        print(f"{sum(faults.values())} faults in {time.monotonic() - began:.0f} s")
        return bool(faults)


def promotions(
    options: argparse.Namespace, rng: random.Random, work: Path, data: Path, registry: Path, faults: Counter[str]
) -> None:
    if not options.promotions:
        return
    kills = whole = left = 0
    run = work / "runs" / "unbroken"
    first = attempt(lambda: promote_run(run, "measured", data, "bench", root=registry), changes_file=work / "changes")
    if first.code != 0:
        faults["promotion"] += 1
        return
    length, changes = first.seconds, int((work / "changes").read_text())
    for number in range(options.promotions):
        model = f"model-{number}"
        moment = {"seconds": rng.uniform(0, length)} if rng.random() < 0.5 else {"change": rng.randint(1, changes)}
        before = digest_of(registry / "tiny")
        code = attempt(lambda model=model: promote_run(run, model, data, "bench", root=registry), **moment).code
        kills += code is None
        if code:
            faults[f"promotion: exit code {code}"] += 1
        if model in list_models(registry):
            verified(model, registry)
            whole += code is None
        elif code is None and attempt(lambda model=model: promote_run(run, model, data, "bench", root=registry)).code != 0:
            faults["promotion did not succeed after a kill"] += 1
        verified(model, registry)
        if digest_of(registry / "tiny") != before:
            faults["another model changed"] += 1
        left = max(left, len(list(registry.glob(".promoting-*"))))
    print(
        f"promotion ({length:.1f} s of processor time, {changes} changes of files): {kills} kills, {whole} of them when the "
        f"model was there; every model whole in the end; at most {left} folders left over at a time"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--promotions", type=int, default=10)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    sys.exit(main(parser.parse_args()))
