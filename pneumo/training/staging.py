"""Where a promotion puts a model together: beside the registry's models, in a folder that nothing reads."""

import contextlib
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from pneumo.errors import RunError
from pneumo.training.runfolder import is_held, lock, settle

_PREFIX = ".promoting-"
GRACE = 60.0  # seconds; a younger folder's owner may be about to take its lock
_READ = ("config.json", "split.csv", "history.jsonl", "source.json", "best.keras")  # of a run, by promotion


@contextlib.contextmanager
def draft_folder(root: Path) -> Iterator[Path]:
    """A new folder in `root`, removed at the end. Those that killed promotions left behind are removed first."""
    for left in root.glob(_PREFIX + "*"):
        with contextlib.suppress(OSError):  # another promotion may be removing it as well
            if time.time() - left.stat().st_mtime > GRACE and not is_held(FileLock(left / "lock"), patience=0):
                shutil.rmtree(left)
    folder = Path(tempfile.mkdtemp(dir=root, prefix=_PREFIX))
    try:
        with FileLock(folder / "lock"):
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def copy_run(run: Path, folder: Path) -> Path:
    """What promotion reads of `run`, copied while nobody trains in it: a network and its history belong together.

    Raises RunError while somebody does.
    """
    try:
        with lock(run):
            settle(run)  # a kill may have come between the history and the best network it counts
            folder.mkdir()
            for name in _READ:
                if (run / name).is_file():
                    shutil.copy(run / name, folder / name)
    except Timeout as error:
        raise RunError(f"Another process is training in {run}. Wait for it, or cancel it, and promote then.") from error
    return folder
