"""Around every request: an id that its log lines and events share, and how long it took."""

import re
import secrets

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service import logs, metrics
from service.domain.clock import monotonic_seconds
from service.logs import logger

HEADER = "x-request-id"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_GIVEN = re.compile(r"[A-Za-z0-9._:-]{1,64}")

log = logger(__name__)


class Observed:
    """ASGI middleware; the id of the caller is taken over where it looks like one."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope)
        scope.setdefault("state", {})["request_id"] = request_id
        logs.bind(request_id=request_id)
        status = "500"  # what the server answers where the application answers nothing

        async def answered(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = str(message["status"])
                MutableHeaders(scope=message)[HEADER] = request_id
            await send(message)

        began = monotonic_seconds()
        try:
            await self._app(scope, receive, answered)
        finally:
            took = monotonic_seconds() - began
            route = _template(scope)
            method = scope["method"] if scope["method"] in METHODS else "other"
            metrics.requests.labels(method, route, status).observe(took)
            log.debug("request", method=method, route=route, status=status, duration_ms=round(took * 1000, 1))
            logs.unbind_all()


def _request_id(scope: Scope) -> str:
    given = Headers(scope=scope).get(HEADER, "")
    return given if _GIVEN.fullmatch(given) else secrets.token_hex(8)


def _template(scope: Scope) -> str:
    """The route's own words, never what was asked for: an address may name a person."""
    # A router that was included leaves its prefix out of `route`; the whole path stands beside it.
    found = scope.get("fastapi", {}).get("effective_route_context") or scope.get("route")
    path = str(getattr(found, "path", ""))
    return path if path and "{path:path}" not in path else "other"
