"""What runs handlers: the protocol of the writer and of the request runner."""

import logging
from collections.abc import Callable
from concurrent.futures import Future
from typing import Protocol, TypeVar

from service.persistence.directory import DirectoryMemory
from service.persistence.unit_of_work import UnitOfWork

T = TypeVar("T")
Handler = Callable[[UnitOfWork], T]

log = logging.getLogger(__name__)


class CommandRunner(Protocol):
    """Runs handlers, each in a unit of work that is committed before the answer is given."""

    @property
    def directory(self) -> DirectoryMemory:
        """What this process remembers of organisations, places, roles and accounts."""
        ...

    def submit(self, handler: Handler[T]) -> "Future[T]":
        """Queue a handler; the future answers after the commit, or raises what the handler raised."""
        ...

    def submit_short(self, handler: Handler[T]) -> "Future[T]":
        """The same for a command that takes milliseconds: it may share a transaction with others."""
        ...

    def run(self, handler: Handler[T]) -> T:
        """Run a handler and wait for its commit. Raises what it raised, CommitLost or WriterStopped."""
        ...

    def on_lost(self, callback: Callable[[], None]) -> None:
        """Call back whenever a transaction was lost: caches of uncommitted state must be dropped."""
        ...

    def stop(self) -> None:
        """Finish what is queued and take no more."""
        ...


def end(uow: UnitOfWork, hooks: list[Callable[[], None]]) -> None:
    """Call the hooks of how a command ended, then let go of all.

    A hook knows what registered it, which knows the unit of work: the two would wait for the collector of cycles.
    """
    call_hooks(hooks)
    uow.committed_hooks, uow.lost_hooks = [], []


def call_hooks(hooks: list[Callable[[], None]]) -> None:
    """Call hooks; one that fails is logged, because what it follows has happened already."""
    for hook in hooks:
        try:
            hook()
        except Exception:
            log.exception("hook_failed")
