"""The door of outside systems: signed messages, de-duplicated by their id."""

import secrets

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool

from service.api.dependencies import Answer, application_of
from service.api.problems import ProblemRoute
from service.api.wiring import doors_of
from service.application import exchange
from service.domain.errors import NoSuch
from service.domain.signatures import HEADER

router = APIRouter(route_class=ProblemRoute, tags=["exchange"])


class Taken(Answer):
    """What became of a message: delivered, buffered or duplicate."""

    state: str
    message_id: str


@router.post("/exchange/{partner}", status_code=202)
async def receive(partner: str, request: Request) -> Taken:
    """A signed message of a partner: `X-Signature: t=…,v1=HMAC-SHA256(secret, t + "." + body)`."""
    body = await request.body()
    signature = request.headers.get(HEADER, "")
    return await run_in_threadpool(_take, request, partner, body, signature)


def _take(request: Request, partner: str, body: bytes, signature: str) -> Taken:
    tocsin = application_of(request)
    door = doors_of(tocsin).get(partner)
    if door is None:
        raise NoSuch("partner", partner)
    message = door.read(body, signature)
    request_id = getattr(request.state, "request_id", "") or secrets.token_hex(8)
    state = tocsin.run(lambda uow: exchange.take(uow, tocsin.services, message, request_id=request_id))
    return Taken(state=state, message_id=message.message_id)
