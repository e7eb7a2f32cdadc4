"""The rows of one incident kept in memory between commands.

The read tables of an incident are a function of its stream, so a copy made at a head of the stream is
right as long as that is the head. A set holds only what somebody asked for: single rows, and complete
sets of rows with the same value in some columns. Projections write through it, so it stays right.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cache
from itertools import count
from typing import Any, Protocol, TypeVar
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine, Select, Table, bindparam, delete, select

from service.persistence.database import READS
from service.persistence.pending import Head, Key, PendingWrites, Row
from service.persistence.tables import DirectoryState, table_of

AT_ONCE = 500  # ids in one statement
NUMBERED = frozenset({"tasks", "waits", "element_visits"})

_numbers = count()

_version = select(table_of(DirectoryState).c.version)
_by_engine: WeakKeyDictionary[Engine, tuple[int | None, dict[str, Any]]] = WeakKeyDictionary()

T = TypeVar("T")
Names = tuple[str, ...]
Values = tuple[Any, ...]


class _Copy:
    """What is known of one table: rows by id (None = there is none), and complete sets by columns and values."""

    __slots__ = ("rows", "sets")

    def __init__(self) -> None:
        self.rows: dict[str, Row | None] = {}
        self.sets: dict[Names, dict[Values, dict[str, Row]]] = {}


class WorkingSet:
    """Copies by table, right at `head`; `parts` are what the application derived from them; no other has its number."""

    def __init__(self, incident: str) -> None:
        self.number = next(_numbers)
        self.incident = incident
        self.head: Head | None = None
        self.copies: dict[Table, _Copy] = {}
        self.parts: dict[str, Any] = {}

    def copy_of(self, table: Table) -> _Copy:
        """The copy of a table, made where there is none."""
        copy = self.copies.get(table)
        if copy is None:
            copy = self.copies[table] = _Copy()
        return copy

    @property
    def size(self) -> int:
        """How many rows it holds."""
        return sum(len(copy.rows) for copy in self.copies.values())


class Connecting(Protocol):
    """What gives the connection to read from; whatever waits to be written is written first."""

    @property
    def connection(self) -> Connection:
        """The connection of the transaction."""
        ...

    @property
    def bare_connection(self) -> Connection:
        """The same, not to read from: what waits to be written is not written."""
        ...

    def remembered(self, key: str, read: Callable[[Connection], T]) -> T:
        """What was read of the directory before, or is now."""
        ...


Source = Connection | Connecting


def is_alone(source: Source) -> bool:
    """Whether this process is the only one that writes the database."""
    return bare_connection_of(source).dialect.name == "sqlite"


def bare_connection_of(source: Source) -> Connection:
    """The connection, for what no command leaves waiting to be written."""
    return source if isinstance(source, Connection) else source.bare_connection


def connection_of(source: Source) -> Connection:
    """The connection itself, or of what gives it."""
    return source if isinstance(source, Connection) else source.connection


def remembered(source: Source, key: str, read: Callable[[Connection], T]) -> T:
    """Something of the directory (organisations, places, roles), read at most once while nobody changes it."""
    if not isinstance(source, Connection):
        return source.remembered(key, read)
    if not source.get_execution_options().get(READS):  # what it sees may never be committed
        return read(source)
    version = source.execute(_version).scalar()
    kept = _by_engine.get(source.engine)
    if kept is None or kept[0] != version:
        kept = _by_engine[source.engine] = (version, {})
    if key not in kept[1]:
        kept[1][key] = read(source)
    found: T = kept[1][key]
    return found


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A connection that only reads, as a source of rows."""

    connection: Connection

    @property
    def bare_connection(self) -> Connection:
        """The same."""
        return self.connection

    def remembered(self, _key: str, read: Callable[[Connection], T]) -> T:
        """Read it."""
        return read(self.connection)

    def rows(self, incident: str) -> "IncidentRows":
        """Rows of one incident, read when first asked for and then kept."""
        return IncidentRows(self, PendingWrites(), WorkingSet(incident))


class IncidentRows:
    """The rows of one incident in one unit of work: reading from memory, writing to what is pending."""

    def __init__(self, work: Connecting, pending: PendingWrites, kept: WorkingSet) -> None:
        """`work.connection` is the connection to read from; asking for it writes what is pending."""
        self._work, self._pending, self.kept = work, pending, kept

    # --- reading ------------------------------------------------------------------------------

    def get(self, table: Table, key: str) -> Row | None:
        """The row with this id, None if there is none."""
        rows = self.kept.copy_of(table).rows
        if key not in rows:
            found = self._work.connection.execute(_by_id(table), {"row_id": key}).mappings().first()
            if found is not None and found.get("incident_id", found["id"]) != self.kept.incident:
                return dict(found)  # what another incident does with it is not seen here
            rows[key] = dict(found) if found else None
        return rows[key]

    def where(self, table: Table, **values: Any) -> list[Row]:
        """Rows with these values (none of them None), in an order that does not tell when they were read.

        That of their ids, later ones behind; of tables whose ids are an instance's with a number, by these.
        """
        found = list(self._having(table, values).values())
        if len(found) > 1 and table.name in NUMBERED:
            found.sort(key=_place)
        return found

    def ids(self, table: Table, **values: Any) -> Set[str]:
        """Their ids: a view that changes with the rows."""
        return self._having(table, values).keys()

    def begin(self, table: Table, **values: Any) -> None:
        """Rows with these values are about to be added, and there are none yet."""
        self.kept.copy_of(table).sets.setdefault(tuple(values), {}).setdefault(tuple(values.values()), {})

    def read_ahead(self, table: Table, keys: Iterable[str]) -> None:
        """Read rows that are soon to be asked for by their ids, all at once."""
        rows = self.kept.copy_of(table).rows
        for some in _stretches([key for key in keys if key not in rows]):
            mine = table.c.id.in_(some) & (table.c.incident_id == self.kept.incident)
            for row in self._work.connection.execute(select(table).where(mine)).mappings():
                rows[row["id"]] = dict(row)

    def read_sets_ahead(self, table: Table, column: str, each: Iterable[str], **values: Any) -> None:
        """Read sets that are soon to be asked for: one for each value of a column, with the same other values."""
        names = (column, *values)
        sets = self.kept.copy_of(table).sets.setdefault(names, {})
        rest = tuple(values.values())
        for some in _stretches([value for value in each if (value, *rest) not in sets]):
            wanted = [table.c[column].in_(some), *(table.c[name] == value for name, value in values.items())]
            sets.update({(value, *rest): {} for value in some})
            for row in self._found(table, select(table).where(*wanted).order_by(table.c.id), {}):
                sets[row[column], *rest][row["id"]] = row

    def _having(self, table: Table, values: Mapping[str, Any]) -> dict[str, Row]:
        names = tuple(values)
        sets = self.kept.copy_of(table).sets.setdefault(names, {})
        wanted = tuple(values.values())
        found = sets.get(wanted)
        if found is None:
            found = sets[wanted] = self._read(table, names, values)
        return found

    def _read(self, table: Table, names: Names, values: Mapping[str, Any]) -> dict[str, Row]:
        return {row["id"]: row for row in self._found(table, _having(table, names), values)}

    def _found(self, table: Table, statement: Select[Any], values: Mapping[str, Any]) -> Iterator[Row]:
        """The rows a statement finds, as they stand here: what is known of one already is newer."""
        rows = self.kept.copy_of(table).rows
        for found in self._work.connection.execute(statement, values).mappings():
            row = rows.get(found["id"])
            if row is None:
                row = rows[found["id"]] = dict(found)
            yield row

    # --- writing ------------------------------------------------------------------------------

    def add(self, table: Table, row: dict[str, Any]) -> None:
        """A new row; a column that is not named has its default."""
        row = {**_blank(table), **row}
        self._pending.add(table, row["id"], row)
        copy = self.kept.copy_of(table)
        copy.rows[row["id"]] = row
        for names, sets in copy.sets.items():
            found = sets.get(_values(names, row))
            if found is not None:
                found[row["id"]] = row

    def add_unread(self, table: Table, key: Key, row: dict[str, Any]) -> None:
        """A new row of a table that no command reads from memory; every column without a default is named."""
        self._pending.add(table, key, row)

    def change(self, table: Table, key: str, **values: Any) -> bool:
        """New values of some columns; False if there is no such row."""
        before = self.get(table, key)
        if before is None:
            return False
        self._pending.change(table, key, values)
        copy, after = self.kept.copy_of(table), {**before, **values}
        copy.rows[key] = after
        for names, sets in copy.sets.items():
            old, new = _values(names, before), _values(names, after)
            if old != new:
                sets.get(old, {}).pop(key, None)
            if new in sets:
                sets[new][key] = after
        return True

    def remove(self, table: Table, key: str) -> None:
        """The row is gone."""
        self._pending.remove(table, key)
        copy = self.kept.copy_of(table)
        before = copy.rows.get(key)
        copy.rows[key] = None
        if before is None:
            return  # whatever was in a set would be known
        for names, sets in copy.sets.items():
            sets.get(_values(names, before), {}).pop(key, None)

    def remove_unread(self, table: Table, first: str) -> None:
        """All rows of a table that no command reads from memory whose key begins with `first` are gone."""
        column = next(iter(table.primary_key.columns))
        self._work.connection.execute(delete(table).where(column == first))


def _place(row: Row) -> tuple[int, str]:
    """Ids of instances are of one length: of two ids of one instance the longer has the higher number."""
    return len(row["id"]), row["id"]


def _stretches(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    return (keys[start : start + AT_ONCE] for start in range(0, len(keys), AT_ONCE))


def _values(names: Names, row: Row) -> Values:
    return tuple([row[name] for name in names])


@cache
def _blank(table: Table) -> dict[str, Any]:
    """The plain defaults of a table's columns."""
    defaults: dict[str, Any] = {column.name: column.default for column in table.columns}
    return {name: each.arg if each is not None and each.is_scalar else None for name, each in defaults.items()}


@cache
def _by_id(table: Table) -> Select[Any]:
    return select(table).where(table.c.id == bindparam("row_id"))


@cache
def _having(table: Table, names: Names) -> Select[Any]:
    return select(table).where(*(table.c[name] == bindparam(name) for name in names)).order_by(table.c.id)
