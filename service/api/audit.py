"""The audit log: searched, and its chains checked. Every look is logged."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query

from service.api.dependencies import Answer, Door, permit
from service.api.problems import ProblemRoute
from service.api.shapes import Page, page_of
from service.application import audit
from service.application.audit import AuditFilter
from service.application.queries import audit as queries
from service.domain.access import Action
from service.domain.audit import AuditKind
from service.domain.errors import ValueRefused
from service.persistence import chain

router = APIRouter(route_class=ProblemRoute, prefix="/audit", tags=["audit"])


class BadEventAnswer(Answer):
    """Where the chain breaks."""

    stream: str
    seq: int
    reason: str


class ChainAnswer(Answer):
    """The result of checking the hash chains."""

    ok: bool
    events: int
    first_bad: BadEventAnswer | None


class AuditEntryAnswer(Answer):
    """One entry; `at` is real time, `hash` its place in the chain of its stream."""

    stream: str
    seq: int
    kind: AuditKind
    type: str
    at: datetime
    account: str
    account_name: str
    role: str
    incident: str
    number: str
    summary: str
    hash: str


@router.get("")
def search(
    door: Annotated[Door, permit(Action.AUDIT_READ)],
    *,
    kind: Annotated[list[AuditKind] | None, Query()] = None,
    account: str = "",
    incident: str = "",
    person: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
    cursor: str = "",
    limit: int = 50,
) -> Page[AuditEntryAnswer]:
    """Who saw, changed or took out what, and who came in, newest first; `person` is whose data it is about."""
    for name, at in (("since", since), ("until", until)):
        if at is not None and at.tzinfo is None:
            raise ValueRefused(name, "须带时区", "needs an offset")
    asked = AuditFilter(tuple(each.value for each in kind or ()), account, incident, person, since, until)
    found = door.read(lambda reader: queries.search(reader, asked, cursor=cursor, limit=limit))
    door.tocsin.run(
        lambda uow: audit.note_look(
            uow, door.services, door.principal, asked, len(found.entries), request_id=door.request_id
        )
    )
    return page_of([AuditEntryAnswer.model_validate(each) for each in found.entries], found.next)


@router.get("/verify")
def verify(door: Annotated[Door, permit(Action.AUDIT_VERIFY)], stream: str = "") -> ChainAnswer:
    """Check the hash chain of one stream, or of all streams and the seals over them."""
    return ChainAnswer.model_validate(door.read(lambda reader: chain.verify(reader.connection, stream or None)))
