"""The end of a session: its X-rays are removed from this process and from the one that decoded them.

Streamlit itself drops a closed session only when the next one closes, which may be tomorrow, and keeps the values of widgets.
"""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from importlib import import_module

import pyarrow
import streamlit as st
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import runtime
from streamlit.runtime.app_session import AppSession

from pneumo.imaging.decoding.pool import shared_pool
from pneumo.memory import MANY_BLOCKS, collect_and_overwrite, freeze_garbage_collector, limit_malloc
from pneumo.ui.shell import streamlit_internals

EVERY = 3.0  # seconds between two checks; a session that lost its connection stays for server.disconnectedSessionTTL
GOING_AWAY = 1001  # sent when a page is closed, left or reloaded, after which its session cannot resume (RFC 6455, 7.4.1)
_PAGES = ("shell.frame", "diagnose.viewer", "worklist.table")  # imported early: what an answer needs of pneumo.ui


@asynccontextmanager
async def end_sessions(app: st.App) -> AsyncIterator[None]:
    """While the server runs, remove sessions past their time: state, uploads and media files."""
    limit_malloc()
    pyarrow.set_memory_pool(pyarrow.system_memory_pool())  # pyarrow's own pool would keep the file names of a deleted table
    for name in _PAGES:
        import_module(f"pneumo.ui.{name}")
    freeze_garbage_collector()
    ended: list[AppSession] = []
    undo_hooks = (streamlit_internals.hook_sessions(ended.append), streamlit_internals.keep_downloads())
    task = asyncio.create_task(_sweep(ended))
    try:
        yield
    finally:
        task.cancel()
        for undo in undo_hooks:
            undo()


def leaving(app: ASGIApp) -> ASGIApp:
    """ASGI middleware: reads why a page's connection ended, which Streamlit ignores."""

    async def reading(scope: Scope, receive: Receive, send: Send) -> None:
        await app(scope, partial(_receive, scope, receive) if scope["type"] == "websocket" else receive, send)

    return reading


async def _receive(scope: Scope, receive: Receive) -> Message:
    message = await receive()
    if message["type"] == "websocket.disconnect" and message.get("code") == GOING_AWAY:
        sessions = streamlit_internals.session_manager()
        for active in sessions.list_active_sessions():
            if streamlit_internals.is_of_connection(active, scope):
                sessions.mark_session_nonresumable(active.session.id)  # so Streamlit shuts it down
    return message


async def _sweep(ended: list[AppSession]) -> None:
    """Runs in the server's event loop, like all code that touches sessions."""
    collections, threads = 0, _new_threads(None)
    while True:
        await asyncio.sleep(EVERY)
        streamlit_internals.expire_stored_sessions()
        if _empty(ended):
            shared_pool().restart()
            threads = _new_threads(threads)
            collections = 2  # threads that served the session may end a moment later
        if collections:
            collections -= 1
            collect_and_overwrite(MANY_BLOCKS)  # 0.2 s; in the loop's own thread, whose memory is separate


def _new_threads(old: ThreadPoolExecutor | None) -> ThreadPoolExecutor:
    """End the old threads once idle: Streamlit makes downloads on them, and the C library keeps the small blocks a thread freed."""
    new = ThreadPoolExecutor(thread_name_prefix="asyncio")
    asyncio.get_running_loop().set_default_executor(new)
    if old:
        old.shutdown(wait=False)
    return new


def _empty(ended: list[AppSession]) -> bool:
    """Empty the sessions that ended and return whether there were any. One whose page still runs waits for the next check."""
    idle = [session for session in ended if not streamlit_internals.is_running(session)]
    for session in idle:
        ended.remove(session)
        streamlit_internals.forget(session)
    if idle:
        runtime.get_instance().media_file_mgr.remove_orphaned_files()  # deletes a download at the second call
    return bool(idle)
