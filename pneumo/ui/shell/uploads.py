"""Uploads: never written to disk, limited by session, and removed from Streamlit's own storage."""

import re
from collections import Counter
from collections.abc import Sequence

from starlette.datastructures import Headers
from starlette.formparsers import MultiPartParser
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import config
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFile

from pneumo.errors import ConfigError
from pneumo.ui.shell.quota import NOT_TAKEN, limit, waiting
from pneumo.ui.shell.streamlit_internals import session_manager, uploaded_bytes

_UPLOAD = re.compile(r"/_stcore/upload_file/([^/]+)/[^/]+$")
_HEADERS_END, _LONGEST_HEADERS = b"\r\n\r\n", 1 << 16  # of the one part of an upload's body


def keep_in_memory() -> None:
    """Starlette itself writes an upload above 1 MB to a temporary file. server.maxUploadSize still limits it."""
    MultiPartParser.spool_max_size = 0  # tempfile.SpooledTemporaryFile: 0 is never to disk


def take_over(files: Sequence[UploadedFile]) -> list[tuple[str, bytes]]:
    """(name, bytes) of each file, removed from Streamlit's storage as audio_input does. Then draw the uploader under a new key."""
    taken = [(file.name, file.getvalue()) for file in files]  # no copy: the bytes that Streamlit held
    context = get_script_run_ctx()
    if context is not None and isinstance(context.uploaded_file_mgr, MemoryUploadedFileManager):
        for file in files:
            context.uploaded_file_mgr.remove_file(context.session_id, file.file_id)
    return taken


def bounded() -> list[Middleware]:
    """Ends the process with a message when the limit is not valid."""
    try:
        return [Middleware(Bounded, most=limit())]
    except ConfigError as error:
        raise SystemExit(str(error)) from error


class Bounded:
    """ASGI middleware: when a session has no room left, the content of an upload is replaced by NOT_TAKEN.

    An error status would not do: Streamlit shows its number and does not run the page, which could not explain it.
    """

    def __init__(self, app: ASGIApp, most: int) -> None:
        self._app, self._most = app, most
        self._coming: Counter[str] = Counter()  # bytes announced by uploads in progress, by session

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        match = _UPLOAD.search(scope["path"]) if scope["type"] == "http" and scope["method"] == "PUT" else None
        if match is None:
            await self._app(scope, receive, send)
            return
        session, size = match[1], _announced(scope)
        if _held(session) + self._coming[session] + size > self._most:
            receive, size = _named_only(receive), 0
        self._coming[session] += size
        try:
            await self._app(scope, receive, send)
        finally:
            self._coming[session] -= size
            self._coming += Counter()  # drops those that are 0


def _announced(scope: Scope) -> int:
    length = Headers(scope=scope).get("content-length", "")
    return int(length) if length.isdigit() else config.get_option("server.maxUploadSize") << 20


def _held(session: str) -> int:
    """Bytes of a session's files, uploaded or waiting to be read."""
    active = session_manager().get_active_session_info(session)
    return uploaded_bytes(session) + (waiting(active.session.session_state) if active else 0)


def _named_only(receive: Receive) -> Receive:
    """The body with NOT_TAKEN in place of the file's content, which is dropped piece by piece."""

    async def shortened() -> Message:
        head, more = b"", True
        while more:
            message = await receive()
            if message["type"] != "http.request":
                return message  # the browser disconnected
            more = message.get("more_body", False)
            if _HEADERS_END not in head and len(head) < _LONGEST_HEADERS:
                head += message.get("body", b"")
        headers, end, _ = head.partition(_HEADERS_END)
        boundary = headers.partition(b"\r\n")[0]
        return {"type": "http.request", "body": headers + end + NOT_TAKEN + b"\r\n" + boundary + b"--\r\n", "more_body": False}

    return shortened
