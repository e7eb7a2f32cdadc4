"""Completing a task the quick way answers what the route of the same address answers."""

import asyncio
import json
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from service.api import QuickCompletion, add_api
from tests.contract.product import API, Product

JSON = {"Content-Type": "application/json"}


async def nobody(_scope: Scope, _receive: Receive, _send: Send) -> None:
    message = "the framework was asked"
    raise AssertionError(message)


def asked(app: ASGIApp, path: str, body: bytes, headers: dict[str, str]) -> httpx.Response:
    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://test") as client:
            return await client.post(API + path, content=body, headers=headers)

    return asyncio.run(ask())


def usual(world: Product) -> FastAPI:
    app = FastAPI()
    add_api(app.router, world.tocsin)
    return app


def accept(world: Product) -> str:
    return str(world.task(world.opened(), "t_office_accept")["id"])


def signed_in(world: Product, who: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {world.token(who)}", **JSON}


def asked_alone(world: Product, task: str) -> httpx.Response:
    """What is answered without the framework."""
    alone = QuickCompletion(nobody, world.tocsin)
    return asked(alone, f"/tasks/{task}/complete", b'{"data": {}}', signed_in(world, "coordinator"))


def test_a_task_is_completed_without_the_framework(world: Product) -> None:
    task = accept(world)
    done = asked_alone(world, task)
    assert done.status_code == 200
    assert done.headers["content-type"] == "application/json"
    assert done.json()["task"] == task
    assert done.json()["opened"]
    again = asked_alone(world, task)
    assert (again.status_code, again.headers["content-type"]) == (409, "application/problem+json")


def test_who_was_shut_out_is_refused_at_once(world: Product) -> None:
    task, headers = accept(world), signed_in(world, "coordinator")
    assert asked(world.app, "/tasks/nothing-1/complete", b'{"data": {}}', headers).status_code == 404
    account = world.get("/me", "coordinator").json()["id"]
    assert world.post(f"/accounts/{account}/sessions/revoke", {"reason": "手机丢失"}, "admin").status_code == 200
    world.forget_tokens()
    answer = asked(world.app, f"/tasks/{task}/complete", b'{"data": {}}', headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "sign_in_needed")


def refusals(task: str) -> list[tuple[str, str, Any, dict[str, str]]]:
    return [
        ("coordinator", "nothing-1", {"data": {}}, {}),
        ("teacher", task, {"data": {}}, {}),
        ("coordinator", task, {"data": {"nonsense": 1}}, {}),
        ("coordinator", task, {"data": {"nonsense": 1}}, {"Accept-Language": "en"}),
        ("coordinator", task, {"data": 7}, {}),
        ("coordinator", task, {"data": {}, "more": 1}, {}),
        ("coordinator", task, {"data": {}, "done_at": "yesterday"}, {}),
        ("coordinator", task, [], {}),
        ("coordinator", task, {"data": {}}, {"Content-Type": "text/plain"}),
        ("coordinator", task, {"data": {}}, {"Authorization": "Bearer of nothing"}),
        ("coordinator", task, {"data": {}}, {"Authorization": ""}),
    ]


@pytest.mark.parametrize("number", range(len(refusals(""))))
def test_what_is_refused_is_refused_alike(world: Product, number: int) -> None:
    who, task, body, headers = refusals(accept(world))[number]
    sent = (f"/tasks/{task}/complete", json.dumps(body).encode(), {**signed_in(world, who), **headers})
    quick, route = asked(world.app, *sent), asked(usual(world), *sent)
    assert quick.status_code >= 400
    assert (quick.status_code, quick.json()) == (route.status_code, route.json())
    told = ("content-type", "www-authenticate")
    assert [quick.headers.get(name) for name in told] == [route.headers.get(name) for name in told]


@pytest.mark.parametrize("body", [b"", b"{", b'{"data": {}', b"\xff", b"[" * 100_000])
def test_what_is_no_json_is_refused_alike(world: Product, body: bytes) -> None:
    sent = (f"/tasks/{accept(world)}/complete", body, signed_in(world, "coordinator"))
    quick, route = asked(world.app, *sent), asked(usual(world), *sent)
    assert quick.status_code in {400, 422}
    assert (quick.status_code, quick.json()) == (route.status_code, route.json())
