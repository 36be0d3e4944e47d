"""Naming, writing and hashing files without leaving half of one."""

import hashlib
import json
from pathlib import Path
from typing import Any


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


def sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
