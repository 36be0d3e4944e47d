"""A model folder is sealed: MANIFEST names every file with its SHA-256, and MANIFEST.minisig says who vouches for it.

Nothing else may lie in the folder. What does not fit is refused, whoever signed; what fits and is unsigned serves, and is
told to be unsigned. `sha256sum -c MANIFEST` and `minisign -Vm MANIFEST` check the same without Pneumo.
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
from pneumo.registry.signing_keys import known_keys, only_signed, signing_key

log = logging.getLogger(__name__)

MANIFEST, SIGNATURE = "MANIFEST", "MANIFEST.minisig"
_LINE = re.compile(r"([0-9a-f]{64})  ([^/\\\x00-\x1f]+)")


@dataclass(frozen=True)
class Seal:
    """What a folder's manifest says, and who signed it."""

    files: dict[str, str]  # name -> SHA-256
    signer: str = ""  # "the project", "this site"; empty where no known key signed
    key: str = ""  # id of the key that signed; empty: unsigned

    @property
    def state(self) -> str:
        """In words, for whoever relies on the model."""
        if self.signer:
            return f"signed by {self.signer} (key {self.key})"
        return f"signed by a key that is not known here ({self.key})" if self.key else "unsigned"


def read_seal(folder: Path, whose: str) -> Seal:
    """The seal itself; the files are not looked at. `whose` begins each message, as in "Model 'cnn'".

    Raises ModelError for a manifest that is missing or damaged, a signature that does not fit, and, where the site asks for
    signatures, for one of no known key.
    """
    data = _read(folder, MANIFEST, whose)
    files = _parsed(data)
    if files is None:
        raise ModelError(f"{whose} does not verify: {MANIFEST} is damaged. Restore it.")
    signer, key = _signer(folder, data, whose)
    seal = Seal(files, signer, key)
    if not signer and only_signed():
        raise ModelError(f"{whose} is {seal.state}, and PNEUMO_REQUIRE_SIGNED asks for a known signature. {_sign(folder)}")
    return seal


def listed_files(folder: Path) -> dict[str, str]:
    """What the manifest names, whoever signed it; nothing where there is none that can be read."""
    path = folder / MANIFEST
    return (_parsed(path.read_bytes()) or {}) if path.is_file() else {}


def sealed_file(folder: Path, name: str, whose: str) -> bytes:
    """One file, as the manifest says it is. Raises ModelError."""
    return _sealed(folder, name, read_seal(folder, whose), whose)


def sealed_files(folder: Path, whose: str) -> tuple[Seal, dict[str, bytes]]:
    """The seal and the bytes of every file of the folder, after each was found as the manifest says it is.

    Raises ModelError for a file that is altered, missing, or not named in the manifest.
    """
    seal = read_seal(folder, whose)
    contents = {name: _sealed(folder, name, seal, whose) for name in seal.files}
    if extra := sorted(_names(folder) - set(seal.files)):
        raise ModelError(f"{whose} does not verify: its {MANIFEST} knows no {extra[0]}. Remove that, or restore the folder.")
    return seal, contents


def seal(folder: Path, key: SecretKey | None = None) -> Seal:
    """Write the manifest over every file that lies there, and sign it with `key`, where there is one.

    Raises ModelError for what no manifest can name.
    """
    files = {}
    for name in sorted(_names(folder)):
        if not (folder / name).is_file() or not (name.isprintable() and _LINE.fullmatch(f"{'0' * 64}  {name}")):
            raise ModelError(f"{folder.name} cannot be sealed: {name!r} is no plain file. Remove it.")
        files[name] = sha256(folder / name)
    return _write(folder, files, key)


def reseal(folder: Path, written: Iterable[str]) -> None:
    """Bring the manifest up to date with the files that were just written, and with no other: what was altered stays so.

    A folder that a known key had signed is signed by the site's key, or unsigned where there is none; one that was unsigned
    stays so. Does nothing where there is no manifest yet.
    """
    if not (folder / MANIFEST).is_file():
        return
    before = read_seal(folder, folder.name)
    key = signing_key() if before.signer else None
    after = _write(folder, {**before.files, **{name: sha256(folder / name) for name in written}}, key)
    if after.state != before.state:
        log.warning("%s was %s; it was changed, and is now %s.", folder.name, before.state, after.state)


def _write(folder: Path, files: dict[str, str], key: SecretKey | None) -> Seal:
    """The signature goes first and comes last: a kill in between leaves the folder unsigned, not with a wrong signature."""
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
    *lines, rest = data.decode("utf-8", "replace").split("\n")
    entries = [_LINE.fullmatch(line) for line in lines]
    files = {entry[2]: entry[1] for entry in entries if entry}
    whole = files and len(files) == len(entries) and not rest and not {MANIFEST, SIGNATURE} & set(files)
    return files if whole else None


def _signer(folder: Path, data: bytes, whose: str) -> tuple[str, str]:
    if not (folder / SIGNATURE).exists():
        return "", ""
    try:
        signature = Signature.parse(_read(folder, SIGNATURE, whose).decode())
    except ValueError as error:
        raise ModelError(f"{whose} does not verify: {SIGNATURE} is damaged. Restore it.") from error
    for who, key in known_keys():
        if key.number == signature.number:
            if key.verifies(data, signature):
                return who, key.id
            raise ModelError(f"{whose} does not verify: {MANIFEST} is not what {who} signed. Restore the folder.")
    return "", signature.id


def _sealed(folder: Path, name: str, seal: Seal, whose: str) -> bytes:
    if name not in seal.files:
        raise ModelError(f"{whose} does not verify: its {MANIFEST} knows no {name}. {_sign(folder)}")
    data = _read(folder, name, whose)
    if hashlib.sha256(data).hexdigest() != seal.files[name]:
        raise ModelError(f"{whose} does not verify: {name} was altered. Restore it; it is not used until then.")
    return data


def _read(folder: Path, name: str, whose: str) -> bytes:
    path = folder / name
    if not path.is_file():
        remedy = _sign(folder) if name == MANIFEST else "Restore it; no answer is given without it."
        raise ModelError(f"{whose} is incomplete: {name} is missing. {remedy}")
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelError(f"{whose}: {name} cannot be read ({error.strerror}). Restore it.") from error


def _sign(folder: Path) -> str:
    return f"Restore the folder; if it is your own and as it should be: python -m pneumo models sign {folder.name}"


def _names(folder: Path) -> set[str]:
    try:
        return {path.name for path in folder.iterdir()} - {MANIFEST, SIGNATURE}
    except OSError as error:
        raise ModelError(f"The folder {folder} cannot be listed ({error.strerror}). Give this program the right to.") from error
