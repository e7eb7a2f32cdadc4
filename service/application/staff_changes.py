"""People of an organisation: invited, given roles for a time, renamed, switched off and on.

Nobody gives a role beyond his own reach: administrators give every role of the catalogue, a leader those that
belong into an organisation of its type, in his own and below it. The last administrator stays.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from service.application import access_tokens, accounts, invitations, organisations, sessions
from service.application.directory_log import Change, record
from service.application.invitations import Invited
from service.application.organisation_changes import checked
from service.application.services import Services
from service.domain import events as ev
from service.domain.access import ADMINISTRATOR, Action, Principal, may, require
from service.domain.errors import BeyondReach, LastAdministrator, NoSuch, ValueRefused
from service.domain.standing import LEADERS
from service.persistence.tables import sql
from service.persistence.unit_of_work import UnitOfWork

SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class InvitePerson:
    """A new account with roles in an organisation, for a time where it has an end."""

    organisation: str
    username: str
    name: str
    roles: tuple[str, ...]
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    locale: str = "zh_CN"


@dataclass(frozen=True, slots=True)
class GiveRole:
    """A role for somebody who has an account; given again it gets the new length."""

    organisation: str
    account: str
    role: str
    valid_from: datetime | None = None
    valid_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class EndRole:
    """Take a role away now."""

    organisation: str
    account: str
    role: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class RenamePerson:
    """Another name."""

    account: str
    name: str


@dataclass(frozen=True, slots=True)
class SwitchAccount:
    """Let somebody sign in no longer, or again."""

    account: str
    is_active: bool
    reason: str


@dataclass(frozen=True, slots=True)
class InviteAgain:
    """A new invitation: with it somebody who forgot the password chooses another."""

    account: str


def invite(
    uow: UnitOfWork, services: Services, principal: Principal, command: InvitePerson, *, request_id: str = ""
) -> Invited:
    """Make an account without a password, with an invitation.

    Raises NotAllowed, BeyondReach, NoSuch, ValueRefused, AlreadyExists for a taken user name.
    """
    organisation = _organisation(uow.connection, command.organisation)
    require(principal, Action.STAFF_CHANGE, organisation["subject"])
    name = checked({"name": command.name})["name"]
    if not command.roles:
        raise ValueRefused("roles", "请至少选择一个岗位", "choose at least one role")
    _check_length(command.valid_from, command.valid_until)
    for role in command.roles:
        check_reach(services, principal, organisation, role)
    account = add_account(uow, command.username, name, command.locale)
    given = {role: GiveRole(organisation["id"], account, role, command.valid_from, command.valid_until)
             for role in dict.fromkeys(command.roles)}  # fmt: skip
    for each in given.values():
        uow.connection.execute(insert(sql.memberships).values(_row(each)))
    made = invitations.issue(uow, account, by=principal.account_id)
    changes = [Change(ev.AccountChanged(account, {}, {"is_active": True}), account)]
    changes += [Change(ev.MembershipChanged(account, role, {}, _span(each)), account) for role, each in given.items()]
    changes.append(Change(ev.AccountInvited(account, made.expires_at.isoformat()), account))
    record(uow, organisation["id"], changes, by=principal, request_id=request_id)
    return made


def add_account(uow: UnitOfWork, username: str, name: str, locale: str = "zh_CN") -> str:
    """An account nobody has the password of; returns its id. Raises AlreadyExists, ValueRefused."""
    new = accounts.NewAccount(username, name, accounts.hash_of_nothing(), (), locale)
    return accounts.create_account(uow, new)


def give(uow: UnitOfWork, services: Services, principal: Principal, command: GiveRole, *, request_id: str = "") -> bool:
    """Give a role; False if it is held just so already. Raises NotAllowed, BeyondReach, NoSuch, ValueRefused."""
    organisation = _organisation(uow.connection, command.organisation)
    check_reach(services, principal, organisation, command.role)
    _check_length(command.valid_from, command.valid_until)
    _account(uow.connection, command.account)
    uow.alone(f"account:{command.account}")
    before, after = _held(uow.connection, command), _span(command)
    if before == after:
        return False
    uow.directory_changed()
    if before is None:
        uow.connection.execute(insert(sql.memberships).values(_row(command)))
    else:
        values = {"valid_from": command.valid_from, "valid_until": command.valid_until}
        uow.connection.execute(update(sql.memberships).where(_it(command)).values(values))
    event = ev.MembershipChanged(command.account, command.role, before or {}, after)
    record(uow, command.organisation, [Change(event, command.account)], by=principal, request_id=request_id)
    return True


def end(uow: UnitOfWork, _services: Services, principal: Principal, command: EndRole, *, request_id: str = "") -> bool:
    """End a role; False if it is not held. Raises NotAllowed, NoSuch, LastAdministrator."""
    organisation = _organisation(uow.connection, command.organisation)
    require(principal, Action.STAFF_CHANGE, organisations.subject(uow.connection, organisation["id"]))
    if command.role == ADMINISTRATOR:
        require(principal, Action.ACCOUNT_MANAGE)
        uow.alone("administrators")
        check_not_last(uow, command.account)
    before = _held(uow.connection, command)
    if before is None:
        return False
    uow.directory_changed()
    uow.connection.execute(delete(sql.memberships).where(_it(command)))
    event = ev.MembershipChanged(command.account, command.role, before, {}, command.reason.strip())
    record(uow, command.organisation, [Change(event, command.account)], by=principal, request_id=request_id)
    return True


def rename(
    uow: UnitOfWork, _services: Services, principal: Principal, command: RenamePerson, *, request_id: str = ""
) -> bool:
    """Give somebody another name; False if it is the same. Raises NotAllowed, BeyondReach, NoSuch, ValueRefused."""
    row = _account(uow.connection, command.account)
    home = require_within_reach(uow, principal, command.account)
    name = checked({"name": command.name})["name"]
    if name == row["name"]:
        return False
    uow.directory_changed()
    uow.connection.execute(update(sql.accounts).where(sql.accounts.c.id == command.account).values(name=name))
    sealed = {command.account: {"before": {"name": row["name"]}, "after": {"name": name}}}
    event = ev.AccountChanged(command.account, {"name": "*"}, {"name": "*"})
    record(uow, home, [Change(event, command.account, sealed)], by=principal, request_id=request_id)
    return True


def switch(
    uow: UnitOfWork, services: Services, principal: Principal, command: SwitchAccount, *, request_id: str = ""
) -> bool:
    """Switch an account off, which ends its sessions, or on; False if it is so already.

    Raises NotAllowed, BeyondReach, NoSuch, ValueRefused without a reason, LastAdministrator.
    """
    home = require_within_reach(uow, principal, command.account)
    return switch_account(uow, services, principal, command, home=home, request_id=request_id)


def switch_account(
    uow: UnitOfWork, _services: Services, principal: Principal, command: SwitchAccount, *, home: str, request_id: str
) -> bool:
    """As `switch`, where the caller has looked whether he may; logged in the stream of `home`."""
    row = _account(uow.connection, command.account)
    if not command.reason.strip():
        raise ValueRefused("reason", "须写明理由", "must say why")
    if row["is_active"] == command.is_active:
        return False
    if not command.is_active:
        uow.alone("administrators")
        check_not_last(uow, command.account)
        sessions.revoke_all(uow, command.account, actor=principal.account_id)
        access_tokens.revoke_all(uow, command.account, actor=principal.account_id)
        invitations.withdraw(uow, command.account)
    uow.directory_changed()
    values = {"is_active": command.is_active}
    uow.connection.execute(update(sql.accounts).where(sql.accounts.c.id == command.account).values(values))
    event = ev.AccountChanged(command.account, {"is_active": row["is_active"]}, values, command.reason.strip())
    record(uow, home, [Change(event, command.account)], by=principal, request_id=request_id)
    return True


def invite_again(
    uow: UnitOfWork, _services: Services, principal: Principal, command: InviteAgain, *, request_id: str = ""
) -> Invited:
    """A new invitation; the password there may be holds until it is used. Raises NotAllowed, BeyondReach, NoSuch."""
    row = _account(uow.connection, command.account)
    home = require_within_reach(uow, principal, command.account)
    _check_above(uow, principal, command.account)
    if not row["is_active"]:
        raise ValueRefused("account", "账号已停用", "the account is switched off")
    made = invitations.issue(uow, command.account, by=principal.account_id)
    event = ev.AccountInvited(command.account, made.expires_at.isoformat())
    record(uow, home, [Change(event, command.account)], by=principal, request_id=request_id)
    return made


# --- rules ------------------------------------------------------------------------------------


def check_reach(services: Services, principal: Principal, organisation: Mapping[str, Any], role: str) -> None:
    """Whether somebody may give a role in an organisation. Raises NotAllowed, BeyondReach, ValueRefused."""
    require(principal, Action.STAFF_CHANGE, organisation["subject"])
    known = services.organisations.roles.get(role)
    if known is None:
        raise ValueRefused("role", "没有这个岗位", "there is no such role")
    if (role == ADMINISTRATOR) != (organisation["type"] == SYSTEM):
        raise ValueRefused("role", "系统管理员只属于系统单位", "administrators belong to the system alone")
    if not principal.is_admin and not known.fits(organisation["type"]):
        raise BeyondReach(known.zh, known.en)
    if not organisation["is_active"]:
        raise ValueRefused("organisation", "单位已停用", "the organisation is closed")


def require_within_reach(uow: UnitOfWork, principal: Principal, account: str) -> str:
    """Whether somebody may change an account as such: all it holds is in his care; returns its first organisation.

    Raises BeyondReach; NotAllowed for one that holds nothing, which is an administrator's.
    """
    held = sql.memberships.c
    mine = select(held.organisation_id).where(held.account_id == account).distinct()
    found: list[str] = sorted(uow.connection.execute(mine).scalars())
    if not found:
        require(principal, Action.ACCOUNT_MANAGE)
        return SYSTEM
    for each in found:
        if not may(principal, Action.STAFF_CHANGE, organisations.subject(uow.connection, each)):
            raise BeyondReach("在其他单位也有岗位的账号", "an account with roles in other organisations")
    return found[0]


def check_not_last(uow: UnitOfWork, account: str) -> None:
    """Raise LastAdministrator if nobody else could take care of the system."""
    held, people = sql.memberships, sql.accounts
    others = (
        select(func.count())
        .select_from(held.join(people, people.c.id == held.c.account_id))
        .where(held.c.role == ADMINISTRATOR, people.c.is_active.is_(True), organisations.in_effect(uow.now))
    )
    mine = others.where(held.c.account_id == account)
    left = others.where(held.c.account_id != account, held.c.valid_until.is_(None))
    if uow.connection.execute(mine).scalar_one() and not uow.connection.execute(left).scalar_one():
        raise LastAdministrator


def _check_above(uow: UnitOfWork, principal: Principal, account: str) -> None:
    """A leader's password is the business of whoever stands above him, or he could be spoken for by his deputy."""
    held = sql.memberships.c
    leads = select(held.organisation_id).where(held.account_id == account, held.role.in_(LEADERS))
    tree = organisations.hierarchy(uow.connection)
    for each in uow.connection.execute(leads).scalars():
        if not (principal.is_admin or principal.roles_in(tree.ancestors(each)) & LEADERS):
            raise BeyondReach("同级负责人的密码", "the password of a leader beside you")


# --- inside -----------------------------------------------------------------------------------


def _organisation(connection: Connection, organisation: str) -> dict[str, Any]:
    row = organisations.organisation(connection, organisation)
    subject = organisations.subject(connection, organisation)
    return {"id": row.id, "type": row.type, "is_active": row.is_active, "subject": subject}


def _account(connection: Connection, account: str) -> dict[str, Any]:
    table = sql.accounts
    columns = (table.c.id, table.c.username, table.c.name, table.c.is_active)
    row = connection.execute(select(*columns).where(table.c.id == account)).mappings().first()
    if row is None:
        raise NoSuch("account", account)
    return dict(row)


def _it(command: GiveRole | EndRole) -> Any:
    held = sql.memberships.c
    return (
        (held.account_id == command.account)
        & (held.organisation_id == command.organisation)
        & (held.role == command.role)
    )


def _held(connection: Connection, command: GiveRole | EndRole) -> dict[str, Any] | None:
    held = sql.memberships
    row = connection.execute(select(held.c.valid_from, held.c.valid_until).where(_it(command))).first()
    return None if row is None else _limits(row.valid_from, row.valid_until)


def _row(command: GiveRole) -> dict[str, Any]:
    return {
        "account_id": command.account, "organisation_id": command.organisation, "role": command.role,
        "valid_from": command.valid_from, "valid_until": command.valid_until,
    }  # fmt: skip


def _span(command: GiveRole) -> dict[str, Any]:
    return _limits(command.valid_from, command.valid_until)


def _limits(since: datetime | None, until: datetime | None) -> dict[str, Any]:
    return {"from": since.isoformat() if since else None, "until": until.isoformat() if until else None}


def _check_length(since: datetime | None, until: datetime | None) -> None:
    if since is not None and until is not None and until <= since:
        raise ValueRefused("valid_until", "结束应在开始之后", "the end must come after the beginning")
