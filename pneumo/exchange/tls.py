"""TLS for DICOM, where the environment names certificates: of callers, each by its own, and of the archive."""

import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pneumo.errors import ConfigError

_PEM = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


@dataclass(frozen=True)
class ServerTls:
    context: ssl.SSLContext
    callers: Mapping[str, frozenset[bytes]] = field(default_factory=dict)  # AE title: its certificates (DER); none: any caller


def server_tls(environment: Mapping[str, str]) -> ServerTls | None:
    """From PNEUMO_TLS_CERTIFICATE, _KEY and _CALLERS; None: no encryption. Raises ConfigError."""
    own, folder = _told(environment, "CERTIFICATE"), _told(environment, "CALLERS")
    if not own:
        if folder:
            raise ConfigError("PNEUMO_TLS_CALLERS needs PNEUMO_TLS_CERTIFICATE, the node's own certificate, beside it.")
        return None
    context = _safe(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
    _show(context, environment)
    if not folder:
        return ServerTls(context)
    callers = {path.stem: _certificates(path) for path in sorted(Path(folder).glob("*.pem"))}
    if not callers:
        raise ConfigError("PNEUMO_TLS_CALLERS: expected a folder with a certificate for each caller, AE-TITLE.pem; found none.")
    context.verify_mode = ssl.CERT_REQUIRED
    _trust(context, "PNEUMO_TLS_CALLERS", [one for certificates in callers.values() for one in certificates])
    return ServerTls(context, {title: frozenset(map(ssl.PEM_cert_to_DER_cert, several)) for title, several in callers.items()})


def client_context(environment: Mapping[str, str]) -> ssl.SSLContext | None:
    """From PNEUMO_TLS_ARCHIVE, and PNEUMO_TLS_CERTIFICATE and _KEY if the archive asks who we are; None: no encryption.

    Raises ConfigError.
    """
    path = _told(environment, "ARCHIVE")
    if not path:
        return None
    context = _safe(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))  # which asks for a certificate, and for the host's name in it
    if _told(environment, "CERTIFICATE"):
        _show(context, environment)
    _trust(context, "PNEUMO_TLS_ARCHIVE", _certificates(Path(path)))
    return context


def _told(environment: Mapping[str, str], name: str) -> str:
    return environment.get(f"PNEUMO_TLS_{name}", "").strip()


def _safe(context: ssl.SSLContext) -> ssl.SSLContext:
    context.minimum_version = ssl.TLSVersion.TLSv1_2  # as PS3.15 B.9 asks for
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # a certificate that is named needs no authority
    return context


def _show(context: ssl.SSLContext, environment: Mapping[str, str]) -> None:
    """Have the context show our own certificate."""
    own = _told(environment, "CERTIFICATE")
    try:
        # An empty password: one that is needed would be asked for on the terminal.
        context.load_cert_chain(own, _told(environment, "KEY") or None, password="")
    except (OSError, ValueError):
        raise ConfigError(
            "PNEUMO_TLS_CERTIFICATE and PNEUMO_TLS_KEY: expected a certificate and its key, without a password, as PEM files; "
            "could not read them, or they do not belong together."
        ) from None


def _trust(context: ssl.SSLContext, name: str, certificates: list[str]) -> None:
    try:
        context.load_verify_locations(cadata="\n".join(certificates))
    except (OSError, ValueError):
        raise ConfigError(f"{name}: a certificate in it is damaged. Export it again as PEM.") from None


def _certificates(path: Path) -> list[str]:
    """Every certificate in a PEM file; two, while one takes the other's place."""
    try:
        found = _PEM.findall(path.read_text("ascii"))
    except (OSError, UnicodeDecodeError):
        found = []
    if not found:
        raise ConfigError(f"Expected a certificate as a PEM file; {path.name} cannot be read, or holds none.")
    return [str(one) for one in found]
