"""The API as one router: every noun under /api/v1, the probes beside it."""

from collections.abc import Callable

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, Response
from starlette.routing import Match

from service.api import (
    attachments,
    auth,
    engine_incidents,
    events,
    exchange,
    health,
    incidents,
    messages,
    metrics,
    observations,
    outbox,
    people,
    policies,
    printouts,
    problems,
    procedures,
    readings,
    reports,
    sheets,
    tasks,
    upgrades,
    versions,
)
from service.api.problems import ProblemRoute
from service.api.wiring import Application
from service.application.queries.health import running_heads

PREFIX = "/api/v1"
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]
NOUNS = (
    auth, procedures, versions, upgrades, incidents, people, observations, readings, messages, tasks, sheets, reports,
    printouts, outbox, engine_incidents, policies, attachments, events, exchange, health,
)  # fmt: skip


def build_router(tocsin: Application) -> APIRouter:
    """All routes of the API, bound to a running product."""
    tocsin.hub.watch(lambda: running_heads(tocsin.database))
    api = APIRouter(prefix=PREFIX)
    for noun in NOUNS:
        api.include_router(noun.router)
    api.add_api_route(
        "/{path:path}", _unknown(api), methods=METHODS, include_in_schema=False, route_class_override=ProblemRoute
    )
    whole = APIRouter(dependencies=[Depends(_bound_to(tocsin))])
    whole.include_router(health.probes)
    whole.include_router(metrics.probes)
    whole.include_router(api)
    return whole


def _bound_to(tocsin: Application) -> Callable[[Request], None]:
    def bind(request: Request) -> None:
        request.state.application = tocsin

    return bind


def _unknown(api: APIRouter) -> Callable[[Request], Response]:
    """What answers where no route does: 405 if another method is known there, otherwise 404."""

    def answer(request: Request) -> JSONResponse:
        others = [route for route in api.routes if "{path:path}" not in getattr(route, "path", "")]
        is_known = any(route.matches(request.scope)[0] is Match.PARTIAL for route in others)
        return problems.of_http(request, 405 if is_known else 404, "")

    return answer
