"""Calls to the access control, without a browser."""

import asyncio
import json
import time
from dataclasses import replace

from streamlit.web.server.starlette.starlette_app_utils import create_signed_value

from pneumo.access import AccessSettings, EndedLogin
from pneumo.ui.shell import auth_middleware

SECRET = "s" * 40


LOGIN = AccessSettings(login=True)


def cookie(secret=SECRET, name="_streamlit_user", **more):
    claims = {"is_logged_in": True, "iat": time.time(), "roles": ["pneumo-reader"], **more}
    return f"{name}={create_signed_value(secret, '_streamlit_user', json.dumps(claims)).decode()}"


async def inside(scope, receive, send):
    """The app behind the access control: it sets cookies, as Streamlit would."""
    if scope["type"] == "http":
        cookies = [(b"set-cookie", b"a=b; Path=/; secure"), (b"set-cookie", b"secure=c; Path=/")]
        await send({"type": "http.response.start", "status": 200, "headers": cookies})
    else:
        await send({"type": "websocket.accept"})


def answers(
    path, settings=LOGIN, cookies="", server="127.0.0.1", kind="http", hosts=("127.0.0.1:8501",), app=inside, heard=(), **more
):
    """The messages that a server would send. `heard`: the messages of the browser on a websocket."""
    sent, waiting = [], list(heard)

    async def receive():
        said = waiting.pop(0) if waiting else {}
        return said() if callable(said) else said

    async def send(message):
        sent.append(message)

    headers = [(b"host", host.encode()) for host in hosts] + ([(b"cookie", cookies.encode())] if cookies else [])
    scope = {"type": kind, "path": path, "server": (server, 8501), "headers": headers, **more}
    told = settings if callable(settings) else lambda: settings
    asyncio.run(auth_middleware.AccessControl(app, told)(scope, receive, send))
    return sent


def call(path, settings=LOGIN, **more):
    """The status that the access control answers; 200: let through; 1008: a websocket refused."""
    first = answers(path, settings, **more)[0]
    return 200 if first["type"] == "websocket.accept" else first.get("status", first.get("code"))


ENDED = replace(LOGIN, ended=(EndedLogin("ada", time.time() + 3600),))


def said(text):
    return {"type": "websocket.receive", "bytes": text}
