"""Sessions looked up a moment ago, so that a request of somebody at work asks the database for nothing.

What this process changes counts at once: a session that is signed out here is unknown here. What a command
line beside it changes counts after a second at the latest. Where several nodes serve one database what is
remembered is a supposition: a command confirms it in its own transaction, which has seen whether anything of the
directory was changed, and everything else looks it up. So who signs out on one node is out on all.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from threading import Lock

from sqlalchemy import Connection

from service.application import access_tokens, sessions
from service.application.sessions import USE_NOTED, CurrentSession
from service.persistence.database import Database
from service.persistence.directory import DirectoryMemory
from service.persistence.unit_of_work import UnitOfWork

TRUSTED_SECONDS = 1.0
CAPACITY = 10_000


@dataclass(frozen=True, slots=True)
class Remembered:
    """A session as it was looked up, under an epoch of the directory."""

    session: CurrentSession
    epoch: int
    until: float


class SessionMemory:
    """Sessions by the hash of their secret; an unknown secret is never remembered."""

    def __init__(
        self, database: Database, directory: DirectoryMemory, elapsed: Callable[[], float],
        later: Callable[[Callable[[UnitOfWork], None]], object] = lambda _: None,
    ) -> None:  # fmt: skip
        """`elapsed` counts real seconds from anywhere and never goes back; `later` writes without being waited for."""
        self._database, self._directory, self._elapsed, self._later = database, directory, elapsed, later
        self._sessions: OrderedDict[bytes, Remembered] = OrderedDict()
        self._lock = Lock()

    def remembered(self, secret: str, *, now: datetime) -> CurrentSession | None:
        """The session as looked up a moment ago; None says nothing but that it must be looked up."""
        found = self.supposed(secret, now=now) if self._database.is_sqlite else None
        return found.session if found is not None else None

    def supposed(self, secret: str, *, now: datetime) -> Remembered | None:
        """The same on any database; where several nodes serve it, a command must confirm it (`confirmed`)."""
        found = self._sessions.get(_hash(secret))
        if found is None or found.epoch != self._directory.epoch or self._elapsed() >= found.until:
            return None
        return found if now < found.session.expires_at else None

    def confirmed(self, uow: UnitOfWork, secret: str, supposed: Remembered) -> CurrentSession | None:
        """The session in the transaction of a command; None if it has ended since it was looked up."""
        if supposed.epoch == self._directory.epoch:
            return supposed.session
        return find_session(uow.connection, secret, now=uow.now)

    def find(self, secret: str, *, now: datetime) -> CurrentSession | None:
        """The session of a secret, None if it is unknown, expired or switched off."""
        known = self.remembered(secret, now=now)
        if known is not None:
            return known
        found = self.look_up(secret, now=now)
        return found.session if found is not None else None

    def look_up(self, secret: str, *, now: datetime) -> Remembered | None:
        """The same, read from the database, and remembered."""
        epoch, until = self._directory.epoch, self._elapsed() + TRUSTED_SECONDS
        with self._database.read() as connection:
            session = find_session(connection, secret, now=now)
        if session is None:
            return None
        if session.last_used_at is None or now - session.last_used_at >= USE_NOTED:
            self._later(_use_of(session))
        found = Remembered(session, epoch, until)
        with self._lock:
            self._sessions[_hash(secret)] = found
            while len(self._sessions) > CAPACITY:
                self._sessions.popitem(last=False)
        return found


def find_session(connection: Connection, secret: str, *, now: datetime) -> CurrentSession | None:
    """The session of a cookie or bearer secret, or what a personal access token stands for."""
    if access_tokens.looks_like_one(secret):
        return access_tokens.session_of(connection, secret, now=now)
    return sessions.session_of(connection, secret, now=now)


def _use_of(session: CurrentSession) -> Callable[[UnitOfWork], None]:
    note = access_tokens.note_use if session.is_token else sessions.note_use
    return lambda uow: note(uow, session.id)


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
