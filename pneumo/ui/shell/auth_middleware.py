"""Access control of the server: it does not start on a forbidden address, answers only to its own host names, serves pictures and
uploads only after login, and ends a page when its login expires.

Streamlit itself requires no login for /media and /_stcore/upload_file, and checks a login only when a page's connection opens.
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

SHORTEST_SECRET = 32  # characters: whoever guesses the secret can forge a cookie with any role
# What the login page needs; nothing personal. Any path not named here or below is the page's own HTML.
_OPEN = ("/_stcore/health", "/_stcore/host-config", "/_stcore/stream")
_GUARDED = ("/_stcore/", "/media/", "/component/")


def entrance() -> list[Middleware]:
    """Middleware before Streamlit's own routes. Ends the process with a message when the settings do not allow to start."""
    try:
        settings = AccessSettings.from_environment()
        problem = refusal(config.get_option("server.address"), settings) or _login_problem(settings)
    except ConfigError as error:
        problem = str(error)
    if problem:
        raise SystemExit(problem)
    know_own_address()
    keep_in_memory()
    return [Middleware(AccessControl, settings=AccessSettings.from_environment)]


class AccessControl:
    """ASGI middleware: passes a request on or answers 401, 403, 421 or 503.

    `settings` is called for each request, so an ended login counts from the next request on.
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
        """Status and reason. By the address the request came in on, not the configured one, as another server may run this App."""
        try:
            settings = self._settings()
        except ConfigError as error:
            return 503, str(error)
        address = (scope.get("server") or ("localhost", 0))[0]  # no address: a Unix socket
        if problem := refusal(address, settings):
            return 403, problem
        hosts = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
        if len(hosts) != 1 or not is_own_name(hosts[0], settings):
            return 421, "Pneumo does not answer to this name. The operator can add the name to PNEUMO_HOSTS (docs/access.md)."
        if not settings.login or not _is_guarded(scope):
            return None
        claims = _claims(scope)
        if claims is None:
            return 401, "Log in first."
        return None if role_of(claims, settings, time.time()) else (403, "No role in Pneumo, or an expired login.")

    async def _connect(self, claims: Claims, scope: Scope, receive: Receive, send: Send) -> None:
        """A page's connection with a login. With the first message after the login expired it continues as a new one without login.

        Streamlit then ends its session and begins one without login, and the page asks to log in.
        """
        after_expiry: list[Message] = []

        async def receive_until_expiry() -> Message:
            message = await receive()
            if message["type"] == "websocket.receive" and self._is_expired(claims):
                after_expiry.append(message)
                return {"type": "websocket.disconnect", "code": 1008}
            return message

        async def send_until_expiry(message: Message) -> None:
            if not after_expiry:  # a run of the page may still be sending
                await send(message)

        without_login = {**scope, "headers": [(name, value) for name, value in scope["headers"] if name != b"cookie"]}
        if self._is_expired(claims):
            await self._app(without_login, receive, send)
            return
        await self._app(scope, receive_until_expiry, send_until_expiry)
        if after_expiry:
            replayed = [{"type": "websocket.connect"}, *after_expiry]

            async def receive_replayed() -> Message:
                return replayed.pop(0) if replayed else await receive()

            async def send_after_accept(message: Message) -> None:
                if message["type"] != "websocket.accept":  # the browser's connection is open already
                    await send(message)

            await self._app(without_login, receive_replayed, send_after_accept)

    def _is_expired(self, claims: Claims) -> bool:
        try:
            settings = self._settings()
        except ConfigError:
            return True
        return settings.login and not is_current(claims, settings, time.time())


def _is_guarded(scope: Scope) -> bool:
    """By the path below the server's prefix (uvicorn --root-path) and server.baseUrlPath, as the router reads it."""
    path = get_route_path(scope)
    base = config.get_option("server.baseUrlPath").strip("/")
    path = path.removeprefix(f"/{base}") if base else path
    return path.startswith(_GUARDED) and path not in _OPEN


def _claims(scope: Scope) -> Claims | None:
    """The claims in Streamlit's signed cookie; None without a valid one."""
    value = login_cookie(HTTPConnection(scope).cookies)
    return json.loads(value) if value else None


async def _answer(refused: tuple[int, str], scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008})  # not accepted yet, so the server answers 403
        return
    await PlainTextResponse(refused[1], refused[0], headers={"Cache-Control": "no-store"})(scope, receive, send)


def _login_problem(settings: AccessSettings) -> str | None:
    """Why login would not work, or would not be required although it seems configured."""
    if not settings.login:
        if auth_util.get_secrets_auth_section() and not settings.open:
            return (
                "There are [auth] secrets, but PNEUMO_LOGIN is not set, so no login would be required. "
                f"Set PNEUMO_LOGIN=oidc, or, if that is intended, PNEUMO_OPEN={OPEN_WORD}."
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
