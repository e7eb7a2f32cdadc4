"""Accounts: names, passwords and signing in with them, new accounts; what begins with it is in `sessions`.

Passwords are hashed with argon2id, which takes a tenth of a second and 64 MB on purpose: that happens
on the caller's thread, a few at a time, never on the writer's.
"""

import secrets
import threading
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache

from pwdlib import PasswordHash
from sqlalchemy import Connection, insert, select, update

from service.application import access_log, attempts, organisations, second_factor, sessions
from service.application.access_log import ACCESS_STREAM
from service.application.sessions import SESSION_LENGTH as SESSION_LENGTH
from service.application.sessions import CurrentSession as CurrentSession
from service.application.sessions import SessionKind as SessionKind
from service.application.sessions import SignedIn as SignedIn
from service.application.sessions import begin_session as begin_session
from service.application.sessions import principal_of as principal_of
from service.application.sessions import principal_of_account as principal_of_account
from service.application.sessions import session_of as session_of
from service.application.sessions import sign_out as sign_out
from service.domain import events as ev
from service.domain.access import ADMINISTRATOR
from service.domain.errors import AlreadyExists, NoSuch, SecondFactorNeeded, SignInFailed, ValueRefused
from service.persistence.command_runner import CommandRunner
from service.persistence.database import Database
from service.persistence.tables import Account, Membership, Organisation, table_of
from service.persistence.unit_of_work import NewEvent, UnitOfWork

USERNAME_LENGTH = 64
PASSWORD_LENGTH = 1024  # more is refused unread: hashing it would be work for nothing
MINIMUM_PASSWORD = 8
DIFFERENT_CHARACTERS = 5  # fewer in an administrator's password are a pattern, not a secret
COMMON_PASSWORDS = ("password", "passw0rd", "qwerty", "letmein", "welcome", "tocsin", "admin", "123456", "abcdef")
SYSTEM = "system"  # the organisation of those who run the installation
LOCALES = ("zh_CN", "en")
HASHES_AT_ONCE = 2


_hasher = PasswordHash.recommended()
_hash_slots = threading.BoundedSemaphore(HASHES_AT_ONCE)
_accounts = table_of(Account)
_memberships = table_of(Membership)
_organisations = table_of(Organisation)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a sign-in comes from: the network address, counted but never stored, and the device in words."""

    address: str = ""
    device: str = ""


NOWHERE = Origin()


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
    code: str = "",
    origin: Origin = NOWHERE,
    required_roles: frozenset[str] = frozenset(),
) -> SignedIn:
    """Start a session in one go. Slow by design: call it on a worker thread, never inside a handler.

    Raises SignInFailed, TooManyAttempts, CodeRefused, and SecondFactorNeeded where a code is needed and none given.
    """
    account_id = check_password(database, runner, username=username, password=password, address=origin.address)
    method = "password"
    with database.read() as connection:
        has_code = second_factor.is_set(connection, account_id)
        needs_code = has_code or second_factor.is_required(connection, account_id, required_roles)
    if needs_code and not (has_code and code):
        raise SecondFactorNeeded
    if has_code:
        method = second_factor.answer(runner, account_id, code, network=origin.address)[0]
    return runner.run(
        lambda uow: begin_session(uow, account_id, kind=kind, length=length, method=method, device=origin.device)
    )


def check_password(
    database: Database, runner: CommandRunner, *, username: str, password: str, address: str = ""
) -> str:  # fmt: skip
    """The account a name and password belong to. Slow by design, as `sign_in`.

    Raises SignInFailed, the same and after the same work for an unknown name and a wrong password, and
    TooManyAttempts after repeated failures, even if the password is then right.
    """
    name = normal_username(username)
    with database.read() as connection:
        found = connection.execute(
            select(_accounts.c.id, _accounts.c.password_hash, _accounts.c.is_active).where(_accounts.c.username == name)
        ).first()
    account = found.id if found else ""
    counted = [attempts.Counted("name", name, account), *attempts.of_address("address", address)]
    runner.run(lambda uow: attempts.begin(uow, counted))
    is_right = _verify(password, found.password_hash if found else _decoy())
    if found is None or not is_right or not found.is_active:
        runner.run(lambda uow: access_log.append(uow, ev.SignInRefused("password", account)))
        raise SignInFailed
    runner.run(lambda uow: attempts.succeeded(uow, counted))
    return account


def account_names(connection: Connection, account_ids: Sequence[str]) -> dict[str, str]:
    """Names of accounts, for showing who did something; unknown ids are left out."""
    wanted = list(dict.fromkeys(account_ids))
    rows = connection.execute(select(_accounts.c.id, _accounts.c.name).where(_accounts.c.id.in_(wanted)))
    return {row.id: row.name for row in rows}


def username_of(connection: Connection, account_id: str) -> str:
    """The user name of an account. Raises NoSuch."""
    found = connection.execute(select(_accounts.c.username).where(_accounts.c.id == account_id)).scalar()
    if found is None:
        raise NoSuch("account", account_id)
    return str(found)


def administrators(connection: Connection) -> list[str]:
    """Names of those who give others their roles."""
    joined = _accounts.join(_memberships, _memberships.c.account_id == _accounts.c.id)
    found = select(_accounts.c.name).select_from(joined).where(_memberships.c.role == ADMINISTRATOR)
    return sorted(set(connection.execute(found.where(_accounts.c.is_active.is_(True))).scalars()))


def account_named(connection: Connection, username: str) -> str | None:
    """The id of the account with a user name, None if there is none."""
    return connection.execute(select(_accounts.c.id).where(_accounts.c.username == normal_username(username))).scalar()


# --- accounts ---------------------------------------------------------------------------------


def active_account_named(connection: Connection, username: str) -> str | None:
    """The same for an account that may sign in."""
    mine = (_accounts.c.username == normal_username(username)) & _accounts.c.is_active.is_(True)
    return connection.execute(select(_accounts.c.id).where(mine)).scalar()


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


def set_password(uow: UnitOfWork, account_id: str, password_hash: str, *, actor: str = "") -> None:
    """Give an account another password; all its sessions end."""
    found = uow.connection.execute(
        update(_accounts).where(_accounts.c.id == account_id).values(password_hash=password_hash)
    )
    if found.rowcount == 0:
        raise NoSuch("account", account_id)
    sessions.end_all(uow, account_id)
    access_log.append(uow, ev.PasswordChanged(account_id), actor=actor)


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


def refuse_weak(password: str, username: str) -> None:
    """Refuse what is guessed first: few different characters, digits only, the name, a well-known word."""
    lowered, name = password.casefold(), normal_username(username)
    is_weak = (
        len(set(password)) < DIFFERENT_CHARACTERS
        or password.isdigit()
        or bool(name and name in lowered)
        or lowered.startswith(COMMON_PASSWORDS)
    )
    if len(password) >= MINIMUM_PASSWORD and is_weak:
        raise ValueRefused("password", "太容易猜到，请换一个", "is easily guessed; choose another one")


def hash_any_password(password: str) -> str:
    """As `hash_password` without the rule on length: demo accounts only."""
    with _hash_slots:
        return _hasher.hash(password)


def hash_of_nothing() -> str:
    """A hash nobody has the password of, for an account whose owner has not chosen one or never will."""
    return _decoy()


def normal_username(username: str) -> str:
    """The form in which names are stored and compared: one width, lower case, no blanks around."""
    return unicodedata.normalize("NFKC", username).strip().casefold()[:USERNAME_LENGTH]


# --- inside -----------------------------------------------------------------------------------


def _verify(password: str, password_hash: str) -> bool:
    if len(password) > PASSWORD_LENGTH:
        return False
    with _hash_slots:
        return _hasher.verify(password, password_hash)


@cache
def _decoy() -> str:
    """A hash nobody has the password of: an unknown name costs as much time as a known one."""
    return hash_any_password(secrets.token_urlsafe(32))


def _locale(locale: str) -> str:
    if locale not in LOCALES:
        raise ValueRefused("locale", "只支持中文和英文", "only Chinese and English are supported")
    return locale
