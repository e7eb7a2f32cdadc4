"""Short commands of one node on PostgreSQL: as many as wait share a transaction.

A transaction for each costs a dozen statements and a commit, and threads that take turns at the interpreter
with every one of them. Here one thread runs what waits, in one transaction, and writes all of it by the same
few statements, as on SQLite. Other nodes are there all the same: a command whose incident another node holds
does not wait here, where it would hold what the others have locked; it runs in a transaction of its own.
"""

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from service.domain.clock import Clock
from service.domain.errors import CommitLost, OutcomeUnknown
from service.domain.identifiers import IdGenerator
from service.logs import logger
from service.persistence import alarms, failures
from service.persistence.command_runner import Handler
from service.persistence.database import Database
from service.persistence.directory import DirectoryMemory
from service.persistence.postgres import is_away
from service.persistence.sealing import Sealer
from service.persistence.unit_of_work import HeldElsewhere, UnitOfWork
from service.persistence.writer import Command, Group, NotWritten, Writer, write

log = logger(__name__)


class _CommitFailed(Exception):
    """Whether the group is stored is not known, or it is not."""


class ShortCommands(Writer):
    """The thread of a node that runs them; `alone` queues a handler for a transaction of its own."""

    def __init__(
        self, database: Database, clock: Clock, sealer: Sealer, *, ids: IdGenerator, memory: DirectoryMemory,
        alone: Callable[[Handler[Any]], "Future[Any]"],
    ) -> None:  # fmt: skip
        self._alone = alone
        super().__init__(database, clock, sealer, ids=ids, memory=memory)

    def _run_to_the_end(self, group: list[Command]) -> None:
        self._heads.clear()  # right only while the transaction that read them holds their locks
        try:
            self._run_on_connection(group)
        except _CommitFailed as failed:
            self._forget_all(group)
            for command in group:
                command.future.set_exception(command.error or _told(failed.__cause__))
        except Exception as error:  # nothing is stored: each by itself, so that each gets its own answer
            log.warning("group_given_up", commands=len(group), error=type(error).__name__)
            self._forget_all(group)
            for command in group:
                self._run_alone(command)
        else:
            held = [command for command in group if isinstance(command.error, HeldElsewhere)]
            self._answer([command for command in group if command not in held])
            for command in held:
                self._run_alone(command)

    def _run_alone(self, command: Command) -> None:
        def answered(done: "Future[Any]") -> None:
            error = done.exception()
            if error is None:
                command.future.set_result(done.result())
            else:
                command.future.set_exception(error)

        command.context.run(self._alone, command.handler).add_done_callback(answered)

    def _undo(self, shared: Group, uow: UnitOfWork, error: Exception) -> None:
        if isinstance(error, SQLAlchemyError):  # the server runs nothing more in this transaction
            raise NotWritten from error
        super()._undo(shared, uow, error)
        write(shared.pending, shared.connection)  # a head that was thrown away is read from the database again

    def _commit(self, connection: Connection, group: list[Command]) -> None:
        for command in group:
            if command.error is None and command.uow is not None:
                alarms.arm(connection, command.uow)
        try:
            super()._commit(connection, group)
        except Exception as error:
            log.exception("commit_lost")
            raise _CommitFailed from error


def _told(cause: BaseException | None) -> Exception:
    """What everybody is told: the server may have died after it stored and before it said so."""
    if cause is None or is_away(cause):
        return OutcomeUnknown()
    return failures.named(cause) or CommitLost()
