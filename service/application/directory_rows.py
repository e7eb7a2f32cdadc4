"""Writing the steps of an import: many rows at once, each in the log of its organisation."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import delete, insert, select, update

from service.application import accounts
from service.application.directory_log import Change, record
from service.application.directory_steps import ACCOUNTS, CHANGED, NEW, REMOVED
from service.application.directory_workbook import MEMBERS, ORGANISATIONS, PEOPLE, PLACES
from service.application.services import Services
from service.domain import events as ev
from service.domain.access import Principal
from service.persistence.tables import sql
from service.persistence.unit_of_work import UnitOfWork

Row = Mapping[str, Any]


def write(uow: UnitOfWork, _services: Services, principal: Principal, steps: Sequence[Row], *, request_id: str) -> None:
    """Do steps of a plan; what they say was checked when the plan was made."""
    uow.directory_changed()
    logged: dict[str, list[Change]] = {}
    for kind, found in groupby(steps, key=lambda step: step["kind"]):
        for step, change in zip(rows := list(found), _WRITERS[kind](uow, rows), strict=True):
            logged.setdefault(step["organisation"], []).append(change)
    for organisation, changes in logged.items():
        record(uow, organisation, changes, by=principal, request_id=request_id)


def _organisations(uow: UnitOfWork, steps: Sequence[Row]) -> list[Change]:
    table = sql.organisations
    fresh = [{"id": step["key"], "is_active": True, **step["values"]} for step in steps if step["change"] == NEW]
    if fresh:  # superiors come first: a row may refer to one before it
        for row in fresh:
            uow.connection.execute(insert(table).values(row))
    for step in steps:
        if step["change"] == CHANGED:
            uow.connection.execute(update(table).where(table.c.id == step["key"]).values(step["values"]))
    return [
        Change(ev.OrganisationChanged(step["key"], dict(step["before"]), _after(step)), step["key"]) for step in steps
    ]


def _places(uow: UnitOfWork, steps: Sequence[Row]) -> list[Change]:
    table, changes = sql.places, []
    for step in steps:
        it = (table.c.organisation_id == step["organisation"]) & (table.c.name == step["key"])
        if step["change"] == NEW:
            place = uow.new_id()
            row = {"id": place, "organisation_id": step["organisation"], "name": step["key"], **step["values"]}
            uow.connection.execute(insert(table).values(row))
        else:
            place = str(uow.connection.execute(select(table.c.id).where(it)).scalar() or "")
            uow.connection.execute(update(table).where(it).values(step["values"]))
        after = {"name": step["key"], **_after(step)}
        changes.append(Change(ev.PlaceChanged(place, dict(step["before"]), after), place))
    return changes


def _accounts(uow: UnitOfWork, steps: Sequence[Row]) -> list[Change]:
    table, known = sql.accounts, _account_ids(uow, [step["key"] for step in steps])
    fresh = {step["key"]: uow.new_id() for step in steps if step["key"] not in known}
    if fresh:
        rows = [
            {
                "id": fresh[step["key"]], "username": step["key"], "name": step["values"]["name"],
                "password_hash": accounts.hash_of_nothing(),
            }
            for step in steps
            if step["key"] in fresh
        ]  # fmt: skip
        uow.connection.execute(insert(table), rows)
    changes = []
    for step in steps:
        account = fresh.get(step["key"]) or known[step["key"]]
        if step["key"] in fresh:
            changes.append(Change(ev.AccountChanged(account, {}, {"is_active": True}), account))
            continue
        name = step["values"]["name"]
        uow.connection.execute(update(table).where(table.c.id == account).values(name=name))
        sealed = {account: {"before": dict(step["before"]), "after": {"name": name}}}
        changes.append(Change(ev.AccountChanged(account, {"name": "*"}, {"name": "*"}), account, sealed))
    return changes


def _people(uow: UnitOfWork, steps: Sequence[Row]) -> list[Change]:
    table = sql.memberships
    known = _account_ids(uow, [step["key"].rpartition(" ")[0] for step in steps])
    changes, fresh = [], []
    for step in steps:
        username, _, role = step["key"].rpartition(" ")
        account = known[username]
        it = (
            (table.c.account_id == account) & (table.c.organisation_id == step["organisation"]) & (table.c.role == role)
        )
        limits = {f"valid_{name}": _instant(step["values"].get(name)) for name in ("from", "until")}
        if step["change"] == NEW:
            fresh.append({"account_id": account, "organisation_id": step["organisation"], "role": role, **limits})
        elif step["change"] == REMOVED:
            uow.connection.execute(delete(table).where(it))
        else:
            uow.connection.execute(update(table).where(it).values(limits))
        before = {name: value or None for name, value in step["before"].items()}
        after = {name: value or None for name, value in _after(step).items()}
        if step["change"] == CHANGED:
            before = {"from": None, "until": None, **before}
        changes.append(Change(ev.MembershipChanged(account, role, before, after), account))
    if fresh:
        uow.connection.execute(insert(table), fresh)
    return changes


def _members(uow: UnitOfWork, steps: Sequence[Row]) -> list[Change]:
    table, places = sql.members, _place_ids(uow, {step["organisation"] for step in steps})
    changes, fresh = [], []
    for step in steps:
        member = step["key"] or uow.new_id()
        if step["change"] == REMOVED:
            uow.connection.execute(delete(table).where(table.c.id == member))
            changes.append(Change(ev.MemberChanged(member, dict(step["before"]), {}), member))
            continue
        values = step["values"]
        row = {
            "place_id": places.get((step["organisation"], values["place"])), "person_type": values["person_type"],
            "seat_no": values["seat_no"],
        }  # fmt: skip
        sealed = uow.sealer.seal_text(uow.connection, {member: values["values"]})
        if step["change"] == NEW:
            fresh.append({"id": member, "organisation_id": step["organisation"], **row, "sealed": sealed})
        else:
            uow.connection.execute(update(table).where(table.c.id == member).values(**row, sealed=sealed))
        told = {member: {"before": step["before"].get("values", {}), "after": values["values"]}}
        before = {name: value for name, value in step["before"].items() if name in row}
        changes.append(Change(ev.MemberChanged(member, before, row), member, told))
    if fresh:
        uow.connection.execute(insert(table), fresh)
    return changes


_WRITERS = {
    ORGANISATIONS: _organisations, PLACES: _places, ACCOUNTS: _accounts, PEOPLE: _people, MEMBERS: _members,
}  # fmt: skip


def _after(step: Row) -> dict[str, Any]:
    """What a change changed; all of a new thing."""
    if step["change"] == NEW:
        return dict(step["values"])
    return {name: step["values"][name] for name in step["before"] if name in step["values"]}


def _account_ids(uow: UnitOfWork, usernames: Sequence[str]) -> dict[str, str]:
    table = sql.accounts
    wanted = select(table.c.username, table.c.id).where(table.c.username.in_(sorted(set(usernames))))
    return {row.username: row.id for row in uow.connection.execute(wanted)}


def _place_ids(uow: UnitOfWork, organisations: set[str]) -> dict[tuple[str, str], str]:
    table = sql.places
    wanted = select(table.c.organisation_id, table.c.name, table.c.id)
    rows = uow.connection.execute(wanted.where(table.c.organisation_id.in_(sorted(organisations))))
    return {(row.organisation_id, row.name): row.id for row in rows}


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
