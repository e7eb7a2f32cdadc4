"""Finding a person by name, phone or identity number over all incidents one may see; every search is logged."""

from dataclasses import dataclass

from sqlalchemy import select

from service.application.access_log import ACCESS_STREAM
from service.application.queries.reader import Reader
from service.application.services import Services
from service.domain import events as ev
from service.domain.access import Action, Principal, require
from service.domain.blind_index import KINDS, LEAST, normal
from service.domain.errors import ValueRefused
from service.persistence.tables import sql
from service.persistence.unit_of_work import NewEvent, UnitOfWork

MOST_FOUND = 100


@dataclass(frozen=True, slots=True)
class FindPersons:
    """Look for persons by a whole name, phone or identity number; `by` says which it is."""

    by: str
    text: str


@dataclass(frozen=True, slots=True)
class FoundPersons:
    """Ids of those who were found, the newest first."""

    persons: tuple[str, ...]


def find(
    uow: UnitOfWork, services: Services, principal: Principal, command: FindPersons, *, request_id: str = ""
) -> FoundPersons:
    """Look, within what the caller may see. Raises ValueRefused for too little to look for."""
    require(principal, Action.PERSON_SEARCH)
    if command.by not in KINDS:
        raise ValueRefused("by", "请选择按什么查找", "choose what to look for")
    least = LEAST[command.by]
    if len(normal(command.by, command.text)) < least:
        raise ValueRefused(
            "text", f"请输入完整内容，至少 {least} 个字符", f"type all of it, at least {least} characters"
        )
    reader = Reader(uow.connection, uow.sealer, services, principal, uow.now)
    digest = services.index.digest(command.by, command.text)
    index, incidents = sql.person_index.c, sql.incidents
    statement = (
        select(index.person_id, incidents)
        .join(incidents, incidents.c.id == index.incident_id)
        .where(index.digest == digest, reader.in_scope)
        .order_by(index.person_id.desc())
    )
    rows = [row for row in reader.rows(statement) if reader.may_with(Action.PEOPLE_READ, row)]
    found = tuple(dict.fromkeys(row["person_id"] for row in rows))[:MOST_FOUND]
    event = ev.PersonSearched(command.by, list(found))
    new = NewEvent(event.type, uow.now, event.data(), actor=principal.account_id, request_id=request_id)
    uow.append(ACCESS_STREAM, [new])
    return FoundPersons(found)
