"""The end of a session. By itself Streamlit lets go of one that was left when the next is left, which may be tomorrow."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import streamlit as st
from streamlit import runtime

EVERY = 5.0  # seconds between two looks; a session left is kept for server.disconnectedSessionTTL, so that it survives a cut line


@asynccontextmanager
async def end_sessions(app: st.App) -> AsyncIterator[None]:
    """While the server runs, sessions past their time go: state, uploads, and what /media served of them."""
    stored = runtime.get_instance()._session_mgr._session_storage._cache
    task = asyncio.create_task(_sweep(stored))
    try:
        yield
    finally:
        task.cancel()


async def _sweep(stored) -> None:
    """`stored`: Streamlit's own cache of sessions left. Runs in the server's loop, as everything else that touches it."""
    while True:
        await asyncio.sleep(EVERY)
        left = dict(stored._data)
        stored.expire()
        for name in left.keys() - stored._data.keys():
            session = left[name].session
            session.shutdown()  # /media and uploads
            session.session_state.clear()  # X-rays and answers: Streamlit's own loop may hold on to the session itself for long
