"""The API as one router: every noun under /api/v1, the probes beside it."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse
from starlette.routing import Match

from service.api import (
    accounts,
    attachments,
    audit,
    auth,
    drills,
    duty,
    engine_incidents,
    evaluation,
    events,
    exchange,
    exports,
    health,
    improvements,
    incidents,
    messages,
    metrics,
    observations,
    organisations,
    outbox,
    people,
    policies,
    printouts,
    privacy,
    problems,
    procedures,
    readings,
    reports,
    scenarios,
    sessions,
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
# Tasks stand first: the router asks one noun after the other.
NOUNS = (
    tasks, auth, sessions, procedures, versions, upgrades, incidents, drills, scenarios, evaluation, improvements,
    people, observations, readings, messages, sheets, reports, printouts, privacy, exports, outbox, engine_incidents,
    policies, organisations, duty, accounts, attachments, events, exchange, audit,
)  # fmt: skip


def add_api(router: APIRouter, tocsin: Application) -> None:
    """Add all routes of the API, bound to a running product.

    Each noun is included for itself: the framework matches a router within a router twice at every level.
    """
    tocsin.hub.watch(lambda: running_heads(tocsin.database))
    bound = [Depends(_bound_to(tocsin))]
    for noun in NOUNS:
        router.include_router(noun.router, prefix=PREFIX, dependencies=bound)
    add_probes(router, tocsin)
    router.add_api_route(
        f"{PREFIX}/{{path:path}}", _unknown, methods=METHODS, include_in_schema=False,
        route_class_override=ProblemRoute,
    )  # fmt: skip


def add_probes(router: APIRouter, tocsin: Application) -> None:
    """Add what is asked of any process: whether it is alive and ready, and its numbers."""
    bound = [Depends(_bound_to(tocsin))]
    router.include_router(health.probes, dependencies=bound)
    router.include_router(metrics.probes, dependencies=bound)


def _bound_to(tocsin: Application) -> Callable[[Request], Coroutine[Any, Any, None]]:
    async def bind(request: Request) -> None:  # awaited: a plain function would cost a thread per request
        request.state.application = tocsin

    return bind


def _unknown(request: Request) -> JSONResponse:
    """What answers where no route does: 405 if another method is known there, otherwise 404."""
    scope = {**request.scope, "path": request.url.path.removeprefix(PREFIX)}
    routes = (route for noun in NOUNS for route in noun.router.routes)
    is_known = any(route.matches(scope)[0] is Match.PARTIAL for route in routes)
    return problems.of_http(request, 405 if is_known else 404, "")
