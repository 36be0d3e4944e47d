"""TLS for DICOM, if the environment names certificates: of the node, of its callers (each its own), and of the archive."""

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
    callers: Mapping[str, frozenset[bytes]] = field(default_factory=dict)  # AE title: its certificates (DER); empty: any caller


def server_tls(environment: Mapping[str, str]) -> ServerTls | None:
    """TLS of the node, from PNEUMO_TLS_CERTIFICATE, _KEY and _CALLERS; None: not encrypted. Raises ConfigError."""
    own, folder = _setting(environment, "CERTIFICATE"), _setting(environment, "CALLERS")
    if not own:
        if folder:
            raise ConfigError("PNEUMO_TLS_CALLERS needs PNEUMO_TLS_CERTIFICATE, the node's own certificate, beside it.")
        return None
    context = _safe(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
    _load_own_certificate(context, environment)
    if not folder:
        return ServerTls(context)
    callers = {path.stem: _certificates(path) for path in sorted(Path(folder).glob("*.pem"))}
    if not callers:
        raise ConfigError("PNEUMO_TLS_CALLERS: expected a folder with a certificate for each caller, AE-TITLE.pem; found none.")
    context.verify_mode = ssl.CERT_REQUIRED
    _trust(context, "PNEUMO_TLS_CALLERS", [certificate for certificates in callers.values() for certificate in certificates])
    by_title = {title: frozenset(map(ssl.PEM_cert_to_DER_cert, certificates)) for title, certificates in callers.items()}
    return ServerTls(context, by_title)


def client_context(environment: Mapping[str, str]) -> ssl.SSLContext | None:
    """TLS for sending, from PNEUMO_TLS_ARCHIVE and, for our own certificate, _CERTIFICATE and _KEY; None: not encrypted. Raises
    ConfigError."""
    path = _setting(environment, "ARCHIVE")
    if not path:
        return None
    context = _safe(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))  # requires a certificate with the host's name
    if _setting(environment, "CERTIFICATE"):
        _load_own_certificate(context, environment)
    _trust(context, "PNEUMO_TLS_ARCHIVE", _certificates(Path(path)))
    return context


def _setting(environment: Mapping[str, str], name: str) -> str:
    return environment.get(f"PNEUMO_TLS_{name}", "").strip()


def _safe(context: ssl.SSLContext) -> ssl.SSLContext:
    context.minimum_version = ssl.TLSVersion.TLSv1_2  # required by PS3.15 B.9
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # a configured certificate needs no certificate authority
    return context


def _load_own_certificate(context: ssl.SSLContext, environment: Mapping[str, str]) -> None:
    """Load the certificate that we present to the other side. Raises ConfigError."""
    own = _setting(environment, "CERTIFICATE")
    try:
        # Pass an empty password, or OpenSSL would ask for one on the terminal.
        context.load_cert_chain(own, _setting(environment, "KEY") or None, password="")
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
    """All certificates in a PEM file: more than one while a certificate is being replaced."""
    try:
        certificates = _PEM.findall(path.read_text("ascii"))
    except (OSError, UnicodeDecodeError):
        certificates = []
    if not certificates:
        raise ConfigError(f"Expected a certificate as a PEM file; {path.name} cannot be read, or holds none.")
    return [str(certificate) for certificate in certificates]
