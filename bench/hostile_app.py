"""The app's part of bench/hostile_week.py: visitors in Chromium, and faults of the app while they use it."""

import hashlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from browser.running import browser_page, free_port, settle, started, tell, wait_for_answer
from exchange.running import waited
from memory_search import children
from playwright.sync_api import Error as BrowserError
from playwright.sync_api import TimeoutError as BrowserTimeout

KILL_APP, KILL_DECODING, FILL = "kill the app", "kill what decodes", "fill the disk"
UNREAD = "files not read, their process killed"
OVER, READING = "over", "files were dropped"  # events of a visit; decoding processes are killed after READING
AT_ONCE, STEPS = 5, 3  # visitors at once; moments in each visit at which a fault may happen
FULL = 6  # steps until a full disk has room again
MOST_RETRIES = 4 * FULL
CLOCKS = (0, 1826, -1826)  # days that the record's clock is ahead, in turn for each start of the app
RUN = """
import sys
from datetime import datetime, timedelta
from pneumo.record import store
class Moved(datetime):
    now = classmethod(lambda cls, zone=None: datetime.now(zone) + timedelta(days={days}))
store.datetime = Moved
from streamlit.web.cli import main
main()
"""


@dataclass
class Week:
    """The app, the faults caused, and the answers it acknowledged."""

    home: Path
    settings: dict[str, str]
    rng: random.Random
    port: int = field(default_factory=free_port)
    did: Counter[str] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)  # hash of a file -> how often the page said that it is recorded
    agreed: set[str] = field(default_factory=set)
    broken: list[str] = field(default_factory=list)
    room_at: int = 0  # step at which a full disk has room again; 0: it has room
    lives: int = 0

    @property
    def record(self) -> Path:
        return self.home / "record"

    def start(self) -> None:
        run = RUN.format(days=CLOCKS[self.lives % len(CLOCKS)])
        self.lives += 1
        self.process = started(self.home, self.port, ("-c", run), **self.settings)
        wait_for_answer(self.port)

    def kill_app(self) -> None:
        decoding = list(children(self.process.pid))
        self.process.kill()
        self.process.wait()
        if not waited(lambda: not any(map(is_alive, decoding)), 30):
            self.broken.append("a process that decodes outlived the app")
        self.did["app killed"] += 1
        self.start()

    def kill_decoding(self) -> None:
        """Kill all within one second, so that some are killed while reading."""
        waited(self._decoding, 30)
        until = time.monotonic() + 1
        while time.monotonic() < until:
            for pid in self._decoding():
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                    self.did["decoding processes killed"] += 1
            time.sleep(0.1)

    def _decoding(self) -> list[int]:
        return [pid for pid, command in children(self.process.pid).items() if "decoding.worker" in command]

    def fill_disk(self, step: int) -> None:
        with open(self.record / "filler", "wb", buffering=0) as file, suppress(OSError):
            while True:
                file.write(bytes(4096))
        self.did["disk filled"] += 1
        self.room_at = step + FULL

    def make_room(self) -> None:
        (self.record / "filler").unlink()
        self.room_at = 0


def is_alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@contextmanager
def small_disk(folder: Path) -> Iterator[bool]:
    """A file system of 4 MB at `folder`; False if mounting is not permitted."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "none", str(folder)]
    mounted = bool(shutil.which("mount")) and not subprocess.run(mount, capture_output=True, check=False).returncode
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)


def drop(week: Week, page, files: list[tuple[str, bytes]]) -> None:
    shown = [{"name": name, "mimeType": "application/octet-stream", "buffer": data} for name, data in files]
    page.locator('input[type="file"]').first.set_input_files(shown)
    week.did["uploads"] += len(files)


def retry_recording(week: Week, page) -> Iterator[None]:
    """Retry while the page says that it could not record; it may also succeed by itself, with the next answer."""
    for _ in range(MOST_RETRIES):
        if not page.get_by_text("not recorded").count():
            return
        week.did["refusals while the disk was full"] += 1
        yield
        with suppress(BrowserTimeout):
            page.get_by_role("button", name="Record now").click(timeout=5_000)
        settle(page)
    week.broken.append("an answer was not recorded although the disk had room")


def visit(week: Week, page, files: list[tuple[str, bytes]]) -> Iterator[str | None]:
    """One visit. The app may be killed at each yield; the visitor then starts a new visit."""
    first, others = files[0], files[1:]
    page.goto(f"http://127.0.0.1:{week.port}", wait_until="domcontentloaded")
    page.get_by_role("button", name="Try it with generated phantoms").wait_for()
    yield
    drop(week, page, [first])
    yield READING
    page.get_by_text(re.compile("Recorded: the file|not recorded|Not read|Not answered")).first.wait_for()
    settle(page)
    yield from retry_recording(week, page)
    if page.get_by_text("Recorded: the file").count():
        sha = hashlib.sha256(first[1]).hexdigest()
        week.answers[sha] += 1
        page.get_by_text("agree", exact=True).click()
        yield
        settle(page)
        if not page.get_by_text("was not saved").count():
            week.agreed.add(sha)
    else:
        week.did[UNREAD] += 1
    page.get_by_role("link", name="Worklist").click()
    page.get_by_role("heading", name="Worklist").wait_for()
    drop(week, page, others)
    yield READING
    page.get_by_role("button", name="Clear all").wait_for()
    settle(page)
    yield from retry_recording(week, page)
    with page.expect_download() as download:
        page.get_by_role("button", name="JSON", exact=True).click()
    findings = [json.loads(line) for line in download.value.path().read_text(encoding="utf-8").splitlines()]
    answered = {finding["sha256"] for finding in findings if finding["status"] == "ok"}
    week.did[UNREAD] += len(findings) - len(answered)
    if len(findings) != len(others):
        week.broken.append(f"{len(others)} files were dropped on a worklist, which lists {len(findings)}")
    if answered and page.get_by_text(f"Recorded: {len(answered)} answers").count():
        week.answers.update(answered)


@dataclass
class Visitor:
    page: object
    files: list[tuple[str, bytes]]
    steps: Iterator[str | None]
    leave: ExitStack


def play(week: Week, chromium, visits: list[list[tuple[str, bytes]]], events: list[str]) -> None:
    """Play all visits, AT_ONCE at a time, one step of one visit after another; each event at a random step."""
    moments = sorted(week.rng.sample(range(1, STEPS * len(visits)), len(events)))
    waiting, present, step = list(visits), list[Visitor](), 0
    while waiting or present:
        while waiting and len(present) < AT_ONCE:
            present.append(_enter(week, chromium, waiting.pop(0)))
        visitor = week.rng.choice(present)
        if (state := _step(week, visitor)) == OVER:
            visitor.leave.close()
            present.remove(visitor)
        step += 1
        if week.room_at and step >= week.room_at:
            week.make_room()
        if moments and step >= moments[0] and (events[0] != KILL_DECODING or state == READING):
            moments.pop(0)
            _happen(week, events.pop(0), step, present)


def _enter(week: Week, chromium, files: list[tuple[str, bytes]]) -> Visitor:
    leave = ExitStack()
    page = leave.enter_context(browser_page(chromium))
    return Visitor(page, files, visit(week, page, files), leave)


def _happen(week: Week, event: str, step: int, present: list[Visitor]) -> None:
    if event == FILL:
        week.fill_disk(step)
    elif event == KILL_DECODING:
        week.kill_decoding()
    else:
        week.kill_app()
        for visitor in present:
            visitor.steps = visit(week, visitor.page, visitor.files)


def _step(week: Week, visitor: Visitor) -> str | None:
    try:
        return next(visitor.steps, OVER)
    except BrowserError as error:
        tell(visitor.page)
        week.broken.append(f"a page did not answer as expected: {error}")
        return OVER
