"""The node's part of bench/hostile_week.py: it is killed between two results, and unacknowledged images are sent again."""

import random
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from exchange.dx import dx_dataset
from exchange.fakes import FakeArchive, closed_port
from exchange.running import node_process
from pynetdicom import AE

SENDERS = 4


@dataclass
class NodeWeek:
    killed: int = 0
    acknowledged: list[str] = field(default_factory=list)  # SOP Instance UIDs
    broken: list[str] = field(default_factory=list)


def send(port: int, image) -> bool:
    """Send one image; whether the node acknowledged it."""
    modality = AE(ae_title="CT01")
    modality.acse_timeout = modality.dimse_timeout = modality.network_timeout = 600
    modality.add_requested_context(image.SOPClassUID)
    association = modality.associate("127.0.0.1", port)
    status = association.send_c_store(image).get("Status") if association.is_established else None
    if association.is_established:
        association.release()
    return status == 0x0000


def play_node(home: Path, models: Path, settings: dict[str, str], patient: str, images: int, kills: int, seed: int) -> NodeWeek:
    """Send until all images are acknowledged; the archive kills the node on certain results. `settings`: the environment."""
    week, processes, gate = NodeWeek(), list[subprocess.Popen](), threading.Lock()
    fatal = {*random.Random(seed).sample(range(1, 2 * images), kills)}

    def store(archive: FakeArchive, _) -> None:
        with gate:
            if archive.asked in fatal:
                fatal.remove(archive.asked)
                processes[-1].kill()
                week.killed += 1

    archive = FakeArchive(on_store=store)
    unsent = [dx_dataset(seed=number, side=64, gamma=0.4, PatientName=patient) for number in range(images)]
    with archive.listening() as address:
        for life in range(kills + 2):
            port = closed_port()
            with node_process(models, home / f"node-{life}.log", address, port, **settings) as process:
                processes.append(process)
                with ThreadPoolExecutor(SENDERS) as senders:
                    arrived = list(senders.map(partial(send, port), unsent))
            week.acknowledged += [image.SOPInstanceUID for image, there in zip(unsent, arrived, strict=True) if there]
            unsent = [image for image, there in zip(unsent, arrived, strict=True) if not there]
            if not unsent:
                break
        else:
            week.broken.append(f"{len(unsent)} images were not acknowledged by a node that was left alone")
    week.broken += without_results(week.acknowledged, archive)
    return week


def without_results(acknowledged: list[str], archive: FakeArchive) -> list[str]:
    """Problems: acknowledged images without report or picture at the archive."""
    problems = []
    for kind, name in (("SR", "report"), ("OT", "picture")):
        results = "".join(result.to_json() for result in archive.stored.values() if result.Modality == kind)
        if missing := [uid for uid in acknowledged if f'"{uid}"' not in results]:
            problems.append(f"the archive has no {name} of {len(missing)} images that the node acknowledged")
    return problems
