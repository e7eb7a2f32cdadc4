"""Changing organisations: made, renamed, moved below another superior, closed and opened again.

All are done by an administrator, or by whoever leads the organisation or one above it; each is in the log of the
organisation with what was before.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, select, update

from service.application import organisations, policy_values
from service.application.directory_log import Change, differences, record
from service.application.organisations import OrganisationView
from service.application.services import Services
from service.domain import events as ev
from service.domain.access import Action, OrganisationSubject, Principal, require
from service.domain.errors import AlreadyExists, NoSuch, OrganisationInUse, ValueRefused
from service.domain.standing import OVERSEERS
from service.persistence.tables import sql
from service.persistence.unit_of_work import UnitOfWork

LONGEST_NAME = 60
LONGEST_TEXT = 200
CODE = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class CreateOrganisation:
    """A new organisation; `parent` "" = at the top, `id` "" = one is given."""

    name: str
    type: str
    parent: str = ""
    name_en: str = ""
    contact: str = ""
    address: str = ""
    id: str = ""


@dataclass(frozen=True, slots=True)
class ChangeOrganisation:
    """Other words for an organisation; None leaves one as it is."""

    organisation: str
    name: str | None = None
    name_en: str | None = None
    type: str | None = None
    contact: str | None = None
    address: str | None = None


@dataclass(frozen=True, slots=True)
class MoveOrganisation:
    """Another superior, "" = none."""

    organisation: str
    parent: str
    reason: str


@dataclass(frozen=True, slots=True)
class SwitchOrganisation:
    """Close an organisation, or open it again."""

    organisation: str
    is_active: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Moved:
    """What a move does: how many organisations go along, who sees them now and who not any more, policies that change.

    `gained` and `lost` are account ids; `policies` are (key, before, after).
    """

    organisation: str
    before: str
    after: str
    count: int
    gained: tuple[str, ...]
    lost: tuple[str, ...]
    policies: tuple[tuple[str, Any, Any], ...]


def create(
    uow: UnitOfWork, services: Services, principal: Principal, command: CreateOrganisation, *, request_id: str = ""
) -> str:
    """Make an organisation; returns its id. Raises NotAllowed, NoSuch, ValueRefused, AlreadyExists."""
    above = organisations.subject(uow.connection, command.parent) if command.parent else OrganisationSubject("")
    require(principal, Action.ORGANISATION_CHANGE, above)
    values = checked(
        {"name": command.name, "name_en": command.name_en, "contact": command.contact, "address": command.address}
    )
    uow.alone("organisations")
    organisation = command.id or uow.new_id()
    if not CODE.fullmatch(organisation.lower()):
        raise ValueRefused("id", "编号只能用小写字母、数字和连字符", "only lower-case letters, digits and hyphens")
    if organisation in organisations.hierarchy(uow.connection).parents:
        raise AlreadyExists(organisation)
    check_place(uow.connection, services, command.type, command.parent)
    _check_name(uow.connection, values["name"], command.parent)
    view = OrganisationView(
        organisation, values["name"], values["name_en"], command.type, command.parent or None, values["contact"],
        values["address"],
    )  # fmt: skip
    organisations.add_organisation(uow, view)
    after = {**values, "type": command.type, "parent_id": command.parent or None}
    event = ev.OrganisationChanged(organisation, {}, after)
    record(uow, organisation, [Change(event, organisation)], by=principal, request_id=request_id)
    return organisation


def change(
    uow: UnitOfWork, services: Services, principal: Principal, command: ChangeOrganisation, *, request_id: str = ""
) -> bool:
    """Change words or type; False if nothing differs. Raises NotAllowed, NoSuch, ValueRefused, AlreadyExists."""
    uow.alone("organisations")
    before = _changeable(uow, principal, command.organisation)
    given = {name: getattr(command, name) for name in ("name", "name_en", "contact", "address", "type")}
    asked = checked({name: value for name, value in given.items() if value is not None})
    if asked.get("type", before["type"]) != before["type"]:
        if SYSTEM in (before["type"], asked["type"]):
            raise ValueRefused("type", "不能改变这个单位的类型", "the type of this one cannot change")
        check_place(uow.connection, services, asked["type"], before["parent_id"] or "")
    if asked.get("name", before["name"]) != before["name"]:
        _check_name(uow.connection, asked["name"], before["parent_id"] or "")
    return _write(uow, principal, before, asked, request_id=request_id)


def move(
    uow: UnitOfWork, services: Services, principal: Principal, command: MoveOrganisation, *, request_id: str = ""
) -> Moved:
    """Put an organisation below another superior; its subtree goes along. To be rehearsed first.

    Raises NotAllowed (both places must be within reach), NoSuch, ValueRefused, AlreadyExists.
    """
    uow.alone("organisations")
    before = _changeable(uow, principal, command.organisation)
    target = organisations.subject(uow.connection, command.parent) if command.parent else OrganisationSubject("")
    require(principal, Action.ORGANISATION_CHANGE, target)
    above = before["parent_id"]
    left = organisations.subject(uow.connection, above) if above else OrganisationSubject("")
    require(principal, Action.ORGANISATION_CHANGE, left)
    _check_reason(command.reason)
    tree = organisations.hierarchy(uow.connection)
    below = tree.subtree(command.organisation)
    if command.parent in below:
        raise ValueRefused("parent", "上级不能是本单位或其下级", "the superior cannot be itself or below it")
    check_place(uow.connection, services, before["type"], command.parent)
    if (before["parent_id"] or "") != command.parent:
        _check_name(uow.connection, before["name"], command.parent)
    old = policy_values.values_of(uow.connection, services, command.organisation, now=uow.now)
    overseen_by = _overseers(uow, tree.ancestors(command.organisation))
    _write(uow, principal, before, {"parent_id": command.parent or None}, request_id=request_id, reason=command.reason)
    new = policy_values.values_of(uow.connection, services, command.organisation, now=uow.now)
    ancestors = organisations.hierarchy(uow.connection).ancestors(command.organisation)
    now_by = _overseers(uow, ancestors)
    return Moved(
        command.organisation, before["parent_id"] or "", command.parent, len(below),
        tuple(sorted(now_by - overseen_by)), tuple(sorted(overseen_by - now_by)),
        tuple((key, old[key], new[key]) for key in new if old[key] != new[key]),
    )  # fmt: skip


def switch(
    uow: UnitOfWork, _services: Services, principal: Principal, command: SwitchOrganisation, *, request_id: str = ""
) -> bool:
    """Close or open an organisation; False if it is so already.

    Raises NotAllowed, NoSuch, ValueRefused without a reason, OrganisationInUse.
    """
    uow.alone("organisations")
    before = _changeable(uow, principal, command.organisation)
    _check_reason(command.reason)
    if before["type"] == SYSTEM:
        raise ValueRefused("organisation", "系统单位不能停用", "the system itself cannot be closed")
    if not command.is_active:
        _check_unused(uow.connection, command.organisation)
    asked = {"is_active": command.is_active}
    return _write(uow, principal, before, asked, request_id=request_id, reason=command.reason)


def checked(values: Mapping[str, str]) -> dict[str, str]:
    """Texts without blanks around; ValueRefused for an empty name or one that is too long."""
    found = {name: value.strip() for name, value in values.items()}
    if "name" in found and not found["name"]:
        raise ValueRefused("name", "请填写名称", "a name is needed")
    for name, value in found.items():
        limit = LONGEST_NAME if name in ("name", "name_en") else LONGEST_TEXT
        if len(value) > limit:
            raise ValueRefused(name, f"最多 {limit} 个字", f"at most {limit} characters")
    return found


def check_place(connection: Connection, services: Services, kind: str, parent: str) -> None:
    """Whether an organisation of a type may stand below a superior. Raises ValueRefused, NoSuch."""
    catalogue = services.organisations
    if kind not in catalogue.types or kind == SYSTEM:
        raise ValueRefused("type", "没有这种单位类型", "there is no such type of organisation")
    above = organisations.organisation(connection, parent) if parent else None
    if above is not None and not above.is_active:
        raise ValueRefused("parent", "上级单位已停用", "the superior is closed")
    if not catalogue.may_stand_below(kind, above.type if above else ""):
        allowed = [catalogue.types[each] for each in catalogue.types[kind].superiors if each]
        zh, en = "、".join(each.zh for each in allowed), ", ".join(each.en for each in allowed)
        name = catalogue.types[kind]
        raise ValueRefused("parent", f"{name.zh}的上级应为{zh or '无'}", f"above a {name.en} stands {en or 'none'}")


# --- inside -----------------------------------------------------------------------------------


def _changeable(uow: UnitOfWork, principal: Principal, organisation: str) -> dict[str, Any]:
    require(principal, Action.ORGANISATION_CHANGE, organisations.subject(uow.connection, organisation))
    table = sql.organisations
    row = uow.connection.execute(select(table).where(table.c.id == organisation)).mappings().first()
    if row is None:
        raise NoSuch("organisation", organisation)
    return dict(row)


def _write(
    uow: UnitOfWork, principal: Principal, row: Mapping[str, Any], asked: Mapping[str, Any], *, request_id: str,
    reason: str = "",
) -> bool:  # fmt: skip
    before, after = differences(row, asked)
    if not after:
        return False
    table = sql.organisations
    uow.directory_changed()
    uow.connection.execute(update(table).where(table.c.id == row["id"]).values(**after))
    event = ev.OrganisationChanged(row["id"], before, after, reason.strip())
    record(uow, row["id"], [Change(event, row["id"])], by=principal, request_id=request_id)
    return True


def _check_name(connection: Connection, name: str, parent: str) -> None:
    """Two with one name below one superior cannot be told apart."""
    table = sql.organisations.c
    above = table.parent_id == parent if parent else table.parent_id.is_(None)
    if connection.execute(select(table.id).where(above, table.name == name)).first() is not None:
        raise AlreadyExists(name)


def _check_reason(reason: str) -> None:
    if not reason.strip():
        raise ValueRefused("reason", "须写明理由", "must say why")


def _check_unused(connection: Connection, organisation: str) -> None:
    incidents, table = sql.incidents.c, sql.organisations.c
    is_open = (incidents.organisation_id == organisation) & incidents.closed_at.is_(None)
    is_below = (table.parent_id == organisation) & table.is_active
    open_ones = connection.execute(select(func.count()).select_from(sql.incidents).where(is_open)).scalar_one()
    below = connection.execute(select(func.count()).select_from(sql.organisations).where(is_below)).scalar_one()
    if open_ones or below:
        raise OrganisationInUse(open_ones, below)


def _overseers(uow: UnitOfWork, ancestors: tuple[str, ...]) -> set[str]:
    found: set[str] = set()
    for each in ancestors:
        people = organisations.candidates(uow.connection, each, OVERSEERS, now=uow.now)
        found |= {person.account_id for person in people}
    return found
