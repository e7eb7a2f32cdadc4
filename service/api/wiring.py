"""What the API needs of the running product; `bootstrap.Tocsin` is one."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeVar

from service.application.documents import DocumentLibrary
from service.application.services import Services
from service.application.session_memory import SessionMemory
from service.domain.clock import Clock
from service.domain.gateways import InboundDoor
from service.persistence.command_runner import CommandRunner
from service.persistence.database import Database
from service.persistence.sealing import Sealer
from service.persistence.unit_of_work import UnitOfWork
from service.settings import Settings

T = TypeVar("T")


class LiveHub(Protocol):
    """Announces (incident, seq) of new events."""

    def watch(self, heads: Callable[[], Mapping[str, int]]) -> None:
        """Where the heads of running incidents are read from."""
        ...

    def subscribe(self) -> AsyncIterator[tuple[str, int]]:
        """Announcements from now on."""
        ...


class BackgroundWork(Protocol):
    """Background work as those see it who watch it."""

    @property
    def is_started(self) -> bool:
        """Whether this process does background work."""
        ...

    def health(self) -> Any:
        """How it stands over all processes; `workers` is how many do it."""
        ...


class Application(Protocol):
    """The running product."""

    @property
    def settings(self) -> Settings:
        """What the operator set."""
        ...

    @property
    def clock(self) -> Clock:
        """Real time."""
        ...

    @property
    def database(self) -> Database:
        """Where everything is stored."""
        ...

    @property
    def sealer(self) -> Sealer:
        """Opens sealed values."""
        ...

    @property
    def writer(self) -> CommandRunner:
        """Runs commands, each in a committed unit of work."""
        ...

    @property
    def services(self) -> Services:
        """Catalogues and definitions."""
        ...

    @property
    def sessions(self) -> SessionMemory:
        """Who is signed in."""
        ...

    @property
    def documents(self) -> DocumentLibrary:
        """The report documents."""
        ...

    @property
    def worker(self) -> BackgroundWork:
        """Background work."""
        ...

    @property
    def hub(self) -> LiveHub:
        """Live updates."""
        ...

    def run(self, handler: Callable[[UnitOfWork], T]) -> T:
        """Run a use case; an engine failure is recorded before it is raised."""
        ...

    async def run_soon(self, handler: Callable[[UnitOfWork], T]) -> T:
        """The same, awaited."""
        ...

    def read(self) -> AbstractContextManager[Any]:
        """A read-only snapshot."""
        ...


def doors_of(application: Application) -> Mapping[str, InboundDoor]:
    """The doors of outside systems, by partner; none where the product has none."""
    found: Mapping[str, InboundDoor] = getattr(application, "doors", {})
    return found


def worker_count(application: Application) -> int | None:
    """Processes that do background work; None where this one does not and cannot see the others."""
    count = int(application.worker.health().workers)
    return count if count or application.worker.is_started else None
