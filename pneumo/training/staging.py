"""Draft folders of promotions, beside the registry's models."""

import contextlib
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from pneumo.data.split import SPLIT
from pneumo.errors import RunError
from pneumo.training.runfolder import is_held, lock, settle

_PREFIX = ".promoting-"
GRACE = 60.0  # seconds: the owner of a younger folder may not hold its lock yet
_COPIED = ("config.json", SPLIT, "history.jsonl", "source.json", "best.keras")


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
    """Copy the files that promotion reads, under the run's lock, so that network and history match.

    Raises RunError while a process trains in `run`.
    """
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
