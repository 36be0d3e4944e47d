"""Dropped files: kept off the disk on their way in, bounded by session, and taken over from Streamlit, which would hold them on."""

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
    """By itself Starlette writes an upload above 1 MB into a temporary file. server.maxUploadSize limits it in any case."""
    MultiPartParser.spool_max_size = 0  # to tempfile.SpooledTemporaryFile: never to the disk


def take_over(files: Sequence[UploadedFile]) -> list[tuple[str, bytes]]:
    """(name, bytes) of each file, which from now on lives as long as the caller holds it.

    As Streamlit's own audio_input does with a recording. Draw the uploader anew, under another key, afterwards.
    """
    taken = [(file.name, file.getvalue()) for file in files]  # no copy: the very bytes that Streamlit held
    context = get_script_run_ctx()
    if context is not None and isinstance(context.uploaded_file_mgr, MemoryUploadedFileManager):
        for file in files:
            context.uploaded_file_mgr.remove_file(context.session_id, file.file_id)
    return taken


def bounded() -> list[Middleware]:
    """Ends the process, with a sentence, where the bound is set to what is none."""
    try:
        return [Middleware(Bounded, most=limit())]
    except ConfigError as error:
        raise SystemExit(str(error)) from error


class Bounded:
    """ASGI middleware: of a session that has no room left, a file arrives by its name alone, with NOT_TAKEN in its place.

    Not an error: Streamlit would show its number and run the page no more, so that nothing could be said of the file there.
    """

    def __init__(self, app: ASGIApp, most: int) -> None:
        self._app, self._most = app, most
        self._coming: Counter[str] = Counter()  # bytes announced by uploads that are on their way, by session

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = _UPLOAD.search(scope["path"]) if scope["type"] == "http" and scope["method"] == "PUT" else None
        if found is None:
            await self._app(scope, receive, send)
            return
        session, size = found[1], _announced(scope)
        if _held(session) + self._coming[session] + size > self._most:
            receive, size = _named_only(receive), 0
        self._coming[session] += size
        try:
            await self._app(scope, receive, send)
        finally:
            self._coming[session] -= size
            self._coming += Counter()  # drops those that are 0


def _announced(scope: Scope) -> int:
    told = Headers(scope=scope).get("content-length", "")
    return int(told) if told.isdigit() else config.get_option("server.maxUploadSize") << 20


def _held(session: str) -> int:
    """Bytes of a session's files, uploaded or waiting to be read."""
    active = session_manager().get_active_session_info(session)
    return uploaded_bytes(session) + (waiting(active.session.session_state) if active else 0)


def _named_only(receive: Receive) -> Receive:
    """The body as it comes, but for the content of the file, which is let go of piece by piece."""

    async def shortened() -> Message:
        head, more = b"", True
        while more:
            message = await receive()
            if message["type"] != "http.request":
                return message  # the browser went
            more = message.get("more_body", False)
            if _HEADERS_END not in head and len(head) < _LONGEST_HEADERS:
                head += message.get("body", b"")
        headers, end, _ = head.partition(_HEADERS_END)
        boundary = headers.partition(b"\r\n")[0]
        return {"type": "http.request", "body": headers + end + NOT_TAKEN + b"\r\n" + boundary + b"--\r\n", "more_body": False}

    return shortened
