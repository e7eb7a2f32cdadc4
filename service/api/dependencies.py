"""What every route gets: who asks and whether he may, the language, one snapshot to read, one way to write."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, ConfigDict, TypeAdapter

from service.api.problems import locale_of
from service.api.wiring import Application
from service.application import access_tokens, idempotency
from service.application.accounts import CurrentSession
from service.application.queries import Reader
from service.application.services import Services
from service.application.sessions import SESSION_COOKIE, cookie_name
from service.domain.access import RULES, SYSTEM, Action, Principal, is_within, require
from service.domain.errors import CsrfMissing, NotAllowed, SignInNeeded
from service.persistence.unit_of_work import UnitOfWork

CSRF_HEADER = "x-csrf-token"
KEY_HEADER = "idempotency-key"
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
BEARER = "bearer "

T = TypeVar("T")
UseCase = Callable[..., T]


class Body(BaseModel):
    """Base of request bodies: strict, and every unknown key is an error."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Answer(BaseModel):
    """Base of answers."""

    model_config = ConfigDict(from_attributes=True, frozen=True)


@dataclass
class Door:
    """One request of somebody signed in."""

    tocsin: Application
    session: CurrentSession
    locale: str
    route: str
    request_id: str
    key: str

    @property
    def principal(self) -> Principal:
        """Who asks."""
        return self.session.principal

    @property
    def services(self) -> Services:
        """Catalogues and definitions."""
        return self.tocsin.services

    def read(self, query: Callable[[Reader], T]) -> T:
        """The answer to a query, on one snapshot."""
        with self.tocsin.read() as connection:
            return query(self._reader(connection))

    def change(
        self,
        use_case: UseCase[T],
        command: object,
        answer: Callable[[Reader, T], BaseModel],
        *,
        status: int = 200,
        asked: object = None,
    ) -> Response:
        """Run `use_case(uow, services, principal, command, request_id=…)` once and answer what it did.

        With an Idempotency-Key the answer is written in the same unit of work and given again to the same request;
        `asked` is what makes a request the same where the command holds more than the caller said.
        """
        if not self.key:
            result = self.tocsin.run(lambda uow: self._run(uow, use_case, command))
            shown = self.read(lambda reader: answer(reader, result))
            return JSONResponse(shown.model_dump(mode="json", by_alias=True), status)

        def work(uow: UnitOfWork) -> idempotency.Answer:
            def first() -> idempotency.Answer:
                result = self._run(uow, use_case, command)
                shown = answer(self._reader(uow.connection), result)  # asked for afterwards: it sees what was written
                return idempotency.Answer(status, shown.model_dump_json(by_alias=True))

            return idempotency.once(uow, self._keyed(command if asked is None else asked), first)

        kept = self.tocsin.run(work)
        headers = {"Idempotent-Replay": "true"} if kept.is_repeat else {}
        return Response(kept.text, kept.status, headers, "application/json")

    async def complete(self, use_case: UseCase[T], command: object, answer: Callable[[T], BaseModel]) -> Response:
        """As `change`, awaited, where the answer needs nothing but the result: the event loop waits, no thread does."""
        if self.key:
            return await run_in_threadpool(self.change, use_case, command, lambda _, result: answer(result))
        return Response(await self.answered(use_case, command, answer), media_type="application/json")

    async def answered(self, use_case: UseCase[T], command: object, answer: Callable[[T], BaseModel]) -> bytes:
        """The bytes of an answer that needs nothing but the result."""
        result = await self.tocsin.run_soon(lambda uow: self._run(uow, use_case, command))
        return answer(result).model_dump_json(by_alias=True).encode()

    def _run(self, uow: UnitOfWork, use_case: UseCase[T], command: object) -> T:
        return use_case(uow, self.services, self.principal, command, request_id=self.request_id)

    def _keyed(self, asked: object) -> idempotency.Request:
        body = TypeAdapter(type(asked)).dump_json(asked)
        return idempotency.Request(self.principal.account_id, self.route, self.key, body)

    def _reader(self, connection: Any) -> Reader:
        tocsin = self.tocsin
        return Reader(connection, tocsin.sealer, tocsin.services, self.principal, tocsin.clock.now(), self.locale)


class Permit:
    """The right a route asks for; the dependency that makes the door of a request.

    A right that does not depend on what is asked about is required here; the others are required by
    the query or the use case, which know the incident, task or organisation.
    """

    def __init__(self, action: Action) -> None:
        self.action = action
        # Such rights are those of anybody, administrators, trainers and outside parties.
        self.only_general = all(rule.__name__ in GENERAL_RULES for rule in RULES[action])

    def require(self, principal: Principal) -> None:
        """Raises NotAllowed where the right is refused whatever is asked about."""
        if self.only_general:
            require(principal, self.action, SYSTEM)

    async def __call__(
        self,
        request: Request,
        _shown_in_docs: Annotated[HTTPAuthorizationCredentials | None, Depends(HTTPBearer(auto_error=False))],
    ) -> Door:
        """The door of a request. Raises SignInNeeded, CsrfMissing, NotAllowed."""
        tocsin = application_of(request)
        session = await signed_in(request, tocsin)
        if not is_within(session.principal, self.action):
            await run_in_threadpool(_refuse_action, tocsin, session, self.action)
        self.require(session.principal)
        route = f"{request.method} {request.url.path}"
        request_id = getattr(request.state, "request_id", "") or secrets.token_hex(8)
        key = request.headers.get(KEY_HEADER, "")
        return Door(tocsin, session, locale_of(request), route, request_id, key)


GENERAL_RULES = frozenset({"_anybody", "_administrator", "_trainer", "_outside_party"})


def application_of(request: Request) -> Application:
    """The running product this request belongs to."""
    application: Application = request.state.application
    return application


def session_of(request: Request, tocsin: Application) -> CurrentSession:
    """The session of a bearer token or of the cookie; a cookie that changes something needs its CSRF value.

    Raises SignInNeeded, CsrfMissing, TooManyAttempts.
    """
    secret, is_token = _secret_of(request)
    session = tocsin.sessions.find(secret, now=tocsin.clock.now()) if secret else None
    if session is None and is_token:
        tocsin.run(lambda uow: access_tokens.refuse(uow, secret, address=address_of(request)))
    return _accepted(request, session, is_token=is_token)


async def signed_in(request: Request, tocsin: Application) -> CurrentSession:
    """The same for the event loop: only a session nobody has asked for lately needs a thread."""
    secret, is_token = _secret_of(request)
    session = tocsin.sessions.remembered(secret, now=tocsin.clock.now()) if secret else None
    if session is None:
        return await run_in_threadpool(session_of, request, tocsin)
    return _accepted(request, session, is_token=is_token)


def address_of(request: Request) -> str:
    """The network address that asks, as the server knows it."""
    return request.client.host if request.client else ""


def _secret_of(request: Request) -> tuple[str, bool]:
    header = request.headers.get("authorization", "")
    token = header[len(BEARER) :].strip() if header.lower().startswith(BEARER) else ""
    is_secure = application_of(request).settings.secure_cookies or request.url.scheme == "https"
    return token or request.cookies.get(cookie_name(SESSION_COOKIE, is_secure=is_secure), ""), bool(token)


def _refuse_action(tocsin: Application, session: CurrentSession, action: Action) -> None:
    """What a token or pass is not good for is refused, and of a token it is logged. Raises NotAllowed."""
    if session.is_token:
        account = session.principal.account_id
        tocsin.run(lambda uow: access_tokens.refuse_action(uow, session.id, account, action))
    raise NotAllowed(str(action))


def _accepted(request: Request, session: CurrentSession | None, *, is_token: bool) -> CurrentSession:
    if session is None or session.kind != ("bearer" if is_token else "cookie"):
        raise SignInNeeded
    if request.method not in SAFE and not session.accepts_csrf(request.headers.get(CSRF_HEADER)):
        raise CsrfMissing
    return session


def permit(action: Action) -> Any:
    """The door of a route that asks for this right."""
    return Depends(Permit(action))
