"""Download the public set over HTTP: resumable, checked against the published checksum, then unpacked."""

import hashlib
import os
import re
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import requests

from pneumo.data import unpack as sets
from pneumo.data.records import SPLITS
from pneumo.data.unpack import CHUNK, LIMITS, MANIFEST, Cancelled, Limits, Meter, OnProgress, Progress, Stopped
from pneumo.errors import DataError

__all__ = ["KAGGLE", "MENDELEY", "Patience", "Progress", "Source", "Stopped", "download_dataset", "fetch", "kaggle"]
KAGGLE = "paultimothymooney/chest-xray-pneumonia"
_BUSY = (408, 425, 429, 500, 502, 503, 504)  # worth a retry
_PASSING = (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError)


@dataclass(frozen=True)
class Source:
    url: str
    file_name: str
    # URL of a JSON list of {filename, content_details: {sha256_hash, size}}; empty: no published checksum
    listing: str = ""
    most_bytes: int = 4 << 30  # size limit


MENDELEY = Source(
    "https://data.mendeley.com/public-files/datasets/rscbjbr9sj/files/f12eaf6d-6023-432f-acc9-80c9d7393433/file_downloaded",
    "ChestXRay2017.zip",
    "https://data.mendeley.com/public-api/datasets/rscbjbr9sj/files?folder_id=root&version=2",
)


@dataclass(frozen=True)
class Patience:
    """Retries and timeouts."""

    retries: int = 6  # after the first try
    backoff: float = 1.0  # seconds before the first retry, doubled for each further one
    timeout: float = 30.0  # seconds without data


PATIENCE = Patience()


class _Cut(Exception):
    """The transfer broke off; a retry may help."""


def download_dataset(
    folder: Path,
    source: Source = MENDELEY,
    on_progress: OnProgress = None,
    sha256: str | None = None,
    cancelled: Cancelled = lambda: False,
    patience: Patience = PATIENCE,
    limits: Limits = LIMITS,
) -> Path:
    """Fetch the set and unpack it to `folder`, the new or empty folder that will hold train/ and test/; return `folder`.

    An existing set is checked and kept. The archive is stored in the hidden folder .NAME.download beside `folder` until it is
    unpacked, so that a later call resumes. Raises DataError as `fetch` and `unpack_dataset` do, Stopped when cancelled.
    """
    folder = Path(folder)
    if (folder / MANIFEST).is_file():
        sets.check_set(folder)
        return folder
    sets.refuse_occupied(folder)  # before the download
    store = folder.resolve().with_name(f".{folder.resolve().name}.download")
    archive = fetch(source, store, on_progress, sha256, cancelled, patience)
    sets.unpack_dataset(archive, folder, on_progress, limits, cancelled)
    shutil.rmtree(store, ignore_errors=True)
    return folder


def fetch(
    source: Source,
    folder: Path,
    on_progress: OnProgress = None,
    sha256: str | None = None,
    cancelled: Cancelled = lambda: False,
    patience: Patience = PATIENCE,
) -> Path:
    """Download `source` to `folder`/file_name and return that path; only a file with the expected SHA-256 gets the name.

    The expected checksum is `sha256` (hex) or from the source's listing; without either the caller checks the file, and an existing
    file is kept. A later call resumes file_name.part unless the server's file changed; `Progress.done` returns to 0 only on a
    restart. Raises DataError (no listing, no connection, full disk, wrong checksum: the part is deleted), Stopped when cancelled.
    """
    expected, size = _sum(sha256) if sha256 else "", None
    if source.listing and not expected:
        expected, size = _published(source, patience.timeout)
    final = Path(folder) / source.file_name
    part = final.with_name(final.name + ".part")
    meter = partial(Meter, on_progress, cancelled)
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        if final.is_file() and (not expected or _digest(final, meter) == expected):
            return final
        _persist(lambda: _transfer(source, part, size, meter, patience.timeout), patience, cancelled)
        if expected and (received := _digest(part, meter)) != expected:
            _forget(part)
            problem = f"{source.file_name} is not the published file: expected SHA-256 {expected}, received {received}"
            raise DataError(f"{problem}. It was deleted; start again, and if this comes back, do not use that source.")
        os.replace(part, final)
        _forget(part)
    except OSError as error:
        raise sets.disk_error(error, final) from error
    return final


def _published(source: Source, timeout: float) -> tuple[str, int]:
    """(SHA-256, size in bytes) from the source's listing."""
    remedy = "If you know the file's SHA-256 from elsewhere, give it with --sha256."
    try:
        answer = requests.get(_web(source.listing), timeout=timeout)
        answer.raise_for_status()
        listed = {entry["filename"]: entry["content_details"] for entry in answer.json()}
        if source.file_name in listed:
            return _sum(listed[source.file_name]["sha256_hash"]), int(listed[source.file_name]["size"])
    except (requests.ConnectionError, requests.Timeout) as error:
        host = urlsplit(source.listing).hostname
        raise DataError(
            f"No checksum and size could be had: {host} could not be reached. Check the network and try again. {remedy}"
        ) from error
    except (requests.RequestException, DataError, ValueError, KeyError, TypeError, AttributeError) as error:
        problem = f"No checksum and size could be had from the list of files at {source.listing} ({_brief(error)})"
        raise DataError(f"{problem}. {remedy}") from error
    names = ", ".join(map(str, listed)) or "nothing"
    raise DataError(f"{source.file_name} is not in the list of files at {source.listing}, which has {names}. {remedy}")


def _persist(step: Callable[[], None], patience: Patience, cancelled: Cancelled) -> None:
    """Run `step` with at most `retries` retries."""
    for attempt in range(patience.retries + 1):
        try:
            return step()
        except (_Cut, *_PASSING) as error:
            cut = error
        except requests.RequestException as error:
            raise DataError(f"The download is not possible ({_brief(error)}).") from error
        until = time.monotonic() + (patience.backoff * 2**attempt if attempt < patience.retries else 0)
        while (seconds := until - time.monotonic()) > 0 and not cancelled():  # the next step raises Stopped
            time.sleep(min(seconds, 0.2))
    problem = f"The connection failed {patience.retries + 1} times, the last time with {_brief(cut)}"
    raise DataError(f"{problem}. What came is kept; start again later to go on from there.") from cut


def _transfer(source: Source, part: Path, size: int | None, meter: Callable[..., Meter], timeout: float) -> None:
    """Complete `part`. Raises _Cut or an exception of requests if it breaks off."""
    url = _web(source.url)
    tag_file = part.with_name(part.name + ".etag")
    have = part.stat().st_size if part.exists() else 0
    count = meter("download", size or 0, have)
    if have and have == size:
        return
    tag = tag_file.read_text(encoding="utf-8") if have and tag_file.exists() else ""
    headers = {"Accept-Encoding": "identity"}  # no compression: ranges count raw bytes
    if have:
        headers |= {"Range": f"bytes={have}-"} | ({"If-Range": tag} if tag else {})
    with requests.get(url, headers=headers, stream=True, timeout=timeout) as answer:
        status, new_tag = answer.status_code, answer.headers.get("ETag", "")
        span = re.fullmatch(r"bytes (?:(\d+)-\d+|\*)/(\d+)", answer.headers.get("Content-Range", ""))
        if status == 416 and span and int(span[2]) == have:
            return
        goes_on = status == 206 and span and span[1] == str(have) and new_tag in ("", tag or new_tag)
        if status in (206, 416) and not goes_on:
            _forget(part)
            raise _Cut(f"HTTP {status} with another part than was asked for")
        if status in _BUSY:
            raise _Cut(f"HTTP {status} {answer.reason}")
        if status not in (200, 206):
            raise DataError(f"{url} answered HTTP {status} {answer.reason}; expected the file.")
        have = have if goes_on else 0
        total = int(span[2] if goes_on and span else answer.headers.get("Content-Length", 0))
        if size is not None and total not in (0, size):
            raise DataError(f"{url} offers {total:,} bytes; expected the {size:,} that the publisher lists.")
        total = total or size or 0
        if total > source.most_bytes:
            raise _too_large(source, f"offers {total:,} bytes", part)
        sets.need_space(part.parent, total - have)
        with open(part, "ab" if goes_on else "wb") as file:
            if not goes_on:  # a weak ETag does not guarantee equal bytes
                tag_file.write_text("" if new_tag.startswith("W/") else new_tag, encoding="utf-8")
            count = meter("download", total, have)
            for chunk in answer.iter_content(CHUNK):
                if count.done + len(chunk) > source.most_bytes:  # the server may not send a length
                    raise _too_large(source, "goes on", part)
                file.write(chunk)
                count.add(len(chunk))
    if total and count.done != total:
        raise _Cut(f"{count.done:,} of {total:,} bytes")


def _too_large(source: Source, problem: str, part: Path) -> DataError:
    _forget(part)
    return DataError(
        f"{source.url} {problem}; expected at most {source.most_bytes:,} bytes. Nothing was kept; do not use that source."
    )


def _digest(path: Path, meter: Callable[..., Meter]) -> str:
    """SHA-256 in hex; progress stage "check"."""
    digest, count = hashlib.sha256(), meter("check", path.stat().st_size)
    with open(path, "rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
            count.add(len(chunk))
    return digest.hexdigest()


def _sum(text: str) -> str:
    if not re.fullmatch(r"[0-9a-fA-F]{64}", text.strip()):
        raise DataError(f"Expected a SHA-256 of 64 hexadecimal digits, received {text!r}.")
    return text.strip().lower()


def _forget(part: Path) -> None:
    for path in (part, part.with_name(part.name + ".etag")):
        path.unlink(missing_ok=True)


def _web(url: str) -> str:
    if urlsplit(url).scheme.lower() not in ("http", "https"):
        raise DataError(f"Expected an address that starts with https:// or http://, received {url!r}.")
    return url


def _brief(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error)[:200]}" if str(error) else type(error).__name__


def kaggle(folder: Path) -> Path:
    """Get Kaggle's copy of the set (train, val, test) through kagglehub, copy it to `folder` and return `folder`.

    kagglehub keeps its own copy in its cache. Raises DataError when it is not installed, not logged in, or gives another set.
    """
    sets.refuse_occupied(folder)
    try:
        import kagglehub

        cache = Path(kagglehub.dataset_download(KAGGLE))
    except ImportError as error:
        raise DataError("Kaggle's own downloader is missing. Install it: pip install kagglehub") from error
    except Exception as error:  # kagglehub's exception types differ between versions
        raise DataError(
            f"Kaggle did not give {KAGGLE} ({_brief(error)}). If it asks for a login, make an API token at "
            "https://www.kaggle.com/settings, save it as ~/.kaggle/kaggle.json (or set KAGGLE_USERNAME and KAGGLE_KEY), try again."
        ) from error
    files = [path for path in cache.rglob("*") if path.is_file() and "__MACOSX" not in path.parts]
    root = cache / sets.find_root(path.relative_to(cache).as_posix() for path in files)
    with sets.draft_of(folder, f"kaggle:{KAGGLE}") as draft:
        sets.need_space(draft, sum(path.stat().st_size for path in files))
        for path in root.iterdir():
            if path.is_dir() and path.name.lower() in SPLITS:
                shutil.copytree(path, draft / path.name, ignore=shutil.ignore_patterns(".*"))
    return Path(folder)
