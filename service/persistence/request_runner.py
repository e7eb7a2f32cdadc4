"""A transaction per command, on PostgreSQL, with the interface of the single writer; short ones share theirs."""

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from service import metrics
from service.domain.clock import Clock
from service.domain.errors import CommitLost, DatabaseAway, OutcomeUnknown, RevisionChanged, WriterStopped
from service.domain.identifiers import IdGenerator
from service.persistence import alarms, failures
from service.persistence.command_runner import Handler, T, call_hooks, end
from service.persistence.database import Database
from service.persistence.directory import DirectoryMemory
from service.persistence.postgres import WRITE_CONNECTIONS, is_away
from service.persistence.sealing import Sealer
from service.persistence.short_commands import ShortCommands
from service.persistence.unit_of_work import UnitOfWork

REPEATS = 5  # of a command that lost against another node
SERIALIZATION_FAILURES = frozenset({"40001", "40P01"})

log = logging.getLogger(__name__)


class RequestRunner:
    """A transaction per command, on PostgreSQL; loses against another node are tried again."""

    def __init__(self, database: Database, clock: Clock, sealer: Sealer, *, ids: IdGenerator | None = None) -> None:
        self._database = database
        self._clock = clock
        self._sealer = sealer
        self._ids = ids or IdGenerator(clock)
        self._lost: list[Callable[[], None]] = []
        self.directory = DirectoryMemory()
        self._pool = ThreadPoolExecutor(WRITE_CONNECTIONS, thread_name_prefix="writer")
        self._is_stopped = False
        self._short = ShortCommands(
            database, clock, sealer, ids=self._ids, memory=self.directory, alone=self.submit
        )  # fmt: skip

    def __enter__(self) -> "RequestRunner":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def submit(self, handler: Handler[T]) -> "Future[T]":
        """Queue a handler on the runner's threads."""
        if self._is_stopped:
            raise WriterStopped
        return self._pool.submit(copy_context().run, self._repeated, handler)

    def submit_short(self, handler: Handler[T]) -> "Future[T]":
        """Queue a handler that takes milliseconds: it shares a transaction with others that wait."""
        return self._short.submit(handler)

    def run(self, handler: Handler[T]) -> T:
        """Run a handler and wait for its commit."""
        return self.submit(handler).result()

    def on_lost(self, callback: Callable[[], None]) -> None:
        """Call back, on the thread of the command, whenever a transaction was lost."""
        self._lost.append(callback)
        self._short.on_lost(callback)

    def stop(self) -> None:
        """Finish what is queued and take no more; may be called twice."""
        self._short.stop()
        self._is_stopped = True
        self._pool.shutdown(wait=True)

    def _repeated(self, handler: Handler[T]) -> T:
        for _ in range(REPEATS - 1):
            try:
                return self._once(handler)
            except RevisionChanged:
                call_hooks(self._lost)  # another node was first: what this one kept in memory is read anew
            except DBAPIError as error:
                if getattr(error.orig, "sqlstate", None) not in SERIALIZATION_FAILURES:
                    raise
        return self._once(handler)

    def _once(self, handler: Handler[T]) -> T:
        try:
            with self._database.writing.connect() as connection:
                connection.begin()
                self.directory.begin(connection)
                uow = UnitOfWork(connection, self._clock, self._sealer, ids=self._ids, heads={}, memory=self.directory)
                result = self._handled(connection, uow, handler)
                self._commit(connection, uow)
        except (SQLAlchemyError, OSError) as error:
            if is_away(error):
                raise DatabaseAway from error
            told = failures.named(error)
            if told is not None:
                raise told from error
            raise
        self._sealer.settle()
        end(uow, uow.committed_hooks)
        return result

    def _handled(self, connection: Connection, uow: UnitOfWork, handler: Handler[T]) -> T:
        try:
            result = handler(uow)
            uow.pending.flush(connection)
            alarms.arm(connection, uow)
        except Exception:
            self._drop(uow)
            connection.rollback()
            raise
        return result

    def _commit(self, connection: Connection, uow: UnitOfWork) -> None:
        try:
            with metrics.commits.time():
                connection.commit()
        except Exception as error:
            log.exception("commit_lost")
            connection.invalidate()
            self._drop(uow)
            call_hooks(self._lost)
            # The server may have died after it stored and before it said so.
            raise OutcomeUnknown() if is_away(error) else (failures.named(error) or CommitLost()) from error

    def _drop(self, uow: UnitOfWork) -> None:
        self.directory.forget()
        self._sealer.unsettle()
        end(uow, uow.lost_hooks)
