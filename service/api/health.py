"""Whether the system is alive, ready, and its log whole."""

from typing import Annotated

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from service.api.dependencies import Answer, Door, application_of, permit
from service.api.problems import ProblemRoute
from service.application.queries import health
from service.domain.access import Action
from service.persistence import chain

probes = APIRouter(route_class=ProblemRoute, tags=["health"])
router = APIRouter(route_class=ProblemRoute, tags=["audit"])


class Alive(Answer):
    """The process answers."""

    status: str = "ok"


class BadEventAnswer(Answer):
    """Where the chain breaks."""

    stream: str
    seq: int
    reason: str


class AuditAnswer(Answer):
    """The result of checking the hash chains."""

    ok: bool
    events: int
    first_bad: BadEventAnswer | None


@probes.get("/healthz")
def alive() -> Alive:
    """The process answers."""
    return Alive()


@probes.get("/readyz", response_model=None)
def ready(request: Request) -> Response:
    """Database, schema and overdue work; 503 if one of them is not well."""
    tocsin = application_of(request)
    found = health.readiness(tocsin.database, now=tocsin.clock.now())
    is_ready = all(found.values())
    return JSONResponse({"status": "ok" if is_ready else "not ready", **found}, 200 if is_ready else 503)


@router.get("/audit/verify")
def verify(door: Annotated[Door, permit(Action.AUDIT_VERIFY)], stream: str = "") -> AuditAnswer:
    """Check the hash chain of one stream, or of all streams and the seals over them."""
    return AuditAnswer.model_validate(door.read(lambda reader: chain.verify(reader.connection, stream or None)))
