"""Settings for sending results, from the environment. Nothing is sent unless it names an archive."""

import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from pneumo.access import is_loopback
from pneumo.errors import ConfigError
from pneumo.exchange.tls import client_context

AE_TITLE = "PNEUMO"
REPORT, CAPTURE, PDF, SEG = OBJECTS = ("report", "capture", "pdf", "seg")  # that can be made of an image
DEFAULT_OBJECTS = frozenset({REPORT, CAPTURE})


@dataclass(frozen=True)
class Archive:
    """An archive that speaks DIMSE (C-STORE, C-FIND, C-ECHO)."""

    host: str
    port: int
    ae_title: str  # the archive's

    @classmethod
    def parse(cls, text: str) -> "Archive":
        """ "HOST:PORT:AET" as in "pacs.example.org:104:ARCHIVE". Raises ConfigError."""
        host, port, title = (text.rsplit(":", 2) + ["", ""])[:3]
        number = int(port) if port.isascii() and port.isdigit() else 0
        if not host or not 0 < number < 65536:
            raise ConfigError(f"Expected an archive as HOST:PORT:AET, for example pacs.example.org:104:ARCHIVE; received {text!r}.")
        return cls(host.strip("[]"), number, checked_ae_title(title))


@dataclass(frozen=True)
class WebArchive:
    """An archive that speaks DICOMweb: STOW-RS and QIDO-RS below `url`."""

    url: str
    user: str = ""
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)  # bearer token; takes precedence over user and password

    def __post_init__(self) -> None:
        try:
            parts = urlsplit(self.url)
            valid = parts.scheme in ("http", "https") and parts.hostname and not (parts.username or parts.query or parts.fragment)
        except ValueError:
            valid = False
        if not valid:  # the URL is not quoted: it may contain a password
            raise ConfigError("PNEUMO_STOW_URL: expected http:// or https:// and no password, for example https://pacs/dicom-web.")
        if not self.encrypted and (self.user or self.password or self.token) and not is_loopback(str(parts.hostname)):
            raise ConfigError(
                "PNEUMO_STOW_URL: a password or token is sent over https only; received an http:// address of another computer. "
                "Use https://, or do not set PNEUMO_STOW_USER, PNEUMO_STOW_PASSWORD and PNEUMO_STOW_TOKEN."
            )
        object.__setattr__(self, "url", self.url.rstrip("/"))

    @property
    def encrypted(self) -> bool:
        return urlsplit(self.url).scheme == "https"


@dataclass(frozen=True)
class SendSettings:
    """Both targets are None by default: nothing is sent."""

    archive: Archive | None = None
    web: WebArchive | None = None
    ae_title: str = AE_TITLE  # our own, as calling AE
    timeout: float = 20.0  # seconds for connecting, and for each answer
    confirm: float = 5.0  # seconds within which a query must find an accepted object
    tls: ssl.SSLContext | None = None  # for `archive`; None: not encrypted

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "SendSettings":
        """From PNEUMO_PACS, PNEUMO_STOW_URL, _USER, _PASSWORD, _TOKEN, PNEUMO_AE_TITLE, PNEUMO_SEND_TIMEOUT, PNEUMO_TLS_*.

        Raises ConfigError.
        """

        def setting(name: str, default: str = "") -> str:
            return environment.get(f"PNEUMO_{name}", "").strip() or default

        try:
            timeout = float(setting("SEND_TIMEOUT", "20"))
        except ValueError:
            timeout = 0.0
        if not 0 < timeout <= 600:
            raise ConfigError(f"PNEUMO_SEND_TIMEOUT: expected seconds from 1 to 600; received {setting('SEND_TIMEOUT')!r}.")
        url = setting("STOW_URL")
        return cls(
            archive=Archive.parse(setting("PACS")) if setting("PACS") else None,
            web=WebArchive(url, setting("STOW_USER"), setting("STOW_PASSWORD"), setting("STOW_TOKEN")) if url else None,
            ae_title=checked_ae_title(setting("AE_TITLE", AE_TITLE)),
            timeout=timeout,
            tls=client_context(environment),
        )


def objects_asked(text: str | None = None, environment: Mapping[str, str] = os.environ) -> frozenset[str]:
    """Which objects are made: `text`, else PNEUMO_OBJECTS, else report and capture. The report always is. Raises ConfigError."""
    words = (text or environment.get("PNEUMO_OBJECTS", "")).lower().replace(",", " ").split()
    if unknown := sorted(set(words) - set(OBJECTS)):
        raise ConfigError(f"PNEUMO_OBJECTS or --objects: expected some of {', '.join(OBJECTS)}; received {', '.join(unknown)}.")
    return frozenset(words) | {REPORT} if words else DEFAULT_OBJECTS


def checked_ae_title(text: str) -> str:
    """1 to 16 printable ASCII characters, no backslash (PS3.5 6.2, AE). Raises ConfigError."""
    title = text.strip()
    if not 1 <= len(title) <= 16 or not title.isascii() or not title.isprintable() or "\\" in title:
        raise ConfigError(f"Expected an AE title of 1 to 16 letters and digits; received {text!r}.")
    return title
