"""The quick way to complete a task: what the framework puts together for each request, put together by hand.

Matching routes, resolving dependencies and reading the body take the framework longer than the command
takes. What most requests look like is answered here: a bearer token, a body of the right shape, no
idempotency key. Every other request goes to the route of the same address (`tasks.complete`), which refuses
what is to be refused. Both are the same door.
"""

import json
import secrets
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from pydantic import ValidationError
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.api import problems
from service.api.dependencies import BEARER, KEY_HEADER, Door, Permit
from service.api.tasks import Completion, completed
from service.api.wiring import Application
from service.application import tasks as use_cases
from service.application.accounts import CurrentSession
from service.application.services import Services
from service.application.session_memory import Remembered, SessionMemory
from service.application.tasks import TaskOutcome
from service.domain import commands as cmd
from service.domain.access import Action, Principal, is_within
from service.persistence.unit_of_work import UnitOfWork

BEFORE, AFTER = "/api/v1/tasks/", "/complete"
JSON = (b"application/json", b"application/json; charset=utf-8")
PERMIT = Permit(Action.TASK_COMPLETE)
Headers = Mapping[bytes, bytes]


class QuickCompletion:
    """ASGI middleware that answers completions; `path` is the route's, for whoever counts requests."""

    path = f"{BEFORE}{{task}}{AFTER}"

    def __init__(self, app: ASGIApp, tocsin: Application) -> None:
        self._app, self._tocsin, self._largest = app, tocsin, tocsin.settings.max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        task = _task_of(scope)
        secret = self._secret(dict(scope["headers"])) if task else ""
        if not secret:
            await self._app(scope, receive, send)
            return
        messages = await self._received(receive)
        body = _completion(messages)
        answer = None if body is None else await self._answer(scope, secret, task, body)
        if answer is None:
            await self._app(scope, _again(messages, receive), send)
            return
        scope["route"] = self
        status, media_type, content, headers = answer
        start = [(b"content-type", media_type), (b"content-length", str(len(content)).encode()), *headers]
        await send({"type": "http.response.start", "status": status, "headers": start})
        await send({"type": "http.response.body", "body": content})

    def _secret(self, headers: Headers) -> str:
        """The bearer token, where everything around the body is as it mostly is."""
        if headers.get(b"content-type", b"").lower() not in JSON or KEY_HEADER.encode() in headers:
            return ""
        length, header = headers.get(b"content-length", b""), headers.get(b"authorization", b"").decode("latin-1")
        if not length.isdigit() or int(length) > self._largest or not header.lower().startswith(BEARER):
            return ""
        return header[len(BEARER) :].strip()

    async def _session(self, secret: str) -> Remembered | None:
        """The session of a token that may complete tasks; only one nobody has asked for lately needs a thread."""
        sessions, now = self._tocsin.sessions, self._tocsin.clock.now()
        found = sessions.supposed(secret, now=now) or await run_in_threadpool(sessions.look_up, secret, now=now)
        return found if found is not None and _may_complete(found.session) else None

    async def _received(self, receive: Receive) -> list[Message]:
        """What came of the body: all of it, or as much as shows that it is too large or cut off."""
        messages, left = [await receive()], self._largest
        while messages[-1].get("more_body") and (left := left - len(messages[-1].get("body", b""))) >= 0:
            messages.append(await receive())
        return messages

    async def _answer(
        self, scope: Scope, secret: str, task: str, body: Completion
    ) -> tuple[int, bytes, bytes, list[tuple[bytes, bytes]]] | None:
        """Status, type, content and further headers; None where it is for the route to refuse the token."""
        try:
            supposed = await self._session(secret)
            if supposed is None:
                return None
            PERMIT.require(supposed.session.principal)
            door = Door(self._tocsin, supposed.session, "", f"POST {scope['path']}", _request_id(scope), "")
            command = cmd.CompleteTask(task, body.data, body.done_at, body.late_reason)
            content = await door.answered(_Confirming(self._tocsin.sessions, secret, supposed), command, completed)
        except _Ended:
            return None
        except Exception as error:  # whatever it is, the caller must get an answer
            problem = problems.of_exception(Request(scope), error, route=self.path)
            told = [(name, value) for name, value in problem.raw_headers if not name.startswith(b"content-")]
            return problem.status_code, problems.MEDIA_TYPE.encode(), bytes(problem.body), told
        return 200, JSON[0], content, []


class _Ended(Exception):
    """The session has ended since it was looked up."""


@dataclass(frozen=True, slots=True)
class _Confirming:
    """Completing a task by whoever the session belongs to in the transaction of the command."""

    sessions: SessionMemory
    secret: str
    supposed: Remembered

    def __call__(
        self, uow: UnitOfWork, services: Services, _supposed: Principal, command: cmd.CompleteTask, *, request_id: str
    ) -> TaskOutcome:  # fmt: skip
        session = self.sessions.confirmed(uow, self.secret, self.supposed)
        if session is None or not _may_complete(session):
            raise _Ended
        return use_cases.complete(uow, services, session.principal, command, request_id=request_id)


def _may_complete(session: CurrentSession) -> bool:
    return session.kind == "bearer" and is_within(session.principal, PERMIT.action)


def _task_of(scope: Scope) -> str:
    """The task a request wants to complete; empty for every other request."""
    if scope["type"] != "http" or scope["method"] != "POST":
        return ""
    path: str = scope["path"]
    if not (path.startswith(BEFORE) and path.endswith(AFTER)) or scope.get("root_path") or scope["query_string"]:
        return ""
    task = path[len(BEFORE) : -len(AFTER)]
    return "" if "/" in task else task


def _request_id(scope: Scope) -> str:
    return scope.get("state", {}).get("request_id", "") or secrets.token_hex(8)


def _completion(messages: list[Message]) -> Completion | None:
    """The body, if it came as a whole and is what the route takes."""
    if messages[-1]["type"] != "http.request" or messages[-1].get("more_body"):
        return None
    try:
        return Completion.model_validate(json.loads(b"".join(each.get("body", b"") for each in messages)))
    except (ValueError, RecursionError, ValidationError):
        return None


def _again(messages: list[Message], receive: Receive) -> Receive:
    """Receiving, with what was received already once more."""
    waiting = deque(messages)

    async def received() -> Message:
        return waiting.popleft() if waiting else await receive()

    return received
