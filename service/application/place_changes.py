"""Classes, rooms, sites and vehicles, and working groups of an organisation."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, insert, select, update

from service.application import organisations
from service.application.directory_log import Change, differences, record
from service.application.organisation_changes import checked
from service.application.services import Services
from service.domain import events as ev
from service.domain.access import Action, Principal, require
from service.domain.errors import AlreadyExists, NoSuch, ValueRefused
from service.persistence.tables import sql
from service.persistence.unit_of_work import UnitOfWork

KINDS = ("class", "room", "outdoor", "vehicle")


@dataclass(frozen=True, slots=True)
class SavePlace:
    """A place as it should be; `place` "" = a new one. `lead` is the account asked first, "" = nobody."""

    organisation: str
    name: str
    kind: str
    place: str = ""
    positions_fixed: bool = False
    lead: str = ""
    is_active: bool = True


@dataclass(frozen=True, slots=True)
class SaveGroup:
    """A working group as it should be; `group` "" = a new one, `members` with True for its head."""

    organisation: str
    name: str
    group: str = ""
    name_en: str = ""
    kind: str = ""
    members: Mapping[str, bool] | None = None


@dataclass(frozen=True, slots=True)
class DissolveGroup:
    """Do away with a working group."""

    organisation: str
    group: str


@dataclass(frozen=True, slots=True)
class AddUsualGroups:
    """Make the working groups that the catalogue names for the organisation's type and that are not there yet."""

    organisation: str


def save_place(
    uow: UnitOfWork, _services: Services, principal: Principal, command: SavePlace, *, request_id: str = ""
) -> str:
    """Make or change a place; returns its id. Raises NotAllowed, NoSuch, ValueRefused, AlreadyExists."""
    organisation = command.organisation
    require(principal, Action.ORGANISATION_CHANGE, organisations.subject(uow.connection, organisation))
    name = checked({"name": command.name})["name"]
    if command.kind not in KINDS:
        raise ValueRefused("kind", "没有这种场所", "there is no such kind of place")
    uow.alone(f"places:{organisation}")
    table = sql.places
    same = select(table.c.id).where(table.c.organisation_id == organisation, table.c.name == name)
    if uow.connection.execute(same.where(table.c.id != command.place)).first() is not None:
        raise AlreadyExists(name)
    after = {
        "name": name, "kind": command.kind, "positions_fixed": command.positions_fixed,
        "lead_account_id": command.lead or None, "is_active": command.is_active,
    }  # fmt: skip
    before = place_values(uow, organisation, command.place) if command.place else {}
    if command.lead and command.lead != before.get("lead_account_id"):
        _check_works_here(uow, organisation, command.lead)
    place = command.place or uow.new_id()
    old, new = differences(before, after)
    if not new:
        return place
    uow.directory_changed()
    if before:
        uow.connection.execute(update(table).where(table.c.id == place).values(**new))
    else:
        uow.connection.execute(insert(table).values(id=place, organisation_id=organisation, **after))
    event = ev.PlaceChanged(place, old if before else {}, new)
    record(uow, organisation, [Change(event, place)], by=principal, request_id=request_id)
    return place


def save_group(
    uow: UnitOfWork, _services: Services, principal: Principal, command: SaveGroup, *, request_id: str = ""
) -> str:
    """Make or change a working group; returns its id. Raises NotAllowed, NoSuch, ValueRefused, AlreadyExists."""
    organisation = command.organisation
    require(principal, Action.ORGANISATION_CHANGE, organisations.subject(uow.connection, organisation))
    after: dict[str, Any] = dict(checked({"name": command.name, "name_en": command.name_en}))
    uow.alone(f"groups:{organisation}")
    before = _group(uow, organisation, command.group) if command.group else {}
    table = sql.working_groups
    same = select(table.c.id).where(table.c.organisation_id == organisation, table.c.name == after["name"])
    if uow.connection.execute(same.where(table.c.id != command.group)).first() is not None:
        raise AlreadyExists(after["name"])
    after["members"] = before.get("members", {}) if command.members is None else dict(command.members)
    for account in set(after["members"]) - set(before.get("members", {})):
        _check_works_here(uow, organisation, account)
    old, new = differences(before, after)
    group = command.group or uow.new_id()
    if not new:
        return group
    _write_group(uow, organisation, group, {**after, "kind": before.get("kind", command.kind)}, is_new=not before)
    event = ev.GroupChanged(group, old if before else {}, new)
    record(uow, organisation, [Change(event, group)], by=principal, request_id=request_id)
    return group


def dissolve_group(
    uow: UnitOfWork, _services: Services, principal: Principal, command: DissolveGroup, *, request_id: str = ""
) -> None:
    """Do away with a working group. Raises NotAllowed, NoSuch."""
    organisation = command.organisation
    require(principal, Action.ORGANISATION_CHANGE, organisations.subject(uow.connection, organisation))
    before = _group(uow, organisation, command.group)
    uow.directory_changed()
    uow.connection.execute(delete(sql.group_members).where(sql.group_members.c.group_id == command.group))
    uow.connection.execute(delete(sql.working_groups).where(sql.working_groups.c.id == command.group))
    event = ev.GroupChanged(command.group, before, {})
    record(uow, organisation, [Change(event, command.group)], by=principal, request_id=request_id)


def add_usual_groups(
    uow: UnitOfWork, services: Services, principal: Principal, command: AddUsualGroups, *, request_id: str = ""
) -> int:
    """Make the usual working groups; returns how many. Raises NotAllowed, NoSuch."""
    require(principal, Action.ORGANISATION_CHANGE, organisations.subject(uow.connection, command.organisation))
    row = organisations.organisation(uow.connection, command.organisation)
    table = sql.working_groups
    held = select(table.c.kind).where(table.c.organisation_id == row.id)
    there = set(uow.connection.execute(held).scalars())
    missing = [each for each in services.organisations.groups_of(row.type) if each[0] not in there]
    for kind, zh, en in missing:
        save_group(uow, services, principal, SaveGroup(row.id, zh, "", en, kind), request_id=request_id)
    return len(missing)


# --- inside -----------------------------------------------------------------------------------


def place_values(uow: UnitOfWork, organisation: str, place: str) -> dict[str, Any]:
    """The row of a place. Raises NoSuch."""
    table = sql.places
    it = (table.c.id == place) & (table.c.organisation_id == organisation)
    row = uow.connection.execute(select(table).where(it)).mappings().first()
    if row is None:
        raise NoSuch("place", place)
    return dict(row)


def _group(uow: UnitOfWork, organisation: str, group: str) -> dict[str, Any]:
    table, members = sql.working_groups, sql.group_members
    it = (table.c.id == group) & (table.c.organisation_id == organisation)
    row = uow.connection.execute(select(table).where(it)).mappings().first()
    if row is None:
        raise NoSuch("group", group)
    found = uow.connection.execute(select(members.c.account_id, members.c.is_head).where(members.c.group_id == group))
    heads = {each.account_id: bool(each.is_head) for each in found}
    return {"name": row["name"], "name_en": row["name_en"], "kind": row["kind"], "members": heads}


def _write_group(uow: UnitOfWork, organisation: str, group: str, values: Mapping[str, Any], *, is_new: bool) -> None:
    table, members = sql.working_groups, sql.group_members
    row = {name: values[name] for name in ("name", "name_en", "kind")}
    uow.directory_changed()
    if is_new:
        uow.connection.execute(insert(table).values(id=group, organisation_id=organisation, **row))
    else:
        uow.connection.execute(update(table).where(table.c.id == group).values(**row))
        uow.connection.execute(delete(members).where(members.c.group_id == group))
    for account, is_head in values["members"].items():
        uow.connection.execute(insert(members).values(group_id=group, account_id=account, is_head=is_head))


def _check_works_here(uow: UnitOfWork, organisation: str, account: str) -> None:
    held = sql.memberships.c
    mine = select(held.role).where(held.account_id == account, held.organisation_id == organisation)
    if uow.connection.execute(mine).first() is None:
        raise ValueRefused("account", "须是本单位的人员", "must work in this organisation")
