"""Known signing keys: the project's, and the site's own for models that it trains itself (SECURITY.md)."""

import logging
import os
from pathlib import Path

from pneumo.errors import ConfigError
from pneumo.paths import HOME
from pneumo.registry.minisign import PublicKey, SecretKey

log = logging.getLogger(__name__)

PROJECT = "RWQ9Iyf3adBTvMWFdNWB1x5rH3FNNJ+DJdS4DbzsboOt9mabDk3YxOVr"  # public key, as for `minisign -P`


def known_keys() -> list[tuple[str, PublicKey]]:
    """(signer, public key) of each known key."""
    site = _site_public()
    return [("the project", PublicKey.parse(PROJECT)), *([("this site", site)] if site else [])]


def signature_required() -> bool:
    """Whether the site requires a signature by a known key. Any PNEUMO_REQUIRE_SIGNED but 0, false, no or empty means yes."""
    return os.environ.get("PNEUMO_REQUIRE_SIGNED", "").strip().lower() not in ("", "0", "false", "no")


def signing_key() -> SecretKey | None:
    """The site's secret key; None if this computer does not have it. Raises ConfigError if the file is not a key."""
    path = _site_key_path()
    return read_key(path) if path and path.is_file() else None


def read_key(path: Path) -> SecretKey:
    """Read a secret key. Raises ConfigError."""
    try:
        return SecretKey.parse(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"The signing key {path} cannot be read: {error.strerror or error}.") from error
    except ValueError as error:
        raise ConfigError(f"The signing key {path} cannot be used: {error}. Expected a minisign key without a password.") from error


def make_site_key(path: Path | None = None) -> tuple[Path, PublicKey]:
    """Write a new key pair: the secret key, readable by its owner only, and beside it the public one (.pub). Raises ConfigError."""
    path = path or _site_key_path()
    if path is None:
        raise ConfigError("There is no home folder to keep a key in. Name a file: models key --output FILE.")
    if path.resolve().is_relative_to(HOME):
        raise ConfigError(f"A signing key must not be inside Pneumo's own folder ({HOME}). Give another --output.")
    key = SecretKey.new()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(key.text)
        path.with_suffix(".pub").write_text(key.public.text, encoding="utf-8")
    except FileExistsError as error:
        raise ConfigError(f"There is a key already: {path}. Keep it; without it, what it signed would be unknown.") from error
    except OSError as error:
        raise ConfigError(f"The key cannot be written to {path}: {error.strerror or error}. Give another --output.") from error
    return path, key.public


def _site_public() -> PublicKey | None:
    setting, path = os.environ.get("PNEUMO_SITE_KEY", "").strip(), _site_key_path()
    public = Path(setting) if setting else path and path.with_suffix(".pub")
    if not public or not (setting or public.is_file()):
        return None
    try:
        return PublicKey.parse(public.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        unknown = "folders signed with it count as signed by an unknown key"
        log.warning("The site's public key %s cannot be read (%s): " + unknown + ".", public, error)
        return None


def _site_key_path() -> Path | None:
    """PNEUMO_SIGNING_KEY, otherwise site.key in the user's settings folder; None if there is no home folder."""
    if setting := os.environ.get("PNEUMO_SIGNING_KEY", "").strip():
        return Path(setting)
    settings = os.environ.get("APPDATA" if os.name == "nt" else "XDG_CONFIG_HOME", "").strip()
    try:
        return (Path(settings) if settings else Path.home() / ".config") / "pneumo" / "site.key"
    except RuntimeError:
        return None
