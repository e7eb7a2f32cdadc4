"""Accounts and sessions: signing in and out, who a secret belongs to, new accounts.

Passwords are hashed with argon2id, which takes a tenth of a second and 64 MB on purpose: that happens
on the caller's thread, a few at a time, never on the writer's. Of a session's secret only a hash is kept.
"""

import hashlib
import hmac
import secrets
import threading
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Literal

from pwdlib import PasswordHash
from sqlalchemy import Connection, bindparam, delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from service.application import organisations
from service.domain.access import Principal
from service.domain.errors import AlreadyExists, NoSuch, SignInFailed, TooManyAttempts, ValueRefused
from service.persistence.command_runner import CommandRunner
from service.persistence.database import Database
from service.persistence.tables import Account, LoginAttempt, Membership, Organisation, Session, table_of
from service.persistence.unit_of_work import NewEvent, UnitOfWork

ACCESS_STREAM = "access"
SESSION_LENGTH = timedelta(hours=12)
ATTEMPT_WINDOW = timedelta(minutes=5)
ATTEMPTS = 8  # per name and window, the successful one not counted
USERNAME_LENGTH = 64
PASSWORD_LENGTH = 1024  # more is refused unread: hashing it would be work for nothing
MINIMUM_PASSWORD = 8
DIFFERENT_CHARACTERS = 5  # fewer in an administrator's password are a pattern, not a secret
COMMON_PASSWORDS = ("password", "passw0rd", "qwerty", "letmein", "welcome", "tocsin", "admin", "123456", "abcdef")
SYSTEM = "system"  # the organisation of those who run the installation
LOCALES = ("zh_CN", "en")
HASHES_AT_ONCE = 2

SessionKind = Literal["cookie", "bearer"]

_hasher = PasswordHash.recommended()
_hash_slots = threading.BoundedSemaphore(HASHES_AT_ONCE)
_accounts = table_of(Account)
_memberships = table_of(Membership)
_organisations = table_of(Organisation)
_sessions = table_of(Session)
_attempts = table_of(LoginAttempt)

_find_session = (
    select(_sessions.c.kind, _sessions.c.csrf, _sessions.c.expires_at, _accounts.c.id, _accounts.c.name)
    .add_columns(_accounts.c.username, _accounts.c.locale)
    .join(_accounts, _accounts.c.id == _sessions.c.account_id)
    .where(_sessions.c.token_hash == bindparam("token_hash"), _sessions.c.expires_at > bindparam("now"))
    .where(_accounts.c.is_active.is_(True))
)
_find_roles = select(_memberships.c.organisation_id, _memberships.c.role).where(
    _memberships.c.account_id == bindparam("account"), organisations.in_effect(bindparam("now"))
)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A new session. `secret` is shown once: the cookie or bearer token; `csrf` goes into forms."""

    secret: str
    csrf: str
    account_id: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class CurrentSession:
    """The session a secret belongs to."""

    principal: Principal
    username: str
    kind: SessionKind
    csrf: str
    expires_at: datetime

    def accepts_csrf(self, value: str | None) -> bool:
        """Whether a request with this CSRF value may change things; bearer tokens need none."""
        return self.kind == "bearer" or hmac.compare_digest(self.csrf.encode(), (value or "").encode())


@dataclass(frozen=True, slots=True)
class NewAccount:
    """An account to be made; `memberships` are (organisation id, role id)."""

    username: str
    name: str
    password_hash: str
    memberships: Sequence[tuple[str, str]] = ()
    locale: str = "zh_CN"


# --- signing in -------------------------------------------------------------------------------


def sign_in(
    database: Database,
    runner: CommandRunner,
    *,
    username: str,
    password: str,
    kind: SessionKind = "cookie",
    length: timedelta = SESSION_LENGTH,
) -> SignedIn:
    """Start a session. Slow by design: call it on a worker thread, never inside a handler.

    Raises SignInFailed, the same for an unknown name and a wrong password, and TooManyAttempts after
    eight failures for a name in five minutes, even if the password is then right.
    """
    name = normal_username(username)
    runner.run(lambda uow: _count_attempt(uow, name))
    with database.read() as connection:
        found = connection.execute(
            select(_accounts.c.id, _accounts.c.password_hash, _accounts.c.is_active).where(_accounts.c.username == name)
        ).first()
    is_right = _verify(password, found.password_hash if found else _decoy())
    if found is None or not is_right or not found.is_active:
        raise SignInFailed
    return runner.run(lambda uow: begin_session(uow, found.id, kind=kind, length=length))


def begin_session(
    uow: UnitOfWork, account_id: str, *, kind: SessionKind = "cookie", length: timedelta = SESSION_LENGTH
) -> SignedIn:
    """Start a session of an account whose password was checked; logged in the access stream."""
    username = uow.connection.execute(select(_accounts.c.username).where(_accounts.c.id == account_id)).scalar()
    if username is None:
        raise NoSuch("account", account_id)
    begun = SignedIn(secrets.token_urlsafe(32), secrets.token_urlsafe(24), account_id, uow.now + length)
    uow.connection.execute(delete(_attempts).where(_attempts.c.username == username))
    uow.connection.execute(delete(_sessions).where(_sessions.c.expires_at <= uow.now))
    uow.connection.execute(
        insert(_sessions).values(
            token_hash=_token_hash(begun.secret),
            account_id=account_id,
            kind=kind,
            csrf=begun.csrf,
            created_at=uow.now,
            expires_at=begun.expires_at,
        )
    )
    uow.append(ACCESS_STREAM, [NewEvent("signed_in", uow.now, {"kind": kind}, actor=account_id)])
    return begun


def sign_out(uow: UnitOfWork, secret: str) -> bool:
    """End a session; False if there was none. Logged in the access stream."""
    where = _sessions.c.token_hash == _token_hash(secret)
    account_id = uow.connection.execute(select(_sessions.c.account_id).where(where)).scalar()
    if account_id is None:
        return False
    uow.connection.execute(delete(_sessions).where(where))
    uow.directory_changed()
    uow.append(ACCESS_STREAM, [NewEvent("signed_out", uow.now, {}, actor=account_id)])
    return True


def session_of(connection: Connection, secret: str, *, now: datetime) -> CurrentSession | None:
    """The session of a cookie or bearer secret, None if it is unknown, expired or switched off."""
    row = connection.execute(_find_session, {"token_hash": _token_hash(secret), "now": now}).first()
    if row is None:
        return None
    principal = Principal(row.id, row.name, _roles(connection, row.id, now), row.locale)
    return CurrentSession(principal, row.username, row.kind, row.csrf, row.expires_at)


def principal_of(connection: Connection, secret: str, *, now: datetime) -> Principal | None:
    """Who a secret belongs to, None if nobody."""
    session = session_of(connection, secret, now=now)
    return session.principal if session else None


def principal_of_account(connection: Connection, account_id: str, *, now: datetime | None = None) -> Principal:
    """The principal of an account, for work done in its name. Raises NoSuch.

    Without `now` only roles count that have neither beginning nor end.
    """
    row = connection.execute(
        select(_accounts.c.name, _accounts.c.locale).where(_accounts.c.id == account_id, _accounts.c.is_active)
    ).first()
    if row is None:
        raise NoSuch("account", account_id)
    return Principal(account_id, row.name, _roles(connection, account_id, now), row.locale)


def account_names(connection: Connection, account_ids: Sequence[str]) -> dict[str, str]:
    """Names of accounts, for showing who did something; unknown ids are left out."""
    wanted = list(dict.fromkeys(account_ids))
    rows = connection.execute(select(_accounts.c.id, _accounts.c.name).where(_accounts.c.id.in_(wanted)))
    return {row.id: row.name for row in rows}


def account_named(connection: Connection, username: str) -> str | None:
    """The id of the account with a user name, None if there is none."""
    return connection.execute(select(_accounts.c.id).where(_accounts.c.username == normal_username(username))).scalar()


# --- accounts ---------------------------------------------------------------------------------


def create_account(uow: UnitOfWork, account: NewAccount) -> str:
    """Make an account with its roles and return its id. Raises AlreadyExists, ValueRefused."""
    username = normal_username(account.username)
    if not username:
        raise ValueRefused("username", "不能为空", "must not be empty")
    uow.alone(f"account:{username}")
    if account_named(uow.connection, username):
        raise AlreadyExists(username)
    account_id = uow.new_id()
    uow.connection.execute(
        insert(_accounts).values(
            id=account_id,
            username=username,
            name=account.name,
            password_hash=account.password_hash,
            locale=_locale(account.locale),
            is_active=True,
        )
    )
    rows = [{"account_id": account_id, "organisation_id": each, "role": role} for each, role in account.memberships]
    if rows:
        uow.connection.execute(insert(_memberships), rows)
    uow.directory_changed()
    data = {"account": account_id, "memberships": [list(each) for each in account.memberships]}
    uow.append(ACCESS_STREAM, [NewEvent("account_created", uow.now, data)])
    return account_id


def create_administrator(uow: UnitOfWork, username: str, name: str, password: str) -> str:
    """Make an account that holds sys_admin in the organisation `system`, made if need be; returns its id.

    For the first account of an installation, before it serves: the password is hashed right here.
    Raises ValueRefused for a short or easily guessed password, AlreadyExists for a taken name.
    """
    refuse_weak(password, username)
    if account_named(uow.connection, username):
        raise AlreadyExists(normal_username(username))
    password_hash = hash_password(password)
    known = select(_organisations.c.id).where(_organisations.c.id == SYSTEM)
    if uow.connection.execute(known).first() is None:
        organisations.add_organisation(uow, organisations.OrganisationView(SYSTEM, "系统", "System", SYSTEM, None))
    shown = name or normal_username(username)
    return create_account(uow, NewAccount(username, shown, password_hash, [(SYSTEM, "sys_admin")]))


def set_password(uow: UnitOfWork, account_id: str, password_hash: str) -> None:
    """Give an account another password; all its sessions end."""
    found = uow.connection.execute(
        update(_accounts).where(_accounts.c.id == account_id).values(password_hash=password_hash)
    )
    if found.rowcount == 0:
        raise NoSuch("account", account_id)
    uow.connection.execute(delete(_sessions).where(_sessions.c.account_id == account_id))
    uow.directory_changed()
    uow.append(ACCESS_STREAM, [NewEvent("password_changed", uow.now, {"account": account_id})])


def set_locale(uow: UnitOfWork, account_id: str, locale: str) -> None:
    """Choose the language of an account: zh_CN or en, else ValueRefused."""
    uow.connection.execute(update(_accounts).where(_accounts.c.id == account_id).values(locale=_locale(locale)))
    uow.directory_changed()


def hash_password(password: str) -> str:
    """The argon2id hash to store; slow by design. ValueRefused for one that is too short or too long."""
    if not MINIMUM_PASSWORD <= len(password) <= PASSWORD_LENGTH:
        raise ValueRefused(
            "password", f"须为{MINIMUM_PASSWORD}个字符以上", f"needs {MINIMUM_PASSWORD} characters or more"
        )
    return hash_any_password(password)


def hash_any_password(password: str) -> str:
    """As `hash_password` without the rule on length: demo accounts only."""
    with _hash_slots:
        return _hasher.hash(password)


def unknown_password() -> str:
    """A hash nobody has the password of, for an account whose owner has not chosen one yet."""
    return _decoy()


def normal_username(username: str) -> str:
    """The form in which names are stored and compared: one width, lower case, no blanks around."""
    return unicodedata.normalize("NFKC", username).strip().casefold()[:USERNAME_LENGTH]


# --- inside -----------------------------------------------------------------------------------


def refuse_weak(password: str, username: str) -> None:
    """Raise ValueRefused for what is guessed first: few characters, digits only, the name, a well-known word."""
    lowered, name = password.casefold(), normal_username(username)
    is_weak = (
        len(set(password)) < DIFFERENT_CHARACTERS
        or password.isdigit()
        or bool(name and name in lowered)
        or lowered.startswith(COMMON_PASSWORDS)
    )
    if len(password) >= MINIMUM_PASSWORD and is_weak:
        raise ValueRefused("password", "太容易猜到，请换一个", "is easily guessed; choose another one")


def _count_attempt(uow: UnitOfWork, username: str) -> None:
    """Count the attempt before the password is looked at, so that guesses in parallel are counted too."""
    uow.connection.execute(delete(_attempts).where(_attempts.c.window_start <= uow.now - ATTEMPT_WINDOW))
    dialect = sqlite if uow.connection.dialect.name == "sqlite" else postgresql
    fresh = dialect.insert(_attempts).values(username=username, window_start=uow.now, failures=1)
    # In one statement: between two, the success of another node may take the row away.
    counted = fresh.on_conflict_do_update(index_elements=["username"], set_={"failures": _attempts.c.failures + 1})
    row = uow.connection.execute(counted.returning(_attempts.c.window_start, _attempts.c.failures)).one()
    if row.failures > ATTEMPTS:
        left = row.window_start + ATTEMPT_WINDOW - uow.now
        raise TooManyAttempts(max(1, int(left.total_seconds())))


def _verify(password: str, password_hash: str) -> bool:
    if len(password) > PASSWORD_LENGTH:
        return False
    with _hash_slots:
        return _hasher.verify(password, password_hash)


@cache
def _decoy() -> str:
    """A hash nobody has the password of: an unknown name costs as much time as a known one."""
    return hash_any_password(secrets.token_urlsafe(32))


def _token_hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _roles(connection: Connection, account_id: str, now: datetime | None) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for row in connection.execute(_find_roles, {"account": account_id, "now": now}):
        found.setdefault(row.organisation_id, set()).add(row.role)
    return {organisation_id: frozenset(roles) for organisation_id, roles in found.items()}


def _locale(locale: str) -> str:
    if locale not in LOCALES:
        raise ValueRefused("locale", "只支持中文和英文", "only Chinese and English are supported")
    return locale
