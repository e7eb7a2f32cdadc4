"""Policy values of an organisation: what applies, who set it, how it came about. An incident keeps its snapshot."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select

from service.application import organisations
from service.application.services import Origin, Services
from service.domain import events as ev
from service.domain.access import Action, Principal, require
from service.domain.errors import ValueRefused
from service.domain.policies import PolicyEntry, parse_value, raw_value
from service.domain.policy_overrides import check_override, is_looser, snapshot
from service.persistence.tables import sql
from service.persistence.unit_of_work import NewEvent, StoredEvent, UnitOfWork


@dataclass(frozen=True, slots=True)
class PolicyRow:
    """A policy as an organisation has it; `inherited` is the value without its own override.

    `inherited_from` is the superior that set the inherited value, "" where it is the default. An override that
    does not count any more, because a superior became stricter, is `is_overridden` all the same.
    """

    entry: PolicyEntry
    value: Any
    inherited: Any
    inherited_from: str
    is_overridden: bool
    changed_at: datetime | None
    changed_by: str
    reason: str


@dataclass(frozen=True, slots=True)
class PolicyChange:
    """An entry of the history: who gave an organisation another value, when, from what to what, and why.

    `new` None: the organisation has taken over its superior's value again.
    """

    organisation: str
    at: datetime
    actor: str
    old: Any
    new: Any
    reason: str


@dataclass(frozen=True, slots=True)
class _Level:
    organisation: str
    rows: Mapping[str, Mapping[str, Any]]

    @property
    def values(self) -> dict[str, Any]:
        return {key: row["value"] for key, row in self.rows.items()}


def values_of(connection: Connection, services: Services, organisation: str, *, now: datetime) -> dict[str, Any]:
    """The raw values that apply in an organisation; the snapshot of an incident that opens now. Raises NoSuch."""
    kind = organisations.organisation(connection, organisation).type
    return snapshot(services.policies, kind, [level.values for level in _levels(connection, organisation, now)])


def listed(connection: Connection, services: Services, organisation: str, *, now: datetime) -> list[PolicyRow]:
    """All policies of an organisation in the catalogue's order. Raises NoSuch for an unknown organisation."""
    kind = organisations.organisation(connection, organisation).type
    *above, own = _levels(connection, organisation, now)
    inherited = snapshot(services.policies, kind, [level.values for level in above])
    values = snapshot(services.policies, kind, [level.values for level in (*above, own)])
    return [
        PolicyRow(
            entry, values[key], inherited[key], _source(entry, kind, above), key in own.rows,
            own.rows[key]["valid_from"] if key in own.rows else None,
            own.rows[key]["changed_by"] if key in own.rows else "",
            own.rows[key]["reason"] if key in own.rows else "",
        )
        for key, entry in services.policies.items()
    ]  # fmt: skip


def row_of(connection: Connection, services: Services, organisation: str, key: str, *, now: datetime) -> PolicyRow:
    """One policy of an organisation. Raises PolicyRefused for an unknown key, NoSuch."""
    services.policies.entry(key)
    return next(row for row in listed(connection, services, organisation, now=now) if row.entry.key == key)


def history(connection: Connection, organisation: str, key: str) -> list[PolicyChange]:
    """Changes of a policy in an organisation and its superiors, newest first, as the log has them."""
    above = organisations.hierarchy(connection).ancestors(organisation)
    streams = {stream_of(each): each for each in (organisation, *above)}
    log = sql.events
    mine = log.c.stream.in_(list(streams)) & (log.c.type == ev.PolicyChanged.type)
    found = []
    for row in connection.execute(select(log).where(mine).order_by(log.c.at.desc(), log.c.seq.desc())).mappings():
        event = ev.parse(row["type"], row["schema_version"], row["data"])
        if isinstance(event, ev.PolicyChanged) and event.key == key:
            organisation_id = streams[row["stream"]]
            found.append(PolicyChange(organisation_id, row["at"], row["actor"], event.old, event.new, event.reason))
    return found


def override(
    uow: UnitOfWork, services: Services, principal: Principal, *, key: str, organisation: str, value: Any,
    reason: str, request_id: str = "",
) -> StoredEvent | None:  # fmt: skip
    """Give an organisation another value from now on, logged in its stream; None where it has that value already.

    `value` None takes the override back. Raises PolicyRefused (unknown key, value not allowed, looser than the
    superior's), ValueRefused without a reason, NoSuch, NotAllowed.
    """
    require(principal, Action.POLICY_CHANGE, organisations.subject(uow.connection, organisation))
    if not reason.strip():
        raise ValueRefused("reason", "须写明理由", "must say why")
    before = row_of(uow.connection, services, organisation, key, now=uow.now)
    wanted = None if value is None else raw_value(check_override(before.entry, before.inherited, value))
    if (value is None and not before.is_overridden) or wanted == before.value:
        return None
    row = {
        "id": uow.new_id(), "key": key, "organisation_id": organisation, "value": wanted, "valid_from": uow.now,
        "reason": reason, "changed_by": principal.account_id,
    }  # fmt: skip
    uow.connection.execute(insert(sql.policy_overrides).values(row))
    origin = Origin(actor=principal.account_id, request_id=request_id, command_id=request_id)
    return _log(uow, organisation, ev.PolicyChanged(key, before.value, wanted, reason), origin)


def stream_of(organisation: str) -> str:
    """The stream of the log that tells what happened to an organisation."""
    return f"org:{organisation}"


def _log(uow: UnitOfWork, organisation: str, event: ev.Event, origin: Origin) -> StoredEvent:
    new = NewEvent(
        event.type, uow.now, event.data(), actor=origin.actor, request_id=origin.request_id,
        command_id=origin.command_id, schema_version=event.schema_version,
    )  # fmt: skip
    return uow.append(stream_of(organisation), [new])[0]


def _levels(connection: Connection, organisation: str, now: datetime) -> list[_Level]:
    """The overrides that stand, from the top of the tree down to the organisation; the newest row counts."""
    down = [*reversed(organisations.hierarchy(connection).ancestors(organisation)), organisation]
    table = sql.policy_overrides
    valid = table.c.organisation_id.in_(down) & (table.c.valid_from <= now)
    rows: dict[str, dict[str, Mapping[str, Any]]] = {each: {} for each in down}
    for row in connection.execute(select(table).where(valid).order_by(table.c.valid_from, table.c.id)).mappings():
        rows[row["organisation_id"]][row["key"]] = dict(row)
    return [_Level(each, {key: row for key, row in rows[each].items() if row["value"] is not None}) for each in down]


def _source(entry: PolicyEntry, kind: str, above: list[_Level]) -> str:
    """The superior whose override gives the inherited value, "" for the default."""
    source, value = "", parse_value(entry, entry.default_for(kind))
    for level in above:
        if entry.key in level.rows:
            wanted = parse_value(entry, level.rows[entry.key]["value"])
            if not is_looser(entry, value, wanted):
                source, value = level.organisation, wanted
    return source
