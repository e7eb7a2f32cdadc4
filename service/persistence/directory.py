"""What is remembered of the directory: organisations, places, roles, accounts. It changes a few times a week.

Every unit of work that changes it says so (`UnitOfWork.directory_changed`), which moves a version in the
database. A transaction reads that version once and forgets what was remembered under another one.
"""

from typing import Any

from sqlalchemy import Connection, select, update

from service.persistence.tables import DirectoryState, table_of

_state = table_of(DirectoryState)
_version = select(_state.c.version)
_next = update(_state).values(version=_state.c.version + 1)


class DirectoryMemory:
    """Remembered by one process; `epoch` is another number after every change this process knows of."""

    def __init__(self) -> None:
        self.epoch = 0
        self._version: int | None = None
        self.values: dict[str, Any] = {}

    def begin(self, connection: Connection) -> None:
        """A transaction has begun: forget what is not right any more."""
        version = connection.execute(_version).scalar()
        if version != self._version:
            self._version = version
            self.forget()

    def forget(self) -> None:
        """The directory changed."""
        self.epoch += 1
        self.values = {}


def move(connection: Connection) -> None:
    """Tell every process that the directory has changed."""
    connection.execute(_next)
