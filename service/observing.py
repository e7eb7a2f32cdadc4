"""Around every request: an id that its log lines and events share, and how long it took."""

import itertools
import logging
import re
import secrets
from functools import cache

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service import logs, metrics
from service.domain.clock import monotonic_seconds
from service.logs import logger

HEADER = "x-request-id"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_HEADER = HEADER.encode()
_GIVEN = re.compile(rb"[A-Za-z0-9._:-]{1,64}")
# Of this process, then counted: asking the system for random bytes lets go of the interpreter's lock, and whoever
# completes tasks meanwhile has it for five milliseconds.
_STARTED = secrets.token_hex(4)
_numbers = itertools.count()
# Routes, methods and statuses are few; looking their child up costs more than counting.
_requests = cache(metrics.requests.labels)

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
                message.setdefault("headers", []).append((_HEADER, request_id.encode()))
            await send(message)

        began = monotonic_seconds()
        try:
            await self._app(scope, receive, answered)
        finally:
            took = monotonic_seconds() - began
            route = _template(scope)
            method = scope["method"] if scope["method"] in METHODS else "other"
            _requests(method, route, status).observe(took)
            if logging.root.isEnabledFor(logging.DEBUG):
                duration = round(took * 1000, 1)
                log.debug("request", method=method, route=route, status=status, duration_ms=duration)
            logs.unbind_all()


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == _HEADER and _GIVEN.fullmatch(value):
            return str(value.decode("ascii"))
    return f"{_STARTED}{next(_numbers):08x}"


def _template(scope: Scope) -> str:
    """The route's own words, never what was asked for: an address may name a person."""
    # A router that was included leaves its prefix out of `route`; the whole path stands beside it.
    found = scope.get("fastapi", {}).get("effective_route_context") or scope.get("route")
    path = str(getattr(found, "path", ""))
    return path if path and "{path:path}" not in path else "other"
