"""Somebody leaves: what he has in hand goes to others, his roles to successors, and his work there ends."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, delete, select, update

from service.application import organisations, staff_changes, tasks
from service.application.directory_log import Change, record
from service.application.services import Services
from service.application.staff_changes import EndRole, GiveRole, SwitchAccount
from service.domain import commands as cmd
from service.domain import events as ev
from service.domain.access import Action, Principal, require
from service.domain.errors import ValueRefused
from service.persistence.tables import sql
from service.persistence.unit_of_work import UnitOfWork

OPEN = ("open", "claimed")


@dataclass(frozen=True, slots=True)
class HandOver:
    """Who gets what: `tasks` by task ("" or absent = back to its roles), `roles` by role ("" or absent = nobody).

    `switch_off`: no role left anywhere, so the account is switched off too.
    """

    organisation: str
    account: str
    reason: str
    tasks: Mapping[str, str] = field(default_factory=dict)
    roles: Mapping[str, str] = field(default_factory=dict)
    switch_off: bool = True


@dataclass(frozen=True, slots=True)
class OpenTask:
    """A task in hand; `has_draft`: something was typed already. `candidates` may take it: (account, name)."""

    id: str
    incident: str
    role: str
    also: tuple[str, ...]
    has_draft: bool
    candidates: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class HeldRole:
    """A role that ends; `others` hold it too, without any of them nobody does its work."""

    role: str
    others: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Leaving:
    """What somebody leaves behind in an organisation."""

    tasks: tuple[OpenTask, ...]
    roles: tuple[HeldRole, ...]
    places: tuple[str, ...]


def leaving(connection: Connection, organisation: str, account: str, *, now: Any) -> Leaving:
    """Open tasks, roles and places of somebody in an organisation. Raises NoSuch."""
    organisations.organisation(connection, organisation)
    held = sql.memberships.c
    mine = select(held.role).where(held.account_id == account, held.organisation_id == organisation)
    roles = sorted(connection.execute(mine).scalars())

    def others(wanted: list[str]) -> tuple[tuple[str, str], ...]:
        people = organisations.candidates(connection, organisation, wanted, now=now)
        return tuple((each.account_id, each.name) for each in people if each.account_id != account)

    table, drafts = sql.tasks, sql.drafts
    open_ones = (table.c.organisation_id == organisation) & (table.c.assignee == account) & table.c.state.in_(OPEN)
    found = connection.execute(select(table).where(open_ones).order_by(table.c.due_at, table.c.id)).mappings().all()
    typed = set(connection.execute(select(drafts.c.task_id).where(drafts.c.account_id == account)).scalars())
    places = sql.places.c
    led = select(places.name).where(places.organisation_id == organisation, places.lead_account_id == account)
    return Leaving(
        tuple(
            OpenTask(
                row["id"], row["incident_id"], row["role"], tuple(row["also"]), row["id"] in typed,
                others([row["role"], *row["also"]]),
            )
            for row in found
        ),
        tuple(HeldRole(role, others([role])) for role in roles),
        tuple(connection.execute(led.order_by(places.name)).scalars()),
    )  # fmt: skip


def hand_over(
    uow: UnitOfWork, services: Services, principal: Principal, command: HandOver, *, request_id: str = ""
) -> None:
    """Do it, all or nothing: successors get the roles first, so that tasks can go to them.

    Raises NotAllowed, BeyondReach, NoSuch, ValueRefused without a reason, LastAdministrator.
    """
    organisation, account = command.organisation, command.account
    require(principal, Action.TASK_HAND_OVER, organisations.subject(uow.connection, organisation))
    require(principal, Action.STAFF_CHANGE, organisations.subject(uow.connection, organisation))
    if not command.reason.strip():
        raise ValueRefused("reason", "须写明理由", "must say why")
    found = leaving(uow.connection, organisation, account, now=uow.now)
    heirs = {each.role: command.roles.get(each.role, "") for each in found.roles}
    for role, heir in heirs.items():
        if heir and heir not in {other for other, _ in _others(found, role)}:
            staff_changes.give(uow, services, principal, GiveRole(organisation, heir, role), request_id=request_id)
    for each in found.roles:
        end = EndRole(organisation, account, each.role, command.reason)
        staff_changes.end(uow, services, principal, end, request_id=request_id)
    _leave_places(uow, organisation, account)
    given = {task.id: command.tasks.get(task.id, "") for task in sorted(found.tasks, key=lambda task: task.incident)}
    event = ev.WorkHandedOver(account, given, {role: heir for role, heir in heirs.items() if heir}, command.reason)
    record(uow, organisation, [Change(event, account)], by=principal, request_id=request_id)
    if command.switch_off and not _holds_anything(uow.connection, account):
        off = SwitchAccount(account, is_active=False, reason=command.reason)
        staff_changes.switch_account(uow, services, principal, off, home=organisation, request_id=request_id)
    for task, heir in given.items():  # last: they lock incidents
        _pass_on(uow, services, principal, (task, account, heir, command.reason), request_id=request_id)


# --- inside -----------------------------------------------------------------------------------


def _others(found: Leaving, role: str) -> tuple[tuple[str, str], ...]:
    return next(each.others for each in found.roles if each.role == role)


def _pass_on(
    uow: UnitOfWork, services: Services, principal: Principal, asked: tuple[str, str, str, str], *, request_id: str
) -> None:
    """Give a task to somebody, with what was typed; or back to its roles, where the draft is gone."""
    task, account, heir, reason = asked
    right, drafts = Action.TASK_HAND_OVER, sql.drafts
    mine = (drafts.c.task_id == task) & (drafts.c.account_id == account)
    if heir:
        command = cmd.DelegateTask(task, heir, reason)
        tasks.delegate(uow, services, principal, command, request_id=request_id, right=right)
        theirs = select(drafts.c.task_id).where(drafts.c.task_id == task, drafts.c.account_id == heir)
        if uow.connection.execute(theirs).first() is None:
            uow.connection.execute(update(drafts).where(mine).values(account_id=heir))
    else:
        tasks.release(uow, services, principal, cmd.ReleaseTask(task), request_id=request_id, right=right)
    uow.connection.execute(delete(drafts).where(mine))


def _leave_places(uow: UnitOfWork, organisation: str, account: str) -> None:
    uow.directory_changed()
    groups, members, places = sql.working_groups.c, sql.group_members, sql.places
    mine = select(groups.id).where(groups.organisation_id == organisation)
    uow.connection.execute(delete(members).where(members.c.account_id == account, members.c.group_id.in_(mine)))
    led = (places.c.organisation_id == organisation) & (places.c.lead_account_id == account)
    uow.connection.execute(update(places).where(led).values(lead_account_id=None))


def _holds_anything(connection: Connection, account: str) -> bool:
    held = sql.memberships.c
    return connection.execute(select(held.role).where(held.account_id == account)).first() is not None
