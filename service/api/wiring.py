"""What the API needs of the running product; `bootstrap.Tocsin` is one."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeVar

from service.application.documents import DocumentLibrary
from service.application.services import Services
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
    def documents(self) -> DocumentLibrary:
        """The report documents."""
        ...

    @property
    def hub(self) -> LiveHub:
        """Live updates."""
        ...

    def run(self, handler: Callable[[UnitOfWork], T]) -> T:
        """Run a use case; an engine failure is recorded before it is raised."""
        ...

    def read(self) -> AbstractContextManager[Any]:
        """A read-only snapshot."""
        ...


def doors_of(application: Application) -> Mapping[str, InboundDoor]:
    """The doors of outside systems, by partner; none where the product has none."""
    found: Mapping[str, InboundDoor] = getattr(application, "doors", {})
    return found
