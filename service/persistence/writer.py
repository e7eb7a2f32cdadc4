"""The single writer of SQLite.

One thread takes commands from a queue, up to 32 into one durable transaction, each in a savepoint of
its own; answers are given after the COMMIT. Handlers get a `UnitOfWork` and never commit. On PostgreSQL
`request_runner.py` takes its place.
"""

import logging
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from service import metrics
from service.domain.clock import Clock
from service.domain.errors import CommitLost, WriterStopped
from service.domain.identifiers import IdGenerator
from service.persistence import failures
from service.persistence.command_runner import Handler, T, call_hooks
from service.persistence.database import Database
from service.persistence.sealing import Sealer
from service.persistence.unit_of_work import Head, UnitOfWork

GROUP = 32

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Command:
    handler: Handler[Any]
    future: "Future[Any]"
    context: Context = field(default_factory=copy_context)  # of the caller: what its log lines share
    result: Any = None
    error: BaseException | None = None
    uow: UnitOfWork | None = None


class _GroupLost(Exception):
    """The database gave the transaction up; nothing of the group is stored."""


class Writer:
    """The single writer of a process on SQLite; a context manager that stops it."""

    def __init__(self, database: Database, clock: Clock, sealer: Sealer, *, ids: IdGenerator | None = None) -> None:
        self._database = database
        self._clock = clock
        self._sealer = sealer
        self._ids = ids or IdGenerator(clock)
        self._queue: queue.SimpleQueue[_Command | None] = queue.SimpleQueue()
        self._lost: list[Callable[[], None]] = []
        self._heads: dict[str, Head] = {}
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
            self._queue.put(_Command(handler, future))
        return future

    def run(self, handler: Handler[T]) -> T:
        """Run a handler and wait for its commit; from inside a handler this raises RuntimeError."""
        if threading.current_thread() is self._thread:
            message = "a handler cannot wait for another handler of its writer"
            raise RuntimeError(message)
        return self.submit(handler).result()

    def on_lost(self, callback: Callable[[], None]) -> None:
        """Call back, on the writer's thread, whenever a group was lost."""
        self._lost.append(callback)

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
            if not group:
                continue
            try:
                self._run_on_connection(group)
            except Exception as error:  # whatever it is, every caller must get an answer
                log.exception("commit_lost")
                self._lose(group, error)
            else:
                self._answer(group)

    def _next_group(self) -> tuple[list[_Command], bool]:
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

    def _run_on_connection(self, group: list[_Command]) -> None:
        with self._database.writing.connect() as connection:
            try:
                self._run_group(connection, group)
            except Exception:
                connection.invalidate()  # after a failed COMMIT SQLite is still inside the transaction
                raise

    def _run_group(self, connection: Connection, group: list[_Command]) -> None:
        metrics.queue_depth.set(self._queue.qsize())
        metrics.group_size.observe(len(group))
        connection.begin()
        is_alone = len(group) == 1  # the transaction itself can be rolled back: no savepoint needed
        for command in group:
            self._run_one(connection, command, is_alone=is_alone)
        if is_alone and group[0].error is not None:
            connection.rollback()
        else:
            with metrics.commits.time():
                connection.commit()
        self._sealer.settle()

    def _run_one(self, connection: Connection, command: _Command, *, is_alone: bool) -> None:
        if not is_alone:
            connection.exec_driver_sql("SAVEPOINT command")
        command.uow = UnitOfWork(connection, self._clock, self._sealer, ids=self._ids, heads=self._heads)
        try:
            command.result = command.context.run(command.handler, command.uow)
        except Exception as error:  # it belongs to the caller, whatever it is
            command.error = _told(error)
            self._forget(command.uow)
            if not is_alone:
                _roll_back_savepoint(connection, error)
        if not is_alone:
            connection.exec_driver_sql("RELEASE command")

    def _forget(self, uow: UnitOfWork) -> None:
        for stream in uow.touched:
            self._heads.pop(stream, None)
        self._sealer.unsettle()
        call_hooks(uow.lost_hooks)

    def _lose(self, group: list[_Command], cause: Exception) -> None:
        self._heads.clear()
        self._sealer.unsettle()
        for command in group:
            if command.uow is not None and command.error is None:
                call_hooks(command.uow.lost_hooks)
        call_hooks(self._lost)
        for command in group:
            command.future.set_exception(command.error or _lost_to(cause))

    def _answer(self, group: list[_Command]) -> None:
        for command in group:
            if command.error is None and command.uow is not None:
                call_hooks(command.uow.committed_hooks)
        for command in group:
            if command.error is not None:
                command.future.set_exception(command.error)
            else:
                command.future.set_result(command.result)


def _told(error: Exception) -> Exception:
    """A failure of the storage by its name; what a handler raised stays as it is."""
    told = failures.named(error)
    if told is None:
        return error
    told.__cause__ = error
    return told


def _lost_to(cause: BaseException) -> Exception:
    """What everybody of a lost group is told."""
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
