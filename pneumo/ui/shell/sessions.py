"""The end of a session: what an X-ray left in this process, and in the one that decoded it, goes with it.

By itself Streamlit lets go of a session that was left when the next is left, which may be tomorrow, and keeps what widgets hold.
"""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from importlib import import_module

import pyarrow
import streamlit as st
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import runtime
from streamlit.runtime.app_session import AppSession

from pneumo.imaging.decoding.pool import shared
from pneumo.memory import MANY, hold_little, let_go, set_aside
from pneumo.ui.shell.streamlit_internals import (
    expire_stored_sessions,
    forget,
    hook_sessions,
    is_of_connection,
    is_running,
    session_manager,
)

EVERY = 3.0  # seconds between two looks; after a cut line a session is kept for server.disconnectedSessionTTL, as it may come back
GOING_AWAY = 1001  # a browser says so when its page is closed, left or loaded anew: that session cannot come back (RFC 6455, 7.4.1)
_PAGES = ("shell.frame", "diagnose.viewer", "worklist.table")  # what an answer needs of pneumo.ui, and all that these import


@asynccontextmanager
async def end_sessions(app: st.App) -> AsyncIterator[None]:
    """While the server runs, sessions past their time go: state, uploads, and what /media served of them."""
    hold_little()
    pyarrow.set_memory_pool(pyarrow.system_memory_pool())  # its own would keep the file names of a table that is gone
    for name in _PAGES:
        import_module(f"pneumo.ui.{name}")
    set_aside()
    ended: list[AppSession] = []
    undo = hook_sessions(ended.append)
    task = asyncio.create_task(_sweep(ended))
    try:
        yield
    finally:
        task.cancel()
        undo()


class Leaving:
    """ASGI middleware: hears why a page's connection ends, which Streamlit does not ask."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, partial(_heard, scope, receive) if scope["type"] == "websocket" else receive, send)


def leaving() -> list[Middleware]:
    return [Middleware(Leaving)]


async def _heard(scope: Scope, receive: Receive) -> Message:
    message = await receive()
    if message["type"] == "websocket.disconnect" and message.get("code") == GOING_AWAY:
        sessions = session_manager()
        for active in sessions.list_active_sessions():
            if is_of_connection(active, scope):
                sessions.mark_session_nonresumable(active.session.id)  # Streamlit shuts it down rather than keep it
    return message


async def _sweep(ended: list[AppSession]) -> None:
    """Runs in the server's loop, as everything else that touches sessions."""
    looks, threads = 0, _new_threads(None)
    while True:
        await asyncio.sleep(EVERY)
        expire_stored_sessions()
        if _empty(ended):
            shared().renew()
            threads = _new_threads(threads)
            looks = 2  # threads that served the session may end a moment later
        if looks:
            looks -= 1
            let_go(MANY)  # 0.2 s, and here: the loop's own thread has memory of its own


def _new_threads(old: ThreadPoolExecutor | None) -> ThreadPoolExecutor:
    """Streamlit makes downloads on threads of the server's loop, and the C library keeps what was small for the thread that freed
    it: the old ones end, after what they are at."""
    new = ThreadPoolExecutor(thread_name_prefix="asyncio")
    asyncio.get_running_loop().set_default_executor(new)
    if old:
        old.shutdown(wait=False)
    return new


def _empty(ended: list[AppSession]) -> bool:
    """Take X-rays and answers out of the sessions that ended, and say whether there were any: Streamlit's own loop may hold on to a
    session for long. One whose page still runs, for it reads a file, waits for the next look."""
    over = [session for session in ended if not is_running(session)]
    for session in over:
        ended.remove(session)
        forget(session)
    if over:
        runtime.get_instance().media_file_mgr.remove_orphaned_files()  # a download goes the second time it is asked for
    return bool(over)
