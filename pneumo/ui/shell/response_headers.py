"""Headers of every response: what a page may load, who may frame it, and Secure cookies."""

from starlette.datastructures import MutableHeaders
from starlette.types import Message, Scope, Send

# The one inline script of Streamlit's index.html, which sets window.prerenderReady.
_INLINE_SCRIPT = "'sha256-THxz9J9+wf7rhwR2YkXJoSZ13UCmYyC+3lNDv2+8ugA='"
_POLICY = {
    "default-src": "'self'",
    "script-src": f"'self' {_INLINE_SCRIPT}",
    "style-src": "'self' 'unsafe-inline'",  # Streamlit's frontend writes style sheets at run time
    "img-src": "'self' data: blob:",
    "font-src": "'self' data:",
    "connect-src": "'self'",  # the page's web socket included
    "object-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-src": "'none'",
    "frame-ancestors": "'none'",
}
HEADERS = {
    "Content-Security-Policy": "; ".join(f"{name} {sources}" for name, sources in _POLICY.items()),
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def with_headers(scope: Scope, send: Send) -> Send:
    """`send` that adds HEADERS to a response, and `Secure` to its cookies where the caller uses TLS.

    The scheme is the caller's, as reported by a trusted proxy (127.0.0.1, FORWARDED_ALLOW_IPS).
    """
    secure = scope.get("scheme") in ("https", "wss")

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [_secured(*pair) if secure else pair for pair in message.get("headers", [])]}
            headers = MutableHeaders(scope=message)
            headers.update(HEADERS)
            headers.setdefault("Cache-Control", "no-store")  # or browsers would store pictures and downloads on disk
        await send(message)

    return sending


def _secured(name: bytes, value: bytes) -> tuple[bytes, bytes]:
    if name.lower() != b"set-cookie" or b"secure" in (part.strip().lower() for part in value.split(b";")[1:]):
        return name, value
    return name, value + b"; Secure"
