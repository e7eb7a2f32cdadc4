"""The rows of one incident as they stood at a moment: made of its events in memory, and nowhere stored.

`PastRows` is what projections write to instead of the read tables. `PastDatabase` opens a database in memory with such
rows, so that whoever reads asks the same questions of the past as of the present.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any, NoReturn

from sqlalchemy import Connection, Table, create_engine
from sqlalchemy.pool import NullPool
from sqlalchemy.schema import CreateTable

from service.persistence.database import READS, plain_json
from service.persistence.pending import Key, PendingWrites, Row
from service.persistence.tables import metadata
from service.persistence.working_set import IncidentRows, WorkingSet

Standing = Mapping[Table, Mapping[Key, Row]]


class _Nowhere:
    """What rows of the past are read from: nothing is asked for that the events did not say."""

    @property
    def connection(self) -> NoReturn:
        """There is none."""
        message = "rows of the past have no database"
        raise LookupError(message)

    bare_connection = connection

    def remembered(self, _key: str, _read: object) -> NoReturn:
        """Nothing is remembered."""
        message = "rows of the past have no directory"
        raise LookupError(message)


class _Unwritten(PendingWrites):
    """Writes that wait for nobody."""

    def add(self, table: Table, key: Key, row: Row) -> None:
        """Nothing waits."""

    def change(self, table: Table, key: Key, values: Row) -> None:
        """Nothing waits."""

    def remove(self, table: Table, key: Key) -> None:
        """Nothing waits."""


class PastRows(IncidentRows):
    """All rows of one incident; a row once made is never changed, so that a standing of them can be kept."""

    def __init__(self, incident: str, standing: Standing | None = None) -> None:
        """Go on from where rows stood; from nothing where nothing is said."""
        super().__init__(_Nowhere(), _Unwritten(), WorkingSet(incident))
        self._unread: dict[Table, dict[Key, Row]] = {}
        for table, rows in (standing or {}).items():
            if "id" in table.c:
                self.kept.copy_of(table).rows = {str(key): row for key, row in rows.items()}
            else:
                self._unread[table] = dict(rows)

    @property
    def standing(self) -> Standing:
        """The rows as they stand now."""
        found: dict[Table, Mapping[Key, Row]] = {table: dict(rows) for table, rows in self._unread.items()}
        for table, copy in self.kept.copies.items():
            found[table] = {key: row for key, row in copy.rows.items() if row is not None}
        return found

    def get(self, table: Table, key: str) -> Row | None:
        """The row with this id, None if there is none."""
        return self.kept.copy_of(table).rows.get(key)

    def add_unread(self, table: Table, key: Key, row: dict[str, Any]) -> None:
        """A new row of a table that no command reads from memory."""
        if "id" in table.c:
            self.kept.copy_of(table).rows[str(key)] = row
        else:
            self._unread.setdefault(table, {})[key] = row

    def remove_unread(self, table: Table, first: str) -> None:
        """All rows of such a table whose key begins so are gone."""
        rows = self._unread.setdefault(table, {})
        for key in [each for each in rows if each[0] == first]:
            del rows[key]

    def _read(self, table: Table, _names: tuple[str, ...], values: Mapping[str, Any]) -> dict[str, Row]:
        wanted = list(values.items())
        rows = {key: row for key, row in self.kept.copy_of(table).rows.items() if row is not None}
        found = [key for key, row in rows.items() if all(row[name] == value for name, value in wanted)]
        return {key: rows[key] for key in sorted(found)}


class PastDatabase:
    """Where rows of the past are asked: each time a database in memory of its own, with statements compiled once."""

    def __init__(self) -> None:
        self._engine = create_engine(
            "sqlite://", poolclass=NullPool, json_serializer=plain_json, execution_options={READS: True},
            connect_args={"check_same_thread": False},
        )  # fmt: skip

    @contextmanager
    def opened(self, standing: Standing) -> Iterator[Connection]:
        """All tables with these rows; they are gone afterwards."""
        with self._engine.connect() as connection:
            for statement in _tables():
                connection.exec_driver_sql(statement)
            pending = PendingWrites()
            for table, rows in standing.items():
                for key, row in rows.items():
                    pending.add(table, key, row)
            pending.flush(connection)
            yield connection


@cache
def _tables() -> tuple[str, ...]:
    """The statements that make the tables; without indexes, which such few rows do not need."""
    engine = create_engine("sqlite://")
    made = (CreateTable(table, include_foreign_key_constraints=[]) for table in metadata.sorted_tables)
    return tuple(str(each.compile(engine)) for each in made)
