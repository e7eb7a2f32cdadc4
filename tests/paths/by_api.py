"""The same scenarios through the HTTP API: what a World does by use cases, this one asks for over HTTP.

`TOCSIN_TEST_DOOR=api` makes every world of the path tests one of these. Problem documents become the
errors of the domain again, so that the tests read the same.
"""

import asyncio
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import httpx
from fastapi import FastAPI

from service.api import add_api
from service.application import accounts
from service.application.rounds import RoundOutcome
from service.bootstrap import Tocsin
from service.domain import commands as cmd
from service.domain.errors import FieldError, TocsinError, leaves


class Doors:
    """The API of one product, spoken to as the people of the demo."""

    def __init__(self, app: Tocsin) -> None:
        self.app = app

    @cached_property
    def served(self) -> FastAPI:
        """The application of the API alone."""
        served = FastAPI()
        add_api(served.router, self.app)
        return served

    def get(self, path: str, account: str) -> Any:
        """Ask; the answer's JSON."""
        return self._ask("GET", path, account, None)

    def post(self, path: str, account: str, body: Mapping[str, Any]) -> Any:
        """Tell; the answer's JSON. Raises the error of the domain a problem document stands for."""
        return self._ask("POST", path, account, body)

    def put(self, path: str, account: str, body: Mapping[str, Any]) -> Any:
        """Set; the answer's JSON. Raises like `post`."""
        return self._ask("PUT", path, account, body)

    def _ask(self, method: str, path: str, account: str, body: Mapping[str, Any] | None) -> Any:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.served)
            async with httpx.AsyncClient(transport=transport, base_url="http://test/api/v1") as client:
                headers = {"Authorization": f"Bearer {self._token(account)}"}
                return await client.request(method, path, headers=headers, json=body)

        answer = asyncio.run(ask())
        if answer.is_error:
            raise as_error(answer)
        return answer.json() if answer.content else None

    def _token(self, account: str) -> str:
        # a session for each request: the clock of a scenario leaves sessions behind
        return self.app.run(lambda uow: accounts.begin_session(uow, account, kind="bearer")).secret


def as_error(answer: httpx.Response) -> TocsinError:
    """The error of the domain a problem document stands for."""
    problem = answer.json()
    found = next((leaf for leaf in leaves() if leaf.code == problem.get("code")), None)
    assert found is not None, answer.text
    error = found.__new__(found)
    for name in getattr(found, "__dataclass_fields__", {}):
        setattr(error, name, problem.get(name, ""))
    if "errors" in problem:
        rows = [FieldError(row["path"], row["code"], row["message"], row["message"]) for row in problem["errors"]]
        error.errors = rows  # type: ignore[attr-defined]  # FormRefused has it
    return error


def complete(doors: Doors, account: str, command: cmd.CompleteTask) -> Any:
    """POST /tasks/{id}/complete."""
    body: dict[str, Any] = {"data": dict(command.data)}
    if command.done_at:
        body["done_at"] = command.done_at.isoformat()
    if command.late_reason:
        body["late_reason"] = command.late_reason
    return doors.post(f"/tasks/{command.task}/complete", account, body)


def record_round(doors: Doors, account: str, command: cmd.RecordRound) -> RoundOutcome:
    """POST /incidents/{id}/readings."""
    body = {
        "day": command.day.isoformat(), "session": command.session, "rows": list(command.rows),
        "others": command.others, "others_of": list(command.others_of), "common": dict(command.common),
    }  # fmt: skip
    answer = doors.post(f"/incidents/{command.incident}/readings", account, body)
    odd = [FieldError(row["path"], row["code"], row["message"], row["message"]) for row in answer["warnings"]]
    return RoundOutcome(answer["saved"], answer["closed"], tuple(odd))


def trigger(doors: Doors, account: str, command: cmd.TriggerAction) -> None:
    """POST /incidents/{id}/actions/{message}."""
    body: dict[str, Any] = {"data": dict(command.data)}
    if command.instance:
        body["instance"] = command.instance
    doors.post(f"/incidents/{command.incident}/actions/{command.message}", account, body)


def receive(doors: Doors, account: str, command: cmd.ReceiveMessage) -> str:
    """POST /incidents/{id}/messages; delivered, buffered or duplicate."""
    body = {
        "name": command.name, "keys": dict(command.keys), "payload": dict(command.payload),
        "message_id": command.message_id,
    }  # fmt: skip
    answer = doors.post(f"/incidents/{command.incident}/messages", account, body)
    return str(answer["state"])
