"""Policy values of an organisation: what applies, why, and changing it. An incident keeps its snapshot."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select

from service.application import organisations
from service.application.services import Services
from service.domain.access import Action, Principal, require
from service.domain.errors import ValueRefused
from service.domain.policies import PolicyEntry, check_override, raw_value, snapshot
from service.persistence import tables as t
from service.persistence.unit_of_work import NewEvent, UnitOfWork

_overrides = t.table_of(t.PolicyOverride)


@dataclass(frozen=True, slots=True)
class PolicyRow:
    """A policy as an organisation has it; `inherited` is the value without its own override."""

    entry: PolicyEntry
    value: Any
    inherited: Any
    is_overridden: bool
    changed_at: datetime | None
    changed_by: str
    reason: str


@dataclass(frozen=True, slots=True)
class ChangePolicy:
    """Give a policy another value in an organisation and what lies below it, from now on."""

    key: str
    organisation: str
    value: Any
    reason: str


def listed(connection: Connection, services: Services, organisation: str, *, now: datetime) -> list[PolicyRow]:
    """All policies of an organisation in the catalogue's order. Raises NoSuch for an unknown organisation."""
    kind = organisations.organisation(connection, organisation).type
    levels, own = _levels(connection, organisation, now)
    inherited = snapshot(services.policies, kind, levels)
    values = snapshot(services.policies, kind, [*levels, {key: row["value"] for key, row in own.items()}])
    return [
        PolicyRow(
            entry, values[key], inherited[key], key in own,
            own[key]["valid_from"] if key in own else None,
            own[key]["changed_by"] if key in own else "",
            own[key]["reason"] if key in own else "",
        )
        for key, entry in services.policies.items()
    ]  # fmt: skip


def change(
    uow: UnitOfWork, services: Services, principal: Principal, command: ChangePolicy, *, request_id: str = ""
) -> PolicyRow:
    """Override a policy; logged in the organisation's stream. Incidents that run keep what they were opened with.

    Raises PolicyRefused (unknown key, value not allowed, looser than the superior's), NoSuch, NotAllowed.
    """
    subject = organisations.subject(uow.connection, command.organisation)
    require(principal, Action.POLICY_CHANGE, subject)
    if not command.reason.strip():
        raise ValueRefused("reason", "须写明理由", "must say why")
    entry = services.policies.entry(command.key)
    before = {row.entry.key: row for row in listed(uow.connection, services, command.organisation, now=uow.now)}
    value = raw_value(check_override(entry, before[entry.key].inherited, command.value))
    row = {
        "id": uow.new_id(), "key": entry.key, "organisation_id": command.organisation, "value": value,
        "valid_from": uow.now, "reason": command.reason, "changed_by": principal.account_id,
    }  # fmt: skip
    uow.connection.execute(insert(_overrides).values(row))
    data = {"key": entry.key, "old": before[entry.key].value, "new": value}
    event = NewEvent("policy_changed", uow.now, data, actor=principal.account_id, request_id=request_id)
    uow.append(f"org:{command.organisation}", [event])
    after = listed(uow.connection, services, command.organisation, now=uow.now)
    return next(each for each in after if each.entry.key == entry.key)


def _levels(
    connection: Connection, organisation: str, now: datetime
) -> tuple[list[dict[str, Any]], dict[str, dict[str, Any]]]:
    """Overrides of the superiors from the top down, and the organisation's own rows; the newest counts."""
    above = list(reversed(organisations.hierarchy(connection).ancestors(organisation)))
    valid = _overrides.c.organisation_id.in_([*above, organisation]) & (_overrides.c.valid_from <= now)
    statement = select(_overrides).where(valid).order_by(_overrides.c.valid_from, _overrides.c.id)
    by_organisation: dict[str, dict[str, dict[str, Any]]] = {}
    for row in connection.execute(statement).mappings():
        by_organisation.setdefault(row["organisation_id"], {})[row["key"]] = dict(row)
    levels = [{key: row["value"] for key, row in by_organisation.get(each, {}).items()} for each in above]
    return levels, by_organisation.get(organisation, {})
