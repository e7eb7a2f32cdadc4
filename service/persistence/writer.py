"""The single writer of SQLite.

One thread takes commands from a queue, up to 32 into one durable transaction; answers are given after
the COMMIT. A command that reads from memory and lets its writes wait needs the database only when the
group is written, all at once; one that uses the connection gets a savepoint of its own. Handlers get a
`UnitOfWork` and never commit. On PostgreSQL `request_runner.py` takes its place.
"""

import logging
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from service import metrics
from service.domain.clock import Clock
from service.domain.errors import CommitLost, RevisionChanged, WriterStopped
from service.domain.identifiers import IdGenerator
from service.persistence import failures
from service.persistence.command_runner import Handler, T, call_hooks, end
from service.persistence.database import Database
from service.persistence.directory import DirectoryMemory
from service.persistence.pending import Head, PendingWrites
from service.persistence.sealing import Sealer
from service.persistence.unit_of_work import UnitOfWork

GROUP = 32

log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class Command:
    """A handler that waits, and then what became of it."""

    handler: Handler[Any]
    future: "Future[Any]"
    context: Context = field(default_factory=copy_context)  # of the caller: what its log lines share
    result: Any = None
    error: BaseException | None = None
    uow: UnitOfWork | None = None
    is_repeated: bool = False

    def start_again(self) -> None:
        """Forget what the first run did."""
        self.result = self.error = self.uow = None
        self.is_repeated = True


class Group:
    """One transaction of several commands, and what of it is still to be written."""

    def __init__(self, connection: Connection, pending: PendingWrites, *, is_alone: bool) -> None:
        self.connection, self.pending, self.is_alone = connection, pending, is_alone
        self.has_savepoint = False

    def begin(self) -> Callable[[], None]:
        """The next command; what it must call before it uses the connection."""
        self.has_savepoint = False
        return self._touched

    def _touched(self) -> None:
        if self.is_alone:
            return  # the transaction itself can be rolled back
        write(self.pending, self.connection)
        self.connection.exec_driver_sql("SAVEPOINT command")
        self.has_savepoint = True

    def keep(self, pending: PendingWrites) -> None:
        """The command is done."""
        if self.has_savepoint:
            self.connection.exec_driver_sql("RELEASE command")
        else:
            self.pending.merge(pending)

    def undo(self, error: Exception) -> None:
        """The command is refused: what it wrote is taken back, what it had not written is dropped."""
        if self.has_savepoint:
            _roll_back_savepoint(self.connection, error)
            self.connection.exec_driver_sql("RELEASE command")


class NotWritten(Exception):
    """What waited to be written was refused by the database; nothing of the group is stored."""


class _GroupLost(Exception):
    """The database gave the transaction up; nothing of the group is stored."""


class Writer:
    """The single writer of a process on SQLite; a context manager that stops it."""

    def __init__(
        self, database: Database, clock: Clock, sealer: Sealer, *, ids: IdGenerator | None = None,
        memory: DirectoryMemory | None = None,
    ) -> None:  # fmt: skip
        self._database = database
        self._clock = clock
        self._sealer = sealer
        self._ids = ids or IdGenerator(clock)
        self._queue: queue.SimpleQueue[Command | None] = queue.SimpleQueue()
        self._lost: list[Callable[[], None]] = []
        self._wake: Callable[[datetime], None] | None = None
        self._heads: dict[str, Head] = {}
        self.directory = memory or DirectoryMemory()
        self._gate = threading.Lock()
        self._is_stopped = False
        self._thread = threading.Thread(target=self._work, name="writer", daemon=True)
        self._thread.start()

    def __enter__(self) -> "Writer":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def submit(self, handler: Handler[T]) -> "Future[T]":
        """Queue a handler; the future answers after the commit, or raises what the handler raised."""
        future: Future[T] = Future()
        future.set_running_or_notify_cancel()  # once queued it is run: a cancelled answer would be a lie
        with self._gate:
            if self._is_stopped:
                raise WriterStopped
            self._queue.put(Command(handler, future))
        return future

    def submit_short(self, handler: Handler[T]) -> "Future[T]":
        """The same: all commands share."""
        return self.submit(handler)

    def run(self, handler: Handler[T]) -> T:
        """Run a handler and wait for its commit; from inside a handler this raises RuntimeError."""
        if threading.current_thread() is self._thread:
            message = "a handler cannot wait for another handler of its writer"
            raise RuntimeError(message)
        return self.submit(handler).result()

    def on_lost(self, callback: Callable[[], None]) -> None:
        """Call back, on the writer's thread, whenever a group was lost."""
        self._lost.append(callback)

    def on_wake(self, callback: Callable[[datetime], None]) -> None:
        """Call back, on the writer's thread, when a command was committed that asked for a look (`UnitOfWork.wake`).

        The callback gets the earliest instant of real time it asked for, and must not fail.
        """
        self._wake = callback

    def stop(self) -> None:
        """Finish what is queued and take no more; may be called twice."""
        with self._gate:
            if not self._is_stopped:
                self._is_stopped = True
                self._queue.put(None)
        self._thread.join()

    # --- the thread -------------------------------------------------------------------------

    def _work(self) -> None:
        goes_on = True
        while goes_on:
            group, goes_on = self._next_group()
            if group:
                self._run_to_the_end(group)

    def _run_to_the_end(self, group: list[Command]) -> None:
        """Run a group and answer its callers; where it is overtaken, what it thought is read anew."""
        try:
            self._run_on_connection(group)
        except NotWritten as failed:
            self._forget_all(group)
            self._one_by_one(group, failed)
        except Exception as error:  # whatever it is, every caller must get an answer
            log.exception("commit_lost")
            self._forget_all(group)
            self._refuse(group, error)
        else:
            self._answer(group)

    def _one_by_one(self, group: list[Command], failed: "NotWritten") -> None:
        """What one command has to write could not be written: it must not harm the others."""
        if len(group) == 1 and (group[0].is_repeated or not isinstance(failed.__cause__, RevisionChanged)):
            log.error("not_written", exc_info=failed)
            self._refuse(group, failed.__cause__ or failed)
            return
        for command in group:
            command.start_again()
            self._run_to_the_end([command])

    def _next_group(self) -> tuple[list[Command], bool]:
        first = self._queue.get()
        if first is None:
            return [], False
        group = [first]
        while len(group) < GROUP:
            try:
                command = self._queue.get_nowait()
            except queue.Empty:
                break
            if command is None:
                return group, False
            group.append(command)
        return group, True

    def _run_on_connection(self, group: list[Command]) -> None:
        with self._database.writing.connect() as connection:
            try:
                self._run_group(connection, group)
            except Exception:
                connection.invalidate()  # after a failed COMMIT SQLite is still inside the transaction
                raise

    def _run_group(self, connection: Connection, group: list[Command]) -> None:
        metrics.queue_depth.set(self._queue.qsize())
        metrics.group_size.observe(len(group))
        connection.begin()
        self.directory.begin(connection)
        shared = Group(connection, PendingWrites(), is_alone=len(group) == 1)
        for command in group:
            self._run_one(shared, command)
        if shared.is_alone and group[0].error is not None:
            connection.rollback()
        else:
            write(shared.pending, connection)
            self._commit(connection, group)
        self._sealer.settle()

    def _commit(self, connection: Connection, _group: "list[Command]") -> None:
        with metrics.commits.time():
            connection.commit()

    def _run_one(self, shared: "Group", command: Command) -> None:
        touched = shared.begin()
        command.uow = UnitOfWork(
            shared.connection, self._clock, self._sealer,
            ids=self._ids, heads=self._heads, touch=touched, memory=self.directory,
        )  # fmt: skip
        try:
            command.result = command.context.run(command.handler, command.uow)
            if shared.has_savepoint:
                command.uow.pending.flush(shared.connection)
        except NotWritten:
            raise
        except Exception as error:  # it belongs to the caller, whatever it is
            command.error = _told(error)
            self._undo(shared, command.uow, error)
        else:
            shared.keep(command.uow.pending)

    def _undo(self, shared: "Group", uow: UnitOfWork, error: Exception) -> None:
        self._forget(uow)
        shared.undo(error)

    def _forget(self, uow: UnitOfWork) -> None:
        for stream in uow.touched:
            self._heads.pop(stream, None)
        self._sealer.unsettle()
        end(uow, uow.lost_hooks)

    def _forget_all(self, group: list[Command]) -> None:
        self._heads.clear()
        self.directory.forget()
        self._sealer.unsettle()
        for command in group:
            if command.uow is not None and command.error is None:
                end(command.uow, command.uow.lost_hooks)
        call_hooks(self._lost)

    def _refuse(self, group: list[Command], cause: BaseException) -> None:
        for command in group:
            command.future.set_exception(command.error or _lost_to(cause))

    def _answer(self, group: list[Command]) -> None:
        overtaken = [c for c in group if isinstance(c.error, RevisionChanged) and not c.is_repeated]
        for command in group:
            if command.error is None and command.uow is not None:
                end(command.uow, command.uow.committed_hooks)
                if self._wake is not None and command.uow.wakes:
                    self._wake(min(command.uow.wakes.values()))
        for command in group:
            if command.error is None:
                command.future.set_result(command.result)
            elif command not in overtaken:
                command.future.set_exception(command.error)
        for command in overtaken:
            call_hooks(self._lost)
            command.start_again()
            self._run_to_the_end([command])


def write(pending: PendingWrites, connection: Connection) -> None:
    """Write what waits. Raises NotWritten."""
    try:
        pending.flush(connection)
    except Exception as error:
        raise NotWritten from error


def _told(error: Exception) -> Exception:
    """A failure of the storage by its name; what a handler raised stays as it is."""
    told = failures.named(error)
    if told is None:
        return error
    told.__cause__ = error
    return told


def _lost_to(cause: BaseException) -> Exception:
    """What everybody of a lost group is told."""
    if isinstance(cause, RevisionChanged):
        return cause
    found = cause.__cause__ if isinstance(cause, _GroupLost) and cause.__cause__ else cause
    error = failures.named(found) or CommitLost()
    error.__cause__ = cause
    return error


def _roll_back_savepoint(connection: Connection, cause: Exception) -> None:
    try:
        connection.exec_driver_sql("ROLLBACK TO command")
    except DBAPIError:
        # A full disk or an I/O error makes SQLite roll the whole transaction back by itself.
        raise _GroupLost(str(cause)) from cause
