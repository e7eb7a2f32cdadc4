"""Whether the system is alive and ready."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from service.api.dependencies import Answer, application_of
from service.api.problems import ProblemRoute
from service.api.wiring import worker_count
from service.application.queries import health

probes = APIRouter(route_class=ProblemRoute, tags=["health"])


class Alive(Answer):
    """The process answers."""

    status: str = "ok"


@probes.get("/healthz")
def alive() -> Alive:
    """The process answers."""
    return Alive()


@probes.get("/readyz", response_model=None)
def ready(request: Request) -> Response:
    """Database, schema, overdue work, worker and disk; 503 if one of them is not well, and which one and why."""
    tocsin = application_of(request)
    found = health.readiness(
        tocsin.database, tocsin.settings.data_dir, now=tocsin.clock.now(), workers=lambda: worker_count(tocsin)
    )
    is_ready = all(check.ok for check in found.values())
    shown = {name: check.ok for name, check in found.items()}
    details = {name: {"reason": check.reason, **check.facts} for name, check in found.items()}
    status = "ok" if is_ready else "not ready"
    return JSONResponse({"status": status, **shown, "details": details}, 200 if is_ready else 503)
