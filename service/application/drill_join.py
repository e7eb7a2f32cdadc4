"""Joining a drill by QR code or PIN, without an account: a name, a wish, a wait; then a role in that drill alone.

A guest has an account without roles and without a password, and a session no other page takes. Which role he has stands
beside it and counts as long as the drill runs; what he is about to do is asked for that drill each time. Several
guests may have one role.
"""

import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from service.application import accounts, attempts, sessions
from service.application.drills import drill_of
from service.application.services import Origin, Services
from service.application.sessions import CurrentSession, SignedIn, begin_session
from service.application.steps import Advance, advance
from service.domain import events as ev
from service.domain.access import TRAINER, Principal
from service.domain.commands import DecideGuest, OpenDoor
from service.domain.errors import NoSuch, ValueRefused
from service.domain.token_scopes import GUEST_ACTIONS
from service.persistence.tables import sql
from service.persistence.unit_of_work import UnitOfWork

OPEN_FOR = timedelta(hours=4)  # real time; a lesson with what is before and after
LENGTH = timedelta(hours=12)
NAME_LENGTH, WISH_LENGTH = 30, 60
MOST = 200  # guests of one drill
DIGITS = 6
WAITING, IN, REFUSED = "waiting", "in", "refused"

_doors, _guests, _drills = sql.drill_doors, sql.drill_guests, sql.drills


@dataclass(frozen=True, slots=True)
class Arrival:
    """Who asks to take part: the name and wish he gives, his device in words, his language."""

    name: str
    wish: str = ""
    device: str = ""
    locale: str = "zh_CN"


@dataclass(frozen=True, slots=True)
class Guest:
    """Somebody who asked, as he stands now."""

    id: str
    drill: str
    organisation: str
    number: str
    name: str
    state: str
    role: str


def open_door(
    uow: UnitOfWork, services: Services, principal: Principal, command: OpenDoor, *, request_id: str = ""
) -> str:
    """Open the way in and return its PIN; "" where it was shut. Raises NotADrill, IncidentClosed, NotAllowed."""

    def work(on: Advance) -> str:
        drill_of(on, principal)
        uow.alone("drill doors")
        uow.connection.execute(_doors.delete().where(_doors.c.drill_id == on.incident_id))
        if not command.is_open:
            return ""
        pin = _fresh_pin(uow)
        row = {
            "drill_id": on.incident_id, "pin": pin, "opened_at": uow.now, "opened_by": principal.account_id,
            "open_until": uow.now + OPEN_FOR,
        }  # fmt: skip
        uow.connection.execute(insert(_doors).values(row))
        return pin

    return advance(uow, services, command.drill, _origin(principal, request_id), work)


def drill_of_pin(connection: Connection, pin: str, *, now: datetime) -> str:
    """The drill a PIN leads to. Raises NoSuch for one that is wrong or too old, or whose drill is over."""
    found = (
        select(_doors.c.drill_id)
        .join(_drills, _drills.c.id == _doors.c.drill_id)
        .where(_doors.c.pin == pin.strip(), _doors.c.open_until > now, _drills.c.ended_at.is_(None))
    )
    drill = connection.execute(found).scalar()
    if drill is None:
        raise NoSuch("pin", "")
    return str(drill)


def ask(uow: UnitOfWork, pin: str, arrival: Arrival) -> SignedIn:
    """Begin waiting. Raises NoSuch, ValueRefused without a name, or where too many have come."""
    drill = drill_of_pin(uow.connection, pin, now=uow.now)
    arrival = replace(arrival, name=" ".join(arrival.name.split()), wish=" ".join(arrival.wish.split()))
    if not 1 <= len(arrival.name) <= NAME_LENGTH:
        raise ValueRefused("name", f"须为1至{NAME_LENGTH}个字", f"needs 1 to {NAME_LENGTH} characters")
    uow.alone(f"guests:{drill}")
    mine = _guests.c.drill_id == drill
    if uow.connection.execute(select(func.count()).select_from(_guests).where(mine)).scalar_one() >= MOST:
        raise ValueRefused("name", f"这场演练最多{MOST}人", f"a drill takes at most {MOST} people")
    guest = uow.new_id()
    account = accounts.create_account(
        uow, accounts.NewAccount(f"guest-{guest}", arrival.name, accounts.hash_of_nothing(), locale=arrival.locale)
    )  # fmt: skip
    row = {
        "id": guest, "drill_id": drill, "account_id": account, "name": arrival.name,
        "wish": arrival.wish[:WISH_LENGTH], "state": WAITING, "role": "", "asked_at": uow.now, "decided_at": None,
        "decided_by": "",
    }  # fmt: skip
    uow.connection.execute(insert(_guests).values(row))
    return begin_session(uow, account, kind="guest", length=LENGTH, method="guest", device=arrival.device)


def refused(uow: UnitOfWork, *, address: str) -> None:
    """Count a wrong PIN for the address. Raises TooManyAttempts."""
    attempts.begin(uow, attempts.of_address("join", address))


def decide(
    uow: UnitOfWork, services: Services, principal: Principal, command: DecideGuest, *, request_id: str = ""
) -> None:
    """Give a guest a role, or refuse him. Raises NoSuch, NotADrill, IncidentClosed, NotAllowed, ValueRefused."""

    def work(on: Advance) -> None:
        drill_of(on, principal)
        mine = (_guests.c.id == command.guest) & (_guests.c.drill_id == on.incident_id)
        found = uow.connection.execute(select(_guests).where(mine)).mappings().first()
        if found is None:
            raise NoSuch("guest", command.guest)
        if command.role and command.role not in _roles(on):
            raise ValueRefused("role", "这场演练没有这个角色", "this drill has no such role")
        state = IN if command.role else REFUSED
        if (found["state"], found["role"]) == (state, command.role):
            return
        values = {"state": state, "role": command.role, "decided_at": uow.now, "decided_by": principal.account_id}
        uow.connection.execute(update(_guests).where(mine).values(values))
        if state == REFUSED:
            sessions.end_all(uow, found["account_id"])
        on.record(ev.DrillGuestDecided(command.guest, found["account_id"], command.role))

    advance(uow, services, command.drill, _origin(principal, request_id), work)


def guest_of(connection: Connection, session: CurrentSession) -> Guest | None:
    """Who a session of kind guest belongs to; None for any other, and once the drill is over."""
    if session.kind != "guest":
        return None
    incidents = sql.incidents
    found = (
        select(_guests, incidents.c.organisation_id, incidents.c.number)
        .join(_drills, _drills.c.id == _guests.c.drill_id)
        .join(incidents, incidents.c.id == _guests.c.drill_id)
        .where(_guests.c.account_id == session.principal.account_id, _drills.c.ended_at.is_(None))
        .where(incidents.c.kind == "drill")
    )
    row = connection.execute(found).mappings().first()
    if row is None:
        return None
    return Guest(
        row["id"], row["drill_id"], row["organisation_id"], row["number"], row["name"], row["state"], row["role"]
    )  # fmt: skip


def principal_of(guest: Guest, session: CurrentSession) -> Principal:
    """A guest as access rules see him: his role where the drill is, and few actions; ask `require_task` first."""
    held = {guest.organisation: frozenset({guest.role})} if guest.state == IN and guest.role else {}
    return replace(session.principal, memberships=held, actions=GUEST_ACTIONS)


def require_task(connection: Connection, guest: Guest, task: str) -> None:
    """That a task is one of the guest's drill and role. Raises NoSuch."""
    tasks, held = sql.tasks, sql.task_roles
    found = (
        select(tasks.c.id)
        .join(held, held.c.task_id == tasks.c.id)
        .where(tasks.c.id == task, tasks.c.incident_id == guest.drill, held.c.role == guest.role)
    )
    if guest.state != IN or connection.execute(found).first() is None:
        raise NoSuch("task", task)


# --- inside -----------------------------------------------------------------------------------


def _fresh_pin(uow: UnitOfWork) -> str:
    taken = set(uow.connection.execute(select(_doors.c.pin)).scalars())
    while True:
        pin = f"{secrets.randbelow(10**DIGITS):0{DIGITS}d}"
        if pin not in taken:
            return pin


def _roles(on: Advance) -> set[str]:
    """Roles of the procedures that run in the drill, and of its open tasks."""
    rows = [dict(row) for row in on.rows.where(sql.instances, incident_id=on.incident_id)]
    bundles: dict[Any, Any] = {(row["procedure"], row["version"]): on.assembly(row).bundle for row in rows}
    return {
        node.role for bundle in bundles.values() for page in bundle.processes.values() for node in page.nodes.values()
    } - {""}


def _origin(principal: Principal, request_id: str) -> Origin:
    return Origin(actor=principal.account_id, role=TRAINER, request_id=request_id, command_id=request_id)
