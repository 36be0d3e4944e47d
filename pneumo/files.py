"""Write files atomically; name and hash files, and read the end of a log."""

import hashlib
import json
from pathlib import Path
from typing import Any

_TAIL = 6000  # bytes


def write_json(path: Path, value: Any) -> None:
    """Write JSON atomically: a reader sees the old file or the new one, never a part."""
    draft = path.with_name(path.name + ".draft")
    draft.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
    draft.replace(path)


def output_stem(path: str, digest: str) -> str:
    """<stem, at most 60 characters>-<first 8 characters of the file's hash>, so that files of equal name have different outputs.

    Valid on every file system: printable characters only, and short enough to append 50 characters.
    """
    stem = "".join(letter if letter.isprintable() and letter not in '<>:"/\\|?*' else "_" for letter in Path(path).stem[:60])
    return f"{stem.encode()[:190].decode(errors='ignore')}-{digest[:8]}"


def tail(path: Path, lines: int = 20) -> str:
    """The last `lines` lines within the last 6,000 bytes of a log, without empty lines at the end; empty if there is no log."""
    try:
        with open(path, "rb") as file:
            file.seek(max(0, path.stat().st_size - _TAIL))
            text = file.read().decode("utf-8", errors="replace")
    except OSError:
        return ""
    return "\n".join(text.rstrip().splitlines()[-lines:])


def json_sha256(value: object) -> str:
    """SHA-256 of the one way to write a value as JSON, hex."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
