"""An OpenID provider in one file: discovery, authorisation code with PKCE, RS256 tokens, keys. It asks for no password."""

import hashlib
import json
import secrets
import threading
import time
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT, PASSWORD = "pneumo", "between-provider-and-app"


@dataclass
class Provider:
    """`claims` are those of the next user who logs in."""

    address: str
    claims: Mapping[str, object] = field(default_factory=dict)
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "test", "use": "sig"}))
    waiting: dict[str, tuple[dict, Mapping[str, object]]] = field(default_factory=dict)  # code -> (the request, the claims)

    def metadata(self) -> dict[str, object]:
        ends = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "jwks"}
        return {
            "issuer": self.address,
            **{name: f"{self.address}/{end}" for name, end in ends.items()},
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "code_challenge_methods_supported": ["S256"],
        }

    def authorize(self, asked: dict[str, str]) -> str:
        """The address to which the browser is sent back."""
        assert asked["client_id"] == CLIENT
        assert asked["code_challenge_method"] == "S256"
        code = secrets.token_hex(8)
        self.waiting[code] = (asked, self.claims)
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"

    def token(self, form: dict[str, str], authorization: str) -> dict[str, object]:
        assert b64decode(authorization.removeprefix("Basic ")).decode() == f"{CLIENT}:{PASSWORD}"
        asked, claims = self.waiting.pop(form["code"])
        challenge = urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).decode().rstrip("=")
        assert challenge == asked["code_challenge"]
        now = int(time.time())
        fixed = {"iss": self.address, "aud": CLIENT, "sub": "someone", "nonce": asked["nonce"], "iat": now, "exp": now + 300}
        token = jwt.encode({"alg": "RS256", "kid": "test"}, {**fixed, **claims}, self.key)
        return {"access_token": "unused", "token_type": "Bearer", "id_token": token}


@contextmanager
def provider() -> Iterator[Provider]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            parts = urlsplit(self.path)
            if parts.path == "/authorize":
                self.send_response(302)
                self.send_header("Location", openid.authorize(_single(parts.query)))
                self.end_headers()
                return
            answers = {"/.well-known/openid-configuration": openid.metadata, "/jwks": lambda: {"keys": [openid.key.as_dict()]}}
            self._json(answers[parts.path]())

        def do_POST(self):
            form = _single(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self._json(openid.token(form, self.headers["Authorization"]))

        def _json(self, answer):
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    openid = Provider(f"http://127.0.0.1:{server.server_port}")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield openid
    finally:
        server.shutdown()
        server.server_close()


def write_secrets(home: Path, openid: Provider) -> None:
    """The secrets that an app whose home is `home` needs to log in at this provider."""
    (home / ".streamlit").mkdir()
    (home / ".streamlit" / "secrets.toml").write_text(
        f"""[auth]
redirect_uri = "http://127.0.0.1:{{port}}/oauth2callback"
cookie_secret = "{secrets.token_hex(32)}"
client_id = "{CLIENT}"
client_secret = "{PASSWORD}"
server_metadata_url = "{openid.address}/.well-known/openid-configuration"
"""
    )


def _single(query: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(query).items()}
