"""Sessions of people and programs: beginning and ending them, and who a secret belongs to.

Of a session's secret only a hash is kept. A session that is ended, by whomever, is out with the next request
on this node; on another node of a PostgreSQL installation too, beside a command line within a second.
"""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from service.application import access_log, organisations
from service.domain import events as ev
from service.domain.access import Principal
from service.domain.errors import NoSuch
from service.domain.token_scopes import GUEST_ACTIONS, PASS_ACTIONS
from service.persistence.tables import Account, Membership, Session, table_of
from service.persistence.unit_of_work import UnitOfWork

SESSION_COOKIE = "tocsin_session"
HOME_COOKIE = "tocsin_home"  # compose.yaml and README name it
SESSION_LENGTH = timedelta(hours=12)
KEPT_AFTER_END = timedelta(days=1)  # a form sent with a session that is over finds its writer
USE_NOTED = timedelta(minutes=5)  # last use is written down no more often

SessionKind = Literal["cookie", "bearer", "pass", "guest"]

_accounts = table_of(Account)
_memberships = table_of(Membership)
_sessions = table_of(Session)

_find_session = (
    select(_sessions.c.kind, _sessions.c.csrf, _sessions.c.expires_at, _accounts.c.id, _accounts.c.name)
    .add_columns(_accounts.c.username, _accounts.c.locale, _sessions.c.id.label("session"), _sessions.c.task_id)
    .add_columns(_sessions.c.last_used_at)
    .join(_accounts, _accounts.c.id == _sessions.c.account_id)
    .where(_sessions.c.token_hash == bindparam("token_hash"), _sessions.c.expires_at > bindparam("now"))
    .where(_sessions.c.ended_at.is_(None))
    .where(_accounts.c.is_active.is_(True))
)
_find_roles = select(_memberships.c.organisation_id, _memberships.c.role).where(
    _memberships.c.account_id == bindparam("account"), organisations.in_effect(bindparam("now"))
)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A new session. `secret` is shown once: the cookie or bearer token; `csrf` goes into forms.

    `home` is the same for everybody of an organisation and tells nothing else (`home_of`).
    """

    secret: str
    csrf: str
    account_id: str
    expires_at: datetime
    home: str = ""


@dataclass(frozen=True, slots=True)
class CurrentSession:
    """The session a secret belongs to."""

    principal: Principal
    username: str
    kind: SessionKind
    csrf: str
    expires_at: datetime
    id: str = ""
    last_used_at: datetime | None = None
    task: str = ""  # the only one of an emergency pass; of a guest of a drill no task at all
    is_token: bool = False  # a personal access token, `id` is the token's

    def accepts_csrf(self, value: str | None) -> bool:
        """Whether a request with this CSRF value may change things; bearer tokens need none."""
        return self.kind == "bearer" or hmac.compare_digest(self.csrf.encode(), (value or "").encode())


@dataclass(frozen=True, slots=True)
class SessionView:
    """A session as its owner sees it."""

    id: str
    kind: str
    method: str
    device: str
    begun_at: datetime
    last_used_at: datetime
    expires_at: datetime


def begin_session(
    uow: UnitOfWork,
    account_id: str,
    *,
    kind: SessionKind = "cookie",
    length: timedelta = SESSION_LENGTH,
    method: str = "password",
    device: str = "",
    task: str = "",
) -> SignedIn:
    """Start a session of an account that has proved itself; logged in the access stream."""
    if uow.connection.execute(select(_accounts.c.id).where(_accounts.c.id == account_id)).scalar() is None:
        raise NoSuch("account", account_id)
    home = home_of(roles_of(uow.connection, account_id, uow.now))
    begun = SignedIn(secrets.token_urlsafe(32), secrets.token_urlsafe(24), account_id, uow.now + length, home)
    over = uow.now - KEPT_AFTER_END
    uow.connection.execute(delete(_sessions).where((_sessions.c.expires_at <= over) | (_sessions.c.ended_at <= over)))
    session = uow.new_id()
    uow.connection.execute(
        insert(_sessions).values(
            token_hash=_token_hash(begun.secret),
            id=session,
            account_id=account_id,
            kind=kind,
            csrf=begun.csrf,
            method=method,
            device=device,
            task_id=task,
            created_at=uow.now,
            last_used_at=uow.now,
            expires_at=begun.expires_at,
        )
    )
    access_log.append(uow, ev.SignedIn(kind, method, session), actor=account_id)
    return begun


def sign_out(uow: UnitOfWork, secret: str) -> bool:
    """End a session; False if there was none. Logged in the access stream."""
    where = (_sessions.c.token_hash == _token_hash(secret)) & _sessions.c.ended_at.is_(None)
    row = uow.connection.execute(select(_sessions.c.account_id, _sessions.c.id).where(where)).first()
    if row is None:
        return False
    uow.connection.execute(update(_sessions).where(where).values(ended_at=uow.now))
    uow.directory_changed()
    access_log.append(uow, ev.SignedOut(row.id), actor=row.account_id)
    return True


def session_of(connection: Connection, secret: str, *, now: datetime) -> CurrentSession | None:
    """The session of a cookie or bearer secret, None if it is unknown, expired or switched off."""
    row = connection.execute(_find_session, {"token_hash": _token_hash(secret), "now": now}).first()
    if row is None:
        return None
    narrowed = GUEST_ACTIONS if row.kind == "guest" else PASS_ACTIONS if row.task_id else None
    principal = Principal(row.id, row.name, roles_of(connection, row.id, now), row.locale, actions=narrowed)
    return CurrentSession(
        principal, row.username, row.kind, row.csrf, row.expires_at, row.session, row.last_used_at, row.task_id
    )


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
    return Principal(account_id, row.name, roles_of(connection, account_id, now), row.locale)


def roles_of(connection: Connection, account_id: str, now: datetime | None) -> dict[str, frozenset[str]]:
    """Role ids of an account by organisation, as `organisations.in_effect` has it."""
    found: dict[str, set[str]] = {}
    for row in connection.execute(_find_roles, {"account": account_id, "now": now}):
        found.setdefault(row.organisation_id, set()).add(row.role)
    return {organisation_id: frozenset(roles) for organisation_id, roles in found.items()}


def home_of(memberships: Mapping[str, frozenset[str]]) -> str:
    """What a proxy before several nodes may go by, so that the people of one organisation meet at one of them.

    A node keeps the processes it has moved; whoever moves one elsewhere makes the others read it anew. Nothing
    depends on it. "" for somebody without an organisation.
    """
    return hashlib.sha256(min(memberships).encode()).hexdigest()[:12] if memberships else ""


def cookie_name(name: str, *, is_secure: bool) -> str:
    """The name of a cookie of ours: over HTTPS one that no other host and no plain connection can set."""
    return f"__Host-{name}" if is_secure else name


def of_account(connection: Connection, account_id: str, *, now: datetime) -> list[SessionView]:
    """The sessions of an account that are not over, the one used last first."""
    mine = (_sessions.c.account_id == account_id) & _sessions.c.ended_at.is_(None) & (_sessions.c.expires_at > now)
    rows = connection.execute(select(_sessions).where(mine).order_by(_sessions.c.last_used_at.desc(), _sessions.c.id))
    return [
        SessionView(row.id, row.kind, row.method, row.device, row.created_at, row.last_used_at, row.expires_at)
        for row in rows
    ]


def revoke(uow: UnitOfWork, account_id: str, session: str, *, actor: str) -> bool:
    """End one session of an account; False if it is over already."""
    mine = (_sessions.c.account_id == account_id) & (_sessions.c.id == session) & _sessions.c.ended_at.is_(None)
    if uow.connection.execute(update(_sessions).where(mine).values(ended_at=uow.now)).rowcount == 0:
        return False
    uow.directory_changed()
    access_log.append(uow, ev.SessionsRevoked(account_id, [session]), actor=actor)
    return True


def revoke_all(uow: UnitOfWork, account_id: str, *, actor: str, but: str = "", reason: str = "") -> int:
    """End all sessions of an account, `but` one; how many there were."""
    ended = end_all(uow, account_id, but=but)
    if ended:
        access_log.append(uow, ev.SessionsRevoked(account_id, ended, reason), actor=actor)
    return len(ended)


def end_all(uow: UnitOfWork, account_id: str, *, but: str = "") -> list[str]:
    """The same without an entry in the log; ids of the sessions that ended."""
    mine = (_sessions.c.account_id == account_id) & (_sessions.c.id != but) & _sessions.c.ended_at.is_(None)
    found = list(uow.connection.execute(select(_sessions.c.id).where(mine)).scalars())
    uow.connection.execute(update(_sessions).where(mine).values(ended_at=uow.now))
    uow.directory_changed()
    return found


def note_use(uow: UnitOfWork, session: str) -> None:
    """Write down that a session is used now."""
    uow.connection.execute(update(_sessions).where(_sessions.c.id == session).values(last_used_at=uow.now))


def writer_of(connection: Connection, secret: str) -> str:
    """The account a session belongs or belonged to, until a day after its end; "" for an unknown secret."""
    found = select(_sessions.c.account_id).where(_sessions.c.token_hash == _token_hash(secret))
    return str(connection.execute(found).scalar() or "")


def _token_hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
