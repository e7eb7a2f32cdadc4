"""Personal access tokens: by them a program acts for an account, within scopes and until a day.

The secret is shown once; its beginning is always the same, so that one that leaked can be searched for. A token
is good for those of the account's rights its scopes name, and for what they are at the time of use.
"""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, func, insert, select, update

from service.application import access_log, attempts
from service.application.sessions import CurrentSession, roles_of
from service.domain import events as ev
from service.domain.access import Action, Principal
from service.domain.errors import NoSuch, ValueRefused
from service.domain.token_scopes import SCOPES, actions_of
from service.persistence.tables import sql
from service.persistence.unit_of_work import UnitOfWork

PREFIX = "tocsin_pat_"
HINT = 4
LONGEST_DAYS = 366
MOST_TOKENS = 20
NAME_LENGTH = 60

_tokens = sql.access_tokens
_accounts = sql.accounts


@dataclass(frozen=True, slots=True)
class TokenView:
    """A token as its owner sees it."""

    id: str
    name: str
    hint: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None


def looks_like_one(secret: str) -> bool:
    """Whether a bearer secret is meant as a token."""
    return secret.startswith(PREFIX)


def create(uow: UnitOfWork, account_id: str, *, name: str, scopes: Sequence[str], days: int) -> str:
    """Make a token and return its secret, which is shown once. Raises ValueRefused."""
    name = name.strip()
    if not 1 <= len(name) <= NAME_LENGTH:
        raise ValueRefused("name", f"须为1至{NAME_LENGTH}个字", f"needs 1 to {NAME_LENGTH} characters")
    if not scopes or any(each not in SCOPES for each in scopes):
        raise ValueRefused("scopes", "请选择可以做什么", "choose what it may be used for")
    if not 1 <= days <= LONGEST_DAYS:
        raise ValueRefused("days", f"须为1至{LONGEST_DAYS}天", f"must be 1 to {LONGEST_DAYS} days")
    uow.alone(f"tokens:{account_id}")
    mine = select(func.count()).where(_tokens.c.account_id == account_id, _valid(uow.now))
    if int(uow.connection.execute(mine).scalar() or 0) >= MOST_TOKENS:
        raise ValueRefused("name", f"最多{MOST_TOKENS}个，请先停用不用的", f"at most {MOST_TOKENS}: revoke one first")
    secret, token = PREFIX + secrets.token_urlsafe(32), uow.new_id()
    expires = uow.now + timedelta(days=days)
    kept = [each for each in SCOPES if each in scopes]
    uow.connection.execute(
        insert(_tokens).values(
            id=token, account_id=account_id, name=name, hint=secret[-HINT:], token_hash=_hash(secret), scopes=kept,
            created_at=uow.now, expires_at=expires,
        )
    )  # fmt: skip
    access_log.append(uow, ev.AccessTokenMade(token, account_id, kept, expires.isoformat()), actor=account_id)
    return secret


def of_account(connection: Connection, account_id: str, *, now: datetime) -> list[TokenView]:
    """The tokens of an account that are good for something, the newest first."""
    mine = (_tokens.c.account_id == account_id) & _valid(now)
    rows = connection.execute(select(_tokens).where(mine).order_by(_tokens.c.created_at.desc(), _tokens.c.id))
    return [
        TokenView(
            row.id, row.name, row.hint, tuple(row.scopes), row.created_at, row.expires_at, row.last_used_at
        )
        for row in rows
    ]  # fmt: skip


def revoke(uow: UnitOfWork, account_id: str, token: str, *, actor: str, reason: str = "") -> None:
    """Let a token count no more. Raises NoSuch."""
    mine = (_tokens.c.id == token) & (_tokens.c.account_id == account_id) & _tokens.c.revoked_at.is_(None)
    if uow.connection.execute(update(_tokens).where(mine).values(revoked_at=uow.now)).rowcount == 0:
        raise NoSuch("token", token)
    uow.directory_changed()
    access_log.append(uow, ev.AccessTokenRevoked(token, account_id, reason), actor=actor)


def revoke_all(uow: UnitOfWork, account_id: str, *, actor: str, reason: str = "") -> int:
    """Let all tokens of an account count no more; how many there were."""
    found = of_account(uow.connection, account_id, now=uow.now)
    for each in found:
        revoke(uow, account_id, each.id, actor=actor, reason=reason)
    return len(found)


def session_of(connection: Connection, secret: str, *, now: datetime) -> CurrentSession | None:
    """What a token stands for; None if it is unknown, expired, revoked, or its account is switched off."""
    found = (
        select(_tokens.c.id, _tokens.c.scopes, _tokens.c.expires_at, _tokens.c.last_used_at, _tokens.c.account_id)
        .add_columns(_accounts.c.name, _accounts.c.username, _accounts.c.locale)
        .join(_accounts, _accounts.c.id == _tokens.c.account_id)
        .where(_tokens.c.token_hash == _hash(secret), _valid(now), _accounts.c.is_active.is_(True))
    )
    row = connection.execute(found).first()
    if row is None:
        return None
    roles = roles_of(connection, row.account_id, now)
    principal = Principal(row.account_id, row.name, roles, row.locale, actions=actions_of(row.scopes))
    return CurrentSession(
        principal, row.username, "bearer", "", row.expires_at, row.id, row.last_used_at, is_token=True
    )  # fmt: skip


def note_use(uow: UnitOfWork, token: str) -> None:
    """Write down that a token is used now."""
    uow.connection.execute(update(_tokens).where(_tokens.c.id == token).values(last_used_at=uow.now))


def refuse(uow: UnitOfWork, secret: str, *, address: str) -> None:
    """A bearer secret nobody has was presented: counted for the address, and logged if it is meant as a token.

    Raises TooManyAttempts. Valid secrets are never slowed.
    """
    attempts.begin(uow, attempts.of_address("token", address))
    if not looks_like_one(secret):
        return
    row = uow.connection.execute(select(_tokens).where(_tokens.c.token_hash == _hash(secret))).first()
    if row is None:
        reason = "unknown"
    elif row.revoked_at is not None:
        reason = "revoked"
    else:
        reason = "expired" if row.expires_at <= uow.now else "account"
    access_log.append(uow, ev.AccessTokenRefused(reason, row.id if row else ""))


def refuse_action(uow: UnitOfWork, token: str, account_id: str, action: Action) -> None:
    """A token was used for something its scopes do not name. Raises TooManyAttempts."""
    attempts.begin(uow, [attempts.Counted("token", token, account_id)])
    access_log.append(uow, ev.AccessTokenRefused("scope", token, str(action)), actor=account_id)


def _valid(now: datetime) -> ColumnElement[bool]:
    return _tokens.c.revoked_at.is_(None) & (_tokens.c.expires_at > now)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
