"""Invitations: a new account has no password; whoever was invited chooses one, once, with a code.

The code has eighty random bits and is shown to the inviter a single time; only its hash is kept.
"""

import base64
import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select

from service.application import access_log, accounts
from service.domain import events as ev
from service.domain.errors import InvitationInvalid
from service.persistence.tables import sql
from service.persistence.unit_of_work import UnitOfWork

LENGTH = timedelta(days=7)
_BYTES = 10


@dataclass(frozen=True, slots=True)
class Invited:
    """An invitation just made; `code` is shown once."""

    account: str
    code: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class InvitedPerson:
    """Who a code was made for."""

    account: str
    username: str
    name: str


def issue(uow: UnitOfWork, account: str, *, by: str) -> Invited:
    """Make the invitation of an account; one made before does not count any more."""
    code = base64.b32encode(secrets.token_bytes(_BYTES)).decode()
    shown = "-".join(code[at : at + 4] for at in range(0, len(code), 4))
    expires_at = uow.now + LENGTH
    uow.connection.execute(delete(sql.invitations).where(sql.invitations.c.account_id == account))
    uow.connection.execute(
        insert(sql.invitations).values(
            account_id=account, token_hash=_hash(shown), created_at=uow.now, created_by=by, expires_at=expires_at
        )
    )
    return Invited(account, shown, expires_at)


def invited(connection: Connection, code: str, *, now: datetime) -> InvitedPerson:
    """Who a code was made for. Raises InvitationInvalid."""
    table, account = sql.invitations, sql.accounts
    found = connection.execute(
        select(account.c.id, account.c.username, account.c.name)
        .join(table, table.c.account_id == account.c.id)
        .where(table.c.token_hash == _hash(code), table.c.expires_at > now, account.c.is_active.is_(True))
    ).first()
    if found is None:
        raise InvitationInvalid
    return InvitedPerson(found.id, found.username, found.name)


def accept(uow: UnitOfWork, code: str, password_hash: str) -> str:
    """Give the account of a code its password and use the code up; returns the account. Raises InvitationInvalid."""
    person = invited(uow.connection, code, now=uow.now)
    used = uow.connection.execute(delete(sql.invitations).where(sql.invitations.c.token_hash == _hash(code))).rowcount
    if not used:  # another node was first
        raise InvitationInvalid
    accounts.set_password(uow, person.account, password_hash, actor=person.account)
    access_log.append(uow, ev.InvitationAccepted(), actor=person.account)
    return person.account


def waiting(connection: Connection, account: str, *, now: datetime) -> datetime | None:
    """Until when the invitation of an account holds, None if there is none."""
    table = sql.invitations.c
    found = connection.execute(select(table.expires_at).where(table.account_id == account)).scalar()
    return found if found is not None and found > now else None


def withdraw(uow: UnitOfWork, account: str) -> None:
    """Let the invitation of an account hold no longer."""
    uow.connection.execute(delete(sql.invitations).where(sql.invitations.c.account_id == account))


def _hash(code: str) -> str:
    plain = code.upper().replace("-", "").replace(" ", "").strip()
    return hashlib.sha256(plain.encode()).hexdigest()
