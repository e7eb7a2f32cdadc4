"""What the outer contract names is there, described, and guarded."""

from typing import Any

import pytest
from fastapi.routing import APIRoute

from service.api.dependencies import Permit
from service.api.router import NOUNS
from service.domain.access import Action
from tests.contract.product import API, Product

PROMISED = {
    ("POST", "/auth/token"), ("GET", "/me"), ("GET", "/procedures"), ("GET", "/procedures/{procedure}"),
    ("GET", "/procedures/{procedure}/versions/{version}/bpmn"),
    ("GET", "/procedures/{procedure}/versions/{version}/dmn/{decision}"), ("POST", "/procedures"),
    ("POST", "/incidents"), ("GET", "/incidents"), ("GET", "/incidents/{incident}"),
    ("GET", "/incidents/{incident}/timeline"), ("GET", "/incidents/{incident}/tasks"),
    ("GET", "/incidents/{incident}/diagram"), ("GET", "/incidents/{incident}/people"),
    ("GET", "/incidents/{incident}/people/{person}"), ("GET", "/incidents/{incident}/people/{person}/timeline"),
    ("GET", "/incidents/{incident}/observations"), ("GET", "/incidents/{incident}/printouts"),
    ("GET", "/incidents/{incident}/printouts/{document}/{key}"),
    ("GET", "/incidents/{incident}/printouts/{document}/{key}.docx"),
    ("GET", "/incidents/{incident}/printouts/{document}/{key}.html"),
    ("GET", "/incidents/{incident}/contacts"), ("GET", "/tasks/{task}/sheet"), ("POST", "/tasks/{task}/sheet"),
    ("GET", "/incidents/{incident}/places"), ("GET", "/incidents/{incident}/reports"),
    ("GET", "/incidents/{incident}/deliveries"), ("POST", "/incidents/{incident}/messages"),
    ("POST", "/incidents/{incident}/cases"), ("GET", "/incidents/{incident}/actions"),
    ("POST", "/incidents/{incident}/actions/{message}"), ("GET", "/policies"), ("PUT", "/policies/{key}"),
    ("POST", "/policies/{key}/preview"), ("GET", "/policies/{key}/history"),
    ("POST", "/attachments"), ("GET", "/outbox"), ("POST", "/outbox/{delivery}/retry"), ("GET", "/tasks"),
    ("GET", "/tasks/{task}"), ("POST", "/tasks/{task}/claim"), ("POST", "/tasks/{task}/release"),
    ("POST", "/tasks/{task}/delegate"), ("POST", "/tasks/{task}/draft"), ("POST", "/tasks/{task}/complete"),
    ("POST", "/tasks/{task}/not-executable"), ("GET", "/reports/{report}"), ("GET", "/reports/{report}.docx"),
    ("GET", "/reports/{report}.html"), ("POST", "/reports/{report}/approve"), ("POST", "/reports/{report}/submit"),
    ("POST", "/drills"), ("GET", "/drills"), ("GET", "/drills/{drill}"), ("POST", "/drills/{drill}/clock"),
    ("POST", "/drills/{drill}/settings"), ("POST", "/drills/{drill}/roles"), ("POST", "/drills/{drill}/finish"),
    ("POST", "/drills/stop"), ("GET", "/events"), ("POST", "/exchange/{partner}"), ("GET", "/audit"),
    ("GET", "/audit/verify"),
}  # fmt: skip
# Asked without a session: signing in, and the door of outside systems, which checks a signature.
PUBLIC = {"/auth/token", "/exchange/{partner}"}


def routes() -> list[APIRoute]:
    return [route for noun in NOUNS for route in noun.router.routes if isinstance(route, APIRoute)]


def permits(route: APIRoute) -> list[Permit]:
    return [each.call for each in route.dependant.dependencies if isinstance(each.call, Permit)]


def test_every_promised_route_is_described(world: Product) -> None:
    paths = world.get("/openapi.json").json()["paths"]
    described = {(method.upper(), path.removeprefix(API)) for path, item in paths.items() for method in item}
    assert described >= PROMISED
    assert {("GET", "/healthz"), ("GET", "/readyz")} <= described


@pytest.mark.parametrize("route", routes(), ids=lambda route: f"{min(route.methods or ())} {route.path}")
def test_every_route_names_the_right_it_asks_for(route: APIRoute) -> None:
    found = permits(route)
    assert [bool(found), route.path in PUBLIC] in ([True, False], [False, True])
    assert all(isinstance(each.action, Action) for each in found)


def test_every_post_takes_an_idempotency_key_and_every_answer_may_be_a_problem(world: Product) -> None:
    paths: dict[str, dict[str, Any]] = world.get("/openapi.json").json()["paths"]
    for path, item in paths.items():
        for method, operation in item.items():
            problem = operation["responses"]["4XX"]["content"]
            assert list(problem) == ["application/problem+json"], path
            names = [each["name"] for each in operation.get("parameters", [])]
            assert ("Idempotency-Key" in names) == (method == "post"), path


def test_without_a_session_nothing_but_the_public_routes_answers(world: Product) -> None:
    for route in routes():
        if route.path in PUBLIC:
            continue
        path = route.path
        for name in route.param_convertors:
            path = path.replace(f"{{{name}}}", "1")
        answer = world.call(min(route.methods or ()), path)
        assert answer.status_code == 401, route.path
        assert answer.json()["code"] == "sign_in_needed"
        assert answer.headers["www-authenticate"] == "Bearer"


def test_probes_need_nobody(world: Product) -> None:
    assert world.get("/healthz").json() == {"status": "ok"}
    shown = world.get("/readyz").json()
    parts = ("database", "schema", "due", "worker", "disk")
    assert {"status": "ok", **dict.fromkeys(parts, True)} == {name: shown[name] for name in ("status", *parts)}


def test_chain_of_the_log_verifies(world: Product) -> None:
    answer = world.get("/audit/verify", "admin").json()
    assert answer["ok"] is True
    assert answer["events"] > 0
    assert answer["first_bad"] is None
