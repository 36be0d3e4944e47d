"""Synthetic data sets for tests: each is drawn once in a process, because drawing takes seconds, and then copied."""

import functools
import shutil
import tempfile
from pathlib import Path

from pneumo.synthetic.phantom import write_set


def copy_set(place: Path, patients: int, seed: int = 1) -> None:
    """The same as `write_set`, from a copy."""
    shutil.copytree(_drawn(patients, seed).name, place)


@functools.cache
def _drawn(patients: int, seed: int) -> tempfile.TemporaryDirectory:
    folder = tempfile.TemporaryDirectory()  # deleted at the end of the process
    write_set(Path(folder.name), patients, seed)
    return folder
