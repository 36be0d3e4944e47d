"""The server's own door: refuses to start where it must not listen, answers to its own names alone, hands no picture or upload to
whoever is not logged in, and takes a page from whoever's login is over.

Streamlit asks nobody who calls /media or /_stcore/upload_file, and looks at a login only when a page's connection opens.
"""

import json
import time
from collections.abc import Callable

from starlette._utils import get_route_path
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import auth_util, config
from streamlit.errors import Error

from pneumo.access import OPEN_WORD, AccessSettings, Claims, is_current, is_own_name, refusal, role_of
from pneumo.errors import ConfigError
from pneumo.ui.shell.response_headers import with_headers
from pneumo.ui.shell.streamlit_internals import know_own_address, login_cookie
from pneumo.ui.shell.uploads import keep_in_memory

SHORTEST_SECRET = 32  # characters: whoever can guess it writes his own cookie, with any role
# What the page needs to ask for a login, and what says nothing of anybody. Any path not named here or below is the page's own HTML.
_OPEN = ("/_stcore/health", "/_stcore/host-config", "/_stcore/stream")
_GUARDED = ("/_stcore/", "/media/", "/component/")


def entrance() -> list[Middleware]:
    """What stands before Streamlit's own routes. Ends the process, with a sentence, where the settings do not allow to start."""
    try:
        settings = AccessSettings.from_environment()
        problem = refusal(config.get_option("server.address"), settings) or _login_problem(settings)
    except ConfigError as error:
        problem = str(error)
    if problem:
        raise SystemExit(problem)
    know_own_address()
    keep_in_memory()
    return [Middleware(Door, settings=AccessSettings.from_environment)]


class Door:
    """ASGI middleware: each request is let through, or answered 401, 403, 421, 503.

    `settings` is asked each time: a login that was ended is none from the next request on.
    """

    def __init__(self, app: ASGIApp, settings: Callable[[], AccessSettings]) -> None:
        self._app, self._settings = app, settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        send = with_headers(scope, send)
        if refused := self._refused(scope):
            await _answer(refused, scope, receive, send)
        elif scope["type"] == "websocket" and (claims := _claims(scope)) is not None:
            await self._connect(claims, scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _refused(self, scope: Scope) -> tuple[int, str] | None:
        """Status and reason. Where the caller arrived counts, not what the settings say: another server may run this App."""
        try:
            settings = self._settings()
        except ConfigError as error:
            return 503, str(error)
        address = (scope.get("server") or ("localhost", 0))[0]  # none: a socket in the file system
        if problem := refusal(address, settings):
            return 403, problem
        hosts = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
        if len(hosts) != 1 or not is_own_name(hosts[0], settings):
            return 421, "Pneumo does not answer to this name. Whoever runs it can add the name to PNEUMO_HOSTS (docs/access.md)."
        if not settings.login or not _is_guarded(scope):
            return None
        claims = _claims(scope)
        if claims is None:
            return 401, "Log in first."
        return None if role_of(claims, settings, time.time()) else (403, "No role in Pneumo, or a login that is over.")

    async def _connect(self, claims: Claims, scope: Scope, receive: Receive, send: Send) -> None:
        """A page's connection by a login. With the first message after the login is over it is nobody's, as if newly opened.

        Streamlit then ends the session behind it, begins another that belongs to nobody, and the page asks to log in.
        """
        late: list[Message] = []

        async def hear() -> Message:
            message = await receive()
            if message["type"] == "websocket.receive" and self._is_over(claims):
                late.append(message)
                return {"type": "websocket.disconnect", "code": 1008}
            return message

        async def say(message: Message) -> None:
            if not late:  # a run of the page may still be speaking
                await send(message)

        nobody = {**scope, "headers": [(name, value) for name, value in scope["headers"] if name != b"cookie"]}
        if self._is_over(claims):
            await self._app(nobody, receive, send)
            return
        await self._app(scope, hear, say)
        if late:
            told = [{"type": "websocket.connect"}, *late]

            async def hear_on() -> Message:
                return told.pop(0) if told else await receive()

            async def say_on(message: Message) -> None:
                if message["type"] != "websocket.accept":  # the browser's connection is open
                    await send(message)

            await self._app(nobody, hear_on, say_on)

    def _is_over(self, claims: Claims) -> bool:
        try:
            settings = self._settings()
        except ConfigError:
            return True
        return settings.login and not is_current(claims, settings, time.time())


def _is_guarded(scope: Scope) -> bool:
    """By the path as the router reads it, below the server's own prefix (uvicorn --root-path) and server.baseUrlPath."""
    path = get_route_path(scope)
    base = config.get_option("server.baseUrlPath").strip("/")
    path = path.removeprefix(f"/{base}") if base else path
    return path.startswith(_GUARDED) and path not in _OPEN


def _claims(scope: Scope) -> Claims | None:
    """What Streamlit's signed cookie says of the caller; None: nothing that can be believed."""
    value = login_cookie(HTTPConnection(scope).cookies)
    return json.loads(value) if value else None


async def _answer(refused: tuple[int, str], scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008})  # before it was accepted: the server answers 403
        return
    await PlainTextResponse(refused[1], refused[0], headers={"Cache-Control": "no-store"})(scope, receive, send)


def _login_problem(settings: AccessSettings) -> str | None:
    """Why nobody could log in, or why what looks like a login would be none."""
    if not settings.login:
        if auth_util.get_secrets_auth_section() and not settings.open:
            return (
                "There are [auth] secrets, but PNEUMO_LOGIN is not set, so that nobody would be asked to log in. "
                f"Set PNEUMO_LOGIN=oidc, or, if that is meant, PNEUMO_OPEN={OPEN_WORD}."
            )
        return None
    if not auth_util.is_authlib_installed():
        return "PNEUMO_LOGIN=oidc needs Authlib: run `pip install -r requirements.txt`."
    try:
        auth_util.validate_auth_credentials("default")
    except Error as error:
        return f"PNEUMO_LOGIN=oidc: {' '.join(str(error).split())} See docs/access.md."
    if len(auth_util.get_signing_secret()) < SHORTEST_SECRET:
        return f"PNEUMO_LOGIN=oidc: cookie_secret must have at least {SHORTEST_SECRET} characters, drawn at random."
    return None
