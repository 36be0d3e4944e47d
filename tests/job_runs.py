"""Settings, a stand-in for the trainer, and waiting, for the queue's tests."""

import time

from pneumo.training.runfolder import read_status

FRAME = {"lung_centred": "false", "margin": 16}  # finding lungs is slow


TINY = {**FRAME, "filters": "4,8", "dense": 8, "size": 48, "batch_size": 8, "epochs": 3, "learning_rate": 3e-3, "augmentation": 0.3}


ENDED = ("finished", "cancelled", "failed")


# Behaves towards the queue as the trainer does: lock, status, SIGTERM. "<run>.orders" beside the runs changes how it behaves.
STAND_IN = """
import os, signal, sys, time
from pathlib import Path
from pneumo.training.jobs.process import environment, python
from pneumo.training.runfolder import RunStatus, lock, write_status
run = Path(sys.argv[1])
page = run.parent.parent / f"{run.name}.orders"
orders = page.read_text() if page.exists() else ""
if "slow start" in orders:
    signal.signal(signal.SIGTERM, lambda *_: ((run / "asked").touch(), os._exit(1)))
    (run / "begun").touch()
    time.sleep(30)
signal.signal(signal.SIGTERM, signal.SIG_IGN if "deaf" in orders else signal.default_int_handler)
with open(run.parent / "order.txt", "a") as file:
    file.write(f"{run.name} begins\\n")
with lock(run):
    try:
        write_status(run, RunStatus("running", epoch=1, epochs=3, pid=os.getpid()))
        time.sleep(30 if "stay" in orders or "slow end" in orders or "deaf" in orders else 0.3)
        if "wrong" in orders:
            sys.exit("ValueError: nothing works")
        with open(run.parent / "order.txt", "a") as file:
            file.write(f"{run.name} ends\\n")
        write_status(run, RunStatus("finished", epoch=3, epochs=3))
    except KeyboardInterrupt:
        time.sleep(0.5 if "slow end" in orders else 0)
        write_status(run, RunStatus("cancelled", "as asked", epoch=1, epochs=3))
if "slow end" in orders:
    time.sleep(1)
"""


def wait(until, seconds=20):
    end = time.monotonic() + seconds
    while not (value := until()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)
    return value


def state(run, *expected, seconds=20):
    return wait(lambda: (status := read_status(run)).state in expected and status, seconds)
