"""OpenID Connect: asks a provider who somebody is; its word is checked by signature, issuer, audience, time, nonce."""

import secrets
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import httpx
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from service.domain.clock import Clock
from service.domain.errors import IdentityRefused, OutsideSystemUnreachable
from service.domain.identity import Asked

ALGORITHMS = ["RS256", "PS256", "ES256"]  # never "none", and no secret shared with us signs
SCOPE = "openid profile"
TIMEOUT_SECONDS = 10.0
LEEWAY_SECONDS = 60


@dataclass(frozen=True)
class OpenIdProvider:
    """One provider; `claim` is what it calls the user name of an account here."""

    issuer: str
    client_id: str
    client_secret: str
    claim: str
    clock: Clock
    name: str = ""
    _client: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=TIMEOUT_SECONDS))

    def ask(self, back: str) -> Asked:
        """How to ask. Raises OutsideSystemUnreachable."""
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        query = {
            "response_type": "code", "client_id": self.client_id, "redirect_uri": back, "scope": SCOPE, "state": state,
            "nonce": nonce, "code_challenge": create_s256_code_challenge(verifier), "code_challenge_method": "S256",
        }  # fmt: skip
        address = self._discovered()["authorization_endpoint"]
        return Asked(f"{address}{'&' if '?' in address else '?'}{urlencode(query)}", state, nonce, verifier)

    def username(self, asked: Asked, back: str, code: str) -> str:
        """The user name the provider vouches for. Raises IdentityRefused, OutsideSystemUnreachable."""
        known = self._discovered()
        form = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": back, "client_id": self.client_id,
            "code_verifier": asked.verifier,
        }  # fmt: skip
        auth = httpx.BasicAuth(self.client_id, self.client_secret) if self.client_secret else None
        answer = self._json("POST", known["token_endpoint"], data=form, auth=auth)
        keys = self._json("GET", known["jwks_uri"])
        claims = self._checked(str(answer.get("id_token") or ""), keys, asked.nonce)
        username = claims.get(self.claim)
        if not isinstance(username, str) or not username.strip():
            raise IdentityRefused
        return username

    def _checked(self, token: str, keys: Any, nonce: str) -> dict[str, Any]:
        must_be = {
            "iss": {"essential": True, "value": self.issuer},
            "aud": {"essential": True, "value": self.client_id},
        }
        try:
            read = jwt.decode(token, KeySet.import_key_set(keys), algorithms=ALGORITHMS)
            checked = CodeIDToken(read.claims, read.header, must_be, {"nonce": nonce, "client_id": self.client_id})
            checked.validate(now=int(self.clock.now().timestamp()), leeway=LEEWAY_SECONDS)
        except (JoseError, ValueError, KeyError, TypeError) as error:
            raise IdentityRefused from error
        return dict(read.claims)

    def _discovered(self) -> dict[str, str]:
        found = self._json("GET", f"{self.issuer.rstrip('/')}/.well-known/openid-configuration")
        endpoints = ("authorization_endpoint", "token_endpoint", "jwks_uri")
        if found.get("issuer") != self.issuer or not all(isinstance(found.get(each), str) for each in endpoints):
            raise IdentityRefused
        return {each: str(found[each]) for each in endpoints}

    def _json(self, method: str, address: str, **options: Any) -> dict[str, Any]:
        try:
            answer = self._client.request(method, address, **options)
            if answer.is_client_error:
                raise IdentityRefused
            found: dict[str, Any] = answer.raise_for_status().json()
        except (httpx.HTTPError, ValueError) as error:
            raise OutsideSystemUnreachable(self.name or "OpenID Connect", type(error).__name__) from error
        return found
