"""Synthetic data sets for tests: each drawn once a process, because drawing takes seconds, and copied to whoever needs one."""

import functools
import shutil
import tempfile
from pathlib import Path

from pneumo.synthetic.phantom import write_set


def copy_set(place: Path, patients: int, seed: int = 1) -> None:
    """What `write_set` makes."""
    shutil.copytree(_drawn(patients, seed).name, place)


@functools.cache
def _drawn(patients: int, seed: int) -> tempfile.TemporaryDirectory:
    folder = tempfile.TemporaryDirectory()  # gone with the process
    write_set(Path(folder.name), patients, seed)
    return folder
