"""Play a week of faults against the running app and node, then check every promise.

PYTHONPATH=.:tests python bench/hostile_week.py [--sessions 50] [--uploads 500] [--kills 2] [--seed 0]

Needs Chromium, and root for the full disk. Visitors in Chromium, five at a time, drop X-rays of invented patients on Diagnose and
the worklist and agree with answers. Meanwhile the app and its decoding processes are killed (SIGKILL), the disk of the record is
filled (a tmpfs, if mounting is permitted), and the app restarts with a clock five years ahead, then five years behind. A node
receives images and is killed between two results that it sends to its archive. Prints events and broken promises as JSON; exit
code 1 if a promise was broken.
"""

import argparse
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

from browser.running import ROOT, TEMPORARY, running_chromium
from browser.test_memory_in_chromium import Patient
from browser.test_privacy_in_chromium import GUARD
from browser.traces import pieces, traces, writings
from exchange.running import waited
from memory_search import children, left
from record.making import rows
from tiny_model import make_registry

from bench.hostile_app import CLOCKS, FILL, KILL_APP, KILL_DECODING, Week, play, small_disk
from bench.hostile_node import NodeWeek, play_node
from pneumo.imaging.decoding.decode import decode_image
from pneumo.imaging.preprocess import canonical
from pneumo.record.case import AGREE

NAME, INSIDE = "Zwetschgenbaum Ottilie", "Schwarzwurzel"  # in file names; inside files
SEARCHED = 4  # last patients whose pixels are searched in the app's memory; names of all are


def lost(answers: Counter[str], agreed: set[str], cases: list[tuple[str, str]]) -> list[str]:
    """Acknowledged answers and agreements that are missing in `cases`: (hash of the file, agreement)."""
    missing = answers - Counter(sha for sha, _ in cases)
    forgotten = agreed - {sha for sha, agreement in cases if agreement == AGREE}
    problems = [f"{missing.total()} answers are not in the record, which the page said are"] if missing else []
    return problems + ([f"{len(forgotten)} agreements are not in the record, which the page took"] if forgotten else [])


def of_pictures(patients: list[Patient]) -> set[bytes]:
    """What must not be on the disk: the names in any encoding, and pieces of each file and of its canonical image."""
    needles = {*writings(NAME).values(), *writings(INSIDE).values()}
    for patient in patients:
        for data in islice(patient.files.values(), 3):
            needles |= {*pieces(data).values(), *pieces(canonical(decode_image(data)).tobytes()).values()}
    return needles


def sessions_end(week: Week, patients: list[Patient]) -> list[str]:
    """After the last visit: sessions must end, and the memory of app and decoding processes must hold nothing of the patients."""

    def none() -> bool:
        metrics = urllib.request.urlopen(f"http://127.0.0.1:{week.port}/_stcore/metrics", timeout=60).read().decode()
        return bool(re.search(r"^active_sessions 0$", metrics, re.MULTILINE))

    problems = [] if waited(none, 60) else ["sessions did not end"]
    needles = {NAME.encode(): "a name", INSIDE.encode(): "a name within a file"}
    needles |= {needle: name for patient in patients[-SEARCHED:] for name, needle in patient.needles.items()}
    for pid in (week.process.pid, *children(week.process.pid)):
        try:
            problems += [f"memory holds {needles[needle]}" for needle in left(pid, needles)]
        except PermissionError:
            week.did["memory not searched: not permitted"] = 1
        except FileNotFoundError:  # it ended meanwhile
            continue
    return problems


def audit(week: Week, action: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pneumo", "audit", action]
    return subprocess.run(command, cwd=ROOT, env=os.environ | week.settings, capture_output=True, text=True, check=False)


def record_is_whole(week: Week) -> list[str]:
    """Purge and verify with the right clock, and compare with the acknowledged answers."""
    purged, verified = audit(week, "purge"), audit(week, "verify")
    week.did["cases in the record"] = len(cases := rows(week.record, "SELECT file_sha256, agreement FROM cases"))
    wrong = [f"audit verify: {verified.stdout}{verified.stderr}"] if verified.returncode else []
    wrong += [f"audit purge: {purged.stderr}"] if "Traceback" in purged.stderr else []
    return wrong + lost(week.answers, week.agreed, cases)


def nothing_written(week: Week, guard: Path, needles: set[bytes]) -> list[str]:
    noted = [os.readlink(path) for path in guard.iterdir()]
    allowed = (str(week.home), "/dev/", "/proc/")
    written = {line.removeprefix("open ") for line in noted if line.startswith("open ") and "__pycache__" not in line}
    elsewhere = {path for path in written if not path.startswith(allowed)}
    temporary = {line for line in noted if line.startswith(("temporary", "nameless", f"open {week.home / TEMPORARY}"))}
    sent = {line for line in noted if line.startswith("socket")}
    tracebacks = [f"{log.name}: a traceback" for log in week.home.glob("*log") if "Traceback" in log.read_text()]
    return traces(week.home, needles) + sorted(elsewhere | temporary | sent) + tracebacks


def play_week(chromium, scratch: Path, sessions: int, uploads: int, kills: int, seed: int) -> dict[str, object]:
    """Counts of all events; "broken" lists broken promises. `scratch` is an empty folder."""
    began, rng = time.monotonic(), random.Random(seed)
    home, guard, models = scratch / "home", scratch / "guard", make_registry(scratch / "models", subtype=True)
    home.mkdir()
    guard.mkdir()
    watched = {"PNEUMO_GUARD": str(guard), "PYTHONPATH": str(GUARD), "PYTHONDONTWRITEBYTECODE": "1"}
    settings = {
        **watched,
        "PNEUMO_MODELS_DIR": str(models),
        "PNEUMO_RECORD": f"sqlite:///{home / 'record' / 'record.sqlite'}",
        "PNEUMO_RECORD_DAYS": "30",
        "STREAMLIT_SERVER_DISCONNECTED_SESSION_TTL": "1",
    }
    patients = [Patient(f"{NAME} {number}", f"{INSIDE} {number}", number) for number in range(-(-uploads // 3))]
    files = [item for patient in patients for item in islice(patient.files.items(), 3)][:uploads]
    visits = [files[number::sessions] for number in range(sessions)]
    week = Week(home, settings, rng)
    with small_disk(week.record) as mounted, ThreadPoolExecutor(1) as beside:
        own = {**watched, "HOME": str(home), "TMPDIR": str(home / TEMPORARY)}
        node = beside.submit(play_node, home, models, own, NAME, max(4, uploads // 5), kills, seed)
        events = [KILL_APP] * kills + [KILL_DECODING] * max(1, sessions // 5) + [FILL] * (max(1, sessions // 20) if mounted else 0)
        rng.shuffle(events)
        week.start()
        try:
            play(week, chromium, visits, events)
            week.broken += sessions_end(week, patients)
        finally:
            week.process.terminate()
            week.process.wait(60)
        node_week: NodeWeek = node.result()
        week.broken += node_week.broken + record_is_whole(week) + nothing_written(week, guard, of_pictures(patients))
    done = {
        "visitors": sessions,
        **week.did,
        "days that the clock was ahead": list(CLOCKS[: week.lives]),
        "answers acknowledged": week.answers.total(),
        "agreements acknowledged": len(week.agreed),
        "node killed": node_week.killed,
        "images acknowledged by the node": len(node_week.acknowledged),
    }
    done |= {} if mounted else {"disk filled": "no: mounting a file system is not permitted here"}
    return {**done, "seconds": round(time.monotonic() - began), "broken": week.broken}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, value in (("sessions", 50), ("uploads", 500), ("kills", 2), ("seed", 0)):
        parser.add_argument(f"--{name}", type=int, default=value)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch, running_chromium() as chromium:
        result = play_week(chromium, Path(scratch), **vars(options))
    print(json.dumps(result, indent=2))
    return bool(result["broken"])


if __name__ == "__main__":
    sys.exit(main())
