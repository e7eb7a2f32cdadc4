"""A small OpenID Connect provider on this machine: discovery, authorisation, tokens and keys, over real HTTP."""

import base64
import hashlib
import json
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT, SECRET = "tocsin", "s3cret-of-the-client"


class Provider:
    """Vouches for `user`; `changes` are claims that replace the right ones, None takes one away."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.user = "teacher"
        self.changes: dict[str, Any] = {}
        self.key = RSAKey.generate_key(2048, {"kid": "one"}, auto_kid=False)
        self.signs_with = self.key
        self.codes: dict[str, dict[str, str]] = {}
        self.issuer = ""

    def authorise(self, query: dict[str, str]) -> str:
        """Where the browser is sent after the person has agreed."""
        code = secrets.token_urlsafe(16)
        self.codes[code] = query
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"

    def tokens(self, form: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        """The answer of the token endpoint: a code is good once, with the verifier of its challenge, for its client."""
        asked = self.codes.pop(form.get("code", ""), None)
        basic = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if asked is None or authorization != f"Basic {basic}" or asked.get("code_challenge") != challenge:
            return 400, {"error": "invalid_grant"}
        if asked["redirect_uri"] != form["redirect_uri"] or asked["code_challenge_method"] != "S256":
            return 400, {"error": "invalid_grant"}
        at = int(self.now.timestamp())
        claims = {
            "iss": self.issuer, "aud": CLIENT, "sub": "17", "iat": at, "exp": at + 300, "nonce": asked["nonce"],
            "preferred_username": self.user,
        }  # fmt: skip
        claims = {name: value for name, value in (claims | self.changes).items() if value is not None}
        token = jwt.encode({"alg": "RS256", "kid": "one"}, claims, self.signs_with)
        return 200, {"access_token": "x", "token_type": "Bearer", "id_token": token}

    def documents(self) -> dict[str, Any]:
        """What can be read by anybody."""
        return {
            "/.well-known/openid-configuration": {
                "issuer": self.issuer, "authorization_endpoint": f"{self.issuer}/authorise",
                "token_endpoint": f"{self.issuer}/token", "jwks_uri": f"{self.issuer}/keys",
            },
            "/keys": {"keys": [self.key.as_dict(private=False)]},
        }  # fmt: skip


@contextmanager
def provider(now: datetime) -> Iterator[Provider]:
    """A provider that serves until the end of the block."""
    made = Provider(now)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            if parts.path == "/authorise":
                query = {name: values[0] for name, values in parse_qs(parts.query).items()}
                self.send_response(303)
                self.send_header("location", made.authorise(query))
                self.end_headers()
                return
            found = made.documents().get(parts.path)
            self._answer(200 if found else 404, found or {})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            self._answer(*made.tokens(form, self.headers.get("authorization", "")))

        def _answer(self, status: int, found: dict[str, Any]) -> None:
            content = json.dumps(found).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing: a test prints only what failed."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.issuer = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
