"""/metrics: numbers for Prometheus, for who holds the token, or asks on this machine where none is set."""

import hmac

from fastapi import APIRouter, Request, Response

from service import metrics
from service.api.dependencies import application_of
from service.api.problems import ProblemRoute
from service.application.queries import health
from service.domain.errors import NotAllowed

LOOPBACK = frozenset({"127.0.0.1", "::1"})
# Set by a proxy: whoever asks through one on this machine is not on this machine.
FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip")

probes = APIRouter(route_class=ProblemRoute, tags=["health"])


@probes.get("/metrics", response_class=Response)
def shown(request: Request) -> Response:
    """Counters of this process and numbers of the database, in the text format."""
    tocsin = application_of(request)
    _guard(request, tocsin.settings.metrics_token.get_secret_value())
    stored = health.stored_numbers(tocsin.database, now=tocsin.clock.now())
    return Response(metrics.exposition(stored), media_type=metrics.CONTENT_TYPE)


def _guard(request: Request, token: str) -> None:
    """Let in who holds the token; where there is none, this machine alone. Raises NotAllowed."""
    given = request.headers.get("authorization", "")
    if token:
        scheme, _, offered = given.partition(" ")
        is_allowed = scheme.lower() == "bearer" and hmac.compare_digest(offered.strip().encode(), token.encode())
    else:
        host = request.client.host if request.client else ""
        is_allowed = host in LOOPBACK and not any(name in request.headers for name in FORWARDED)
    if not is_allowed:
        raise NotAllowed("metrics.read")
