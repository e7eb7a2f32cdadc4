"""The roster of an organisation: pupils, staff without an account, residents. What identifies them is sealed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, select, update

from service.application import access_log, organisations
from service.application.directory_log import Change, differences, record
from service.application.organisations import NewMember, seat_position
from service.application.services import Services
from service.domain import events as ev
from service.domain.access import Action, Principal, require
from service.domain.errors import NoSuch, ValueRefused
from service.persistence.sealing import tokens_of
from service.persistence.tables import sql
from service.persistence.unit_of_work import UnitOfWork

PERSON_TYPES = ("student", "teacher", "staff", "resident")
SEXES = ("男", "女")
LONGEST = 60


@dataclass(frozen=True, slots=True)
class SaveMember:
    """Somebody on the roster as he should stand there; `member` "" = new. `values` are name, sex, age and so on."""

    organisation: str
    person_type: str
    values: Mapping[str, Any]
    member: str = ""
    place: str = ""
    seat_no: str = ""


@dataclass(frozen=True, slots=True)
class RemoveMember:
    """Take somebody off the roster."""

    organisation: str
    member: str


@dataclass(frozen=True, slots=True)
class OpenRoster:
    """Ask for the names of a roster in full; `place` "" = of those in no place."""

    organisation: str
    place: str


def open_roster(
    uow: UnitOfWork, _services: Services, principal: Principal, command: OpenRoster, *, request_id: str = ""
) -> None:
    """Put on record who reads the names; the page shows them then. Raises NotAllowed, NoSuch."""
    del request_id
    subject = organisations.subject(uow.connection, command.organisation)
    for action in (Action.ROSTER_READ, Action.ROSTER_CHANGE):
        require(principal, action, subject)
    access_log.append(uow, ev.RosterOpened(command.organisation, command.place), actor=principal.account_id)


def save(
    uow: UnitOfWork, _services: Services, principal: Principal, command: SaveMember, *, request_id: str = ""
) -> str:
    """Enter or change somebody; returns the id. Raises NotAllowed, NoSuch, ValueRefused."""
    organisation = command.organisation
    require(principal, Action.ROSTER_CHANGE, organisations.subject(uow.connection, organisation))
    values = checked_values(command.person_type, command.values, command.seat_no)
    if command.place and organisations.place(uow.connection, command.place).organisation_id != organisation:
        raise NoSuch("place", command.place)
    _check_seat(uow, command)
    after = {
        "place_id": command.place or None, "person_type": command.person_type, "seat_no": command.seat_no.strip(),
    }  # fmt: skip
    if not command.member:
        new = NewMember(organisation, command.person_type, values, command.place or None, after["seat_no"] or "")
        member = organisations.add_member(uow, new)
        change = Change(ev.MemberChanged(member, {}, after), member, {member: {"after": values}})
        record(uow, organisation, [change], by=principal, request_id=request_id)
        return member
    row, known = _member(uow, organisation, command.member)
    old, new_values = differences(row, after)
    if not new_values and known == values:
        return command.member
    uow.directory_changed()
    sealed = uow.sealer.seal_text(uow.connection, {command.member: values})
    it = sql.members.c.id == command.member
    uow.connection.execute(update(sql.members).where(it).values(sealed=sealed, **after))
    event = ev.MemberChanged(command.member, old, new_values)
    told = {command.member: {"before": known, "after": values}}
    record(uow, organisation, [Change(event, command.member, told)], by=principal, request_id=request_id)
    return command.member


def remove(
    uow: UnitOfWork, _services: Services, principal: Principal, command: RemoveMember, *, request_id: str = ""
) -> None:
    """Take somebody off the roster. Raises NotAllowed, NoSuch."""
    require(principal, Action.ROSTER_CHANGE, organisations.subject(uow.connection, command.organisation))
    row, known = _member(uow, command.organisation, command.member)
    uow.directory_changed()
    uow.connection.execute(delete(sql.members).where(sql.members.c.id == command.member))
    before = {name: row[name] for name in ("place_id", "person_type", "seat_no")}
    event = ev.MemberChanged(command.member, before, {})
    change = Change(event, command.member, {command.member: {"before": known}})
    record(uow, command.organisation, [change], by=principal, request_id=request_id)


def checked_values(person_type: str, values: Mapping[str, Any], seat_no: str) -> dict[str, Any]:
    """The values of somebody on a roster, empty ones left out. Raises ValueRefused, which names the field."""
    if person_type not in PERSON_TYPES:
        raise ValueRefused("person_type", "没有这种人员", "there is no such kind of person")
    found = {name: value.strip() if isinstance(value, str) else value for name, value in values.items()}
    found = {name: value for name, value in found.items() if value not in ("", None)}
    if not found.get("name"):
        raise ValueRefused("name", "请填写姓名", "a name is needed")
    if found.get("sex", "男") not in SEXES:
        raise ValueRefused("sex", "请填男或女", "must be 男 or 女")
    age = found.get("age", 0)
    if not isinstance(age, int) or isinstance(age, bool) or not 0 <= age <= 130:
        raise ValueRefused("age", "请填 0 到 130 的整数", "must be a whole number from 0 to 130")
    if any(isinstance(value, str) and len(value) > LONGEST for value in found.values()):
        raise ValueRefused("name", f"最多 {LONGEST} 个字", f"at most {LONGEST} characters")
    if seat_no.strip() and seat_position(seat_no) is None:
        raise ValueRefused("seat_no", "座位写成 排-列，如 3-4", "a seat is written row-column, such as 3-4")
    return found


# --- inside -----------------------------------------------------------------------------------


def _member(uow: UnitOfWork, organisation: str, member: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The row, and its opened values."""
    table = sql.members
    it = (table.c.id == member) & (table.c.organisation_id == organisation)
    row = uow.connection.execute(select(table).where(it)).mappings().first()
    if row is None:
        raise NoSuch("member", member)
    opened = uow.sealer.open_all(uow.connection, tokens_of(row["sealed"]))
    return dict(row), {key: value for each in opened.values() for key, value in each.items()}


def _check_seat(uow: UnitOfWork, command: SaveMember) -> None:
    """Nobody sits where somebody else sits: the four neighbours are found by the seat."""
    if not command.place or not command.seat_no.strip():
        return
    table = sql.members.c
    there = select(table.id).where(table.place_id == command.place, table.seat_no == command.seat_no.strip())
    if uow.connection.execute(there.where(table.id != command.member)).first() is not None:
        raise ValueRefused("seat_no", "这个座位已有人", "somebody sits there already")
