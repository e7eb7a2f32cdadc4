"""Changes of the directory in the log: one stream per organisation, the changed thing named as the element."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from service.application.policy_values import stream_of
from service.domain import events as ev
from service.domain.access import Principal
from service.persistence.tables import sql
from service.persistence.unit_of_work import NewEvent, UnitOfWork

TYPES: tuple[type[ev.Event], ...] = (
    ev.OrganisationChanged, ev.PlaceChanged, ev.GroupChanged, ev.MemberChanged, ev.AccountChanged,
    ev.MembershipChanged, ev.AccountInvited, ev.WorkHandedOver, ev.DirectoryImported,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Change:
    """Something to be recorded: the event, what it is about, and what of it is sealed under whom."""

    event: ev.Event
    element: str
    sealed: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Recorded:
    """A change as the log has it."""

    organisation: str
    seq: int
    at: datetime
    actor: str
    element: str
    event: ev.Event


def record(uow: UnitOfWork, organisation: str, changes: Sequence[Change], *, by: Principal, request_id: str) -> None:
    """Append changes to the stream of an organisation."""
    new = [
        NewEvent(
            each.event.type, uow.now, each.event.data(), sealed=each.sealed, element=each.element,
            actor=by.account_id, request_id=request_id, command_id=request_id,
            schema_version=each.event.schema_version,
        )
        for each in changes
    ]  # fmt: skip
    uow.append(stream_of(organisation), new)


def history(connection: Connection, organisation: str, *, element: str = "", limit: int = 50) -> list[Recorded]:
    """Changes of an organisation, or of one thing of it, newest first."""
    log = sql.events
    mine = (log.c.stream == stream_of(organisation)) & log.c.type.in_([each.type for each in TYPES])
    if element:
        mine &= log.c.element == element
    rows = connection.execute(select(log).where(mine).order_by(log.c.seq.desc()).limit(limit)).mappings()
    return [_recorded(organisation, row) for row in rows]


def recorded(connection: Connection, organisation: str, seq: int) -> Recorded | None:
    """One change of an organisation, None if there is none of this number."""
    log = sql.events
    it = (log.c.stream == stream_of(organisation)) & (log.c.seq == seq)
    row = connection.execute(select(log).where(it, log.c.type.in_([each.type for each in TYPES]))).mappings().first()
    return _recorded(organisation, row) if row else None


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Only what differs of two sets of values, as it was and as it is."""
    names = [name for name in after if before.get(name) != after[name]]
    return {name: before.get(name) for name in names}, {name: after[name] for name in names}


def _recorded(organisation: str, row: Mapping[Any, Any]) -> Recorded:
    event = ev.parse(row["type"], row["schema_version"], row["data"])
    return Recorded(organisation, row["seq"], row["at"], row["actor"], row["element"], event)
