"""Seal of a model folder: MANIFEST lists every file with its SHA-256, MANIFEST.minisig is its signature.

A folder with any other, missing or altered file is refused, even if signed. An unsigned folder that matches its manifest may
serve and is reported as unsigned. `sha256sum -c MANIFEST` and `minisign -Vm MANIFEST` check the same without Pneumo.
"""

import hashlib
import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pneumo.errors import ModelError
from pneumo.files import sha256
from pneumo.registry.minisign import SecretKey, Signature
from pneumo.registry.signing_keys import known_keys, signature_required, signing_key

log = logging.getLogger(__name__)

MANIFEST, SIGNATURE = "MANIFEST", "MANIFEST.minisig"
_LINE = re.compile(r"([0-9a-f]{64})  ([^/\\\x00-\x1f]+)")


@dataclass(frozen=True)
class Seal:
    """Content of a folder's manifest, and its signer."""

    files: dict[str, str]  # name -> SHA-256
    signer: str = ""  # "the project" or "this site"; empty if not signed by a known key
    key: str = ""  # id of the signing key; empty: unsigned

    @property
    def state(self) -> str:
        """The signature state in words, for users of the model."""
        if self.signer:
            return f"signed by {self.signer} (key {self.key})"
        return f"signed by a key that is not known here ({self.key})" if self.key else "unsigned"


def read_seal(folder: Path, subject: str) -> Seal:
    """Read manifest and signature, but not the files. `subject` begins each error message, for example "Model 'cnn'".

    Raises ModelError if the manifest is missing or damaged, if the signature does not match, or, where the site requires
    signatures, if it is not by a known key.
    """
    data = _read(folder, MANIFEST, subject)
    files = _parsed(data)
    if files is None:
        raise ModelError(f"{subject} does not verify: {MANIFEST} is damaged. Restore it.")
    signer, key = _signer(folder, data, subject)
    seal = Seal(files, signer, key)
    if not signer and signature_required():
        raise ModelError(f"{subject} is {seal.state}, and PNEUMO_REQUIRE_SIGNED asks for a known signature. {_sign(folder)}")
    return seal


def listed_files(folder: Path) -> dict[str, str]:
    """Files in the manifest, without checking its signature; empty if there is no readable manifest."""
    path = folder / MANIFEST
    return (_parsed(path.read_bytes()) or {}) if path.is_file() else {}


def sealed_file(folder: Path, name: str, subject: str) -> bytes:
    """The bytes of one file, verified against the manifest. Raises ModelError."""
    return _sealed(folder, name, read_seal(folder, subject), subject)


def sealed_files(folder: Path, subject: str) -> tuple[Seal, dict[str, bytes]]:
    """The seal, and the bytes of every file of the folder, verified against the manifest.

    Raises ModelError for a file that is altered, missing, or not in the manifest.
    """
    seal = read_seal(folder, subject)
    contents = {name: _sealed(folder, name, seal, subject) for name in seal.files}
    if extra := sorted(_names(folder) - set(seal.files)):
        raise ModelError(f"{subject} does not verify: its {MANIFEST} does not list {extra[0]}. Remove that, or restore the folder.")
    return seal, contents


def seal_folder(folder: Path, key: SecretKey | None = None) -> Seal:
    """Write the folder's manifest, signed if `key` is given. Raises ModelError for all but plain files with printable names."""
    files = {}
    for name in sorted(_names(folder)):
        if not (folder / name).is_file() or not (name.isprintable() and _LINE.fullmatch(f"{'0' * 64}  {name}")):
            raise ModelError(f"{folder.name} cannot be sealed: {name!r} is no plain file. Remove it.")
        files[name] = sha256(folder / name)
    return _write(folder, files, key)


def reseal(folder: Path, written: Iterable[str]) -> None:
    """Update the manifest for the files in `written` only, so that other altered files are still refused.

    A folder signed by a known key is signed anew with the site's key, or becomes unsigned if there is none; an unsigned folder
    stays unsigned. Does nothing if there is no manifest yet.
    """
    if not (folder / MANIFEST).is_file():
        return
    before = read_seal(folder, folder.name)
    key = signing_key() if before.signer else None
    after = _write(folder, {**before.files, **{name: sha256(folder / name) for name in written}}, key)
    if after.state != before.state:
        log.warning("%s was %s; it was changed, and is now %s.", folder.name, before.state, after.state)


def _write(folder: Path, files: dict[str, str], key: SecretKey | None) -> Seal:
    """Remove the old signature first and write the new one last: if killed in between, the folder is unsigned, not invalid."""
    data = "".join(f"{digest}  {name}\n" for name, digest in sorted(files.items())).encode()
    (folder / SIGNATURE).unlink(missing_ok=True)
    _replace(folder / MANIFEST, data)
    if key:
        _replace(folder / SIGNATURE, key.sign(data, f"Pneumo model folder {folder.name}").text.encode())
    return Seal(files, *_signer(folder, data, folder.name))


def _replace(path: Path, data: bytes) -> None:
    draft = path.with_name(path.name + ".draft")
    draft.write_bytes(data)
    draft.replace(path)


def _parsed(data: bytes) -> dict[str, str] | None:
    """{name: SHA-256} of a manifest; None if it is damaged."""
    *lines, rest = data.decode("utf-8", "replace").split("\n")
    entries = [_LINE.fullmatch(line) for line in lines]
    files = {entry[2]: entry[1] for entry in entries if entry}
    valid = files and len(files) == len(entries) and not rest and not {MANIFEST, SIGNATURE} & set(files)
    return files if valid else None


def _signer(folder: Path, data: bytes, subject: str) -> tuple[str, str]:
    if not (folder / SIGNATURE).exists():
        return "", ""
    try:
        signature = Signature.parse(_read(folder, SIGNATURE, subject).decode())
    except ValueError as error:
        raise ModelError(f"{subject} does not verify: {SIGNATURE} is damaged. Restore it.") from error
    for signer, key in known_keys():
        if key.number == signature.number:
            if key.verifies(data, signature):
                return signer, key.id
            raise ModelError(f"{subject} does not verify: {MANIFEST} is not what {signer} signed. Restore the folder.")
    return "", signature.id


def _sealed(folder: Path, name: str, seal: Seal, subject: str) -> bytes:
    if name not in seal.files:
        raise ModelError(f"{subject} does not verify: its {MANIFEST} does not list {name}. {_sign(folder)}")
    data = _read(folder, name, subject)
    if hashlib.sha256(data).hexdigest() != seal.files[name]:
        raise ModelError(f"{subject} does not verify: {name} was altered. Restore it; it is not used until then.")
    return data


def _read(folder: Path, name: str, subject: str) -> bytes:
    path = folder / name
    if not path.is_file():
        remedy = _sign(folder) if name == MANIFEST else "Restore it; no answer is given without it."
        raise ModelError(f"{subject} is incomplete: {name} is missing. {remedy}")
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelError(f"{subject}: {name} cannot be read ({error.strerror}). Restore it.") from error


def _sign(folder: Path) -> str:
    return f"Restore the folder; if it is your own and as it should be: python -m pneumo models sign {folder.name}"


def _names(folder: Path) -> set[str]:
    try:
        return {path.name for path in folder.iterdir()} - {MANIFEST, SIGNATURE}
    except OSError as error:
        raise ModelError(f"The folder {folder} cannot be listed ({error.strerror}). Give this program the right to.") from error
