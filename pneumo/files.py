"""Naming, writing and hashing files without leaving half of one."""

import hashlib
import json
from pathlib import Path
from typing import Any

_TAIL = 6000  # bytes


def write_json(path: Path, value: Any) -> None:
    """Write JSON so that a reader sees the old file or the new one, never a part."""
    draft = path.with_name(path.name + ".draft")
    draft.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
    draft.replace(path)


def output_stem(path: str, digest: str) -> str:
    """<stem, at most 60 letters>-<first 8 of the file's hash>: two files of one name never overwrite each other.

    Every file system takes it: no letter but printing ones, and short enough for an ending of 50 letters.
    """
    stem = "".join(letter if letter.isprintable() and letter not in '<>:"/\\|?*' else "_" for letter in Path(path).stem[:60])
    return f"{stem.encode()[:190].decode(errors='ignore')}-{digest[:8]}"


def tail(path: Path, lines: int = 20) -> str:
    """The last lines of a log, of its last 6,000 bytes; empty ones at the end do not count. Empty when there is no log."""
    try:
        with open(path, "rb") as file:
            file.seek(max(0, path.stat().st_size - _TAIL))
            text = file.read().decode("utf-8", errors="replace")
    except OSError:
        return ""
    return "\n".join(text.rstrip().splitlines()[-lines:])


def sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
