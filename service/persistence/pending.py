"""Writes that wait in memory until they are needed: one statement per table instead of one per row.

A command's read-table rows, events and states are gathered here and written together, on SQLite for a
whole group of commands. Whoever asks the unit of work for its connection has them written first, so
that nobody reads past them. What was gathered for a command that is refused is simply dropped.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Delete, Insert, Table, Update, bindparam, delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from service.domain.errors import RevisionChanged
from service.persistence.batches import write_many
from service.persistence.chain import GENESIS
from service.persistence.tables import EventRow, InstanceState, StreamHead, table_of

Head = tuple[int, str]
Key = str | tuple[Any, ...]
Row = Mapping[str, Any]

_events, _heads, _states = table_of(EventRow), table_of(StreamHead), table_of(InstanceState)
_insert_events = insert(_events).values({column.name: bindparam(column.name) for column in _events.columns})
_find_head = select(_heads.c.seq, _heads.c.hash).where(_heads.c.stream == bindparam("name"))
_lock_head = _find_head.with_for_update()
_lock_free_head = _find_head.with_for_update(skip_locked=True)
_move_head = (
    update(_heads)
    .where(_heads.c.stream == bindparam("name"), _heads.c.seq == bindparam("old_seq"))
    .where(_heads.c.hash == bindparam("old_hash"))
    .values(seq=bindparam("new_seq"), hash=bindparam("new_hash"))
)
_insert_states = insert(_states).values({column.name: bindparam(column.name) for column in _states.columns})
_move_state = (
    update(_states)
    .where(_states.c.instance_id == bindparam("instance"), _states.c.revision == bindparam("known"))
    .values(revision=bindparam("next"), state=bindparam("text"))
)


class _Rows:
    """Writes to one table: each row has one fate."""

    __slots__ = ("added", "changed", "removed")

    def __init__(self) -> None:
        self.removed: dict[Key, None] = {}
        self.added: dict[Key, Row] = {}
        self.changed: dict[Key, Row] = {}


class PendingWrites:
    """What waits to be written, by table; heads and states are guarded by what they were."""

    def __init__(self) -> None:
        self._tables: dict[Table, _Rows] = {}
        self._heads: dict[str, tuple[Head, Head]] = {}
        self._events: list[Row] = []
        self._states: dict[str, tuple[int, int, str, str]] = {}  # instance -> known, next, text, incident

    def __bool__(self) -> bool:
        return bool(self._tables or self._events or self._heads or self._states)

    def add(self, table: Table, key: Key, row: Row) -> None:
        """A new row; `row` names every column."""
        self._of(table).added[key] = row

    def change(self, table: Table, key: Key, values: Row) -> None:
        """New values of some columns of the row with this id."""
        rows = self._of(table)
        kept = rows.added if key in rows.added else rows.changed
        kept[key] = {**kept.get(key, {}), **values}

    def remove(self, table: Table, key: Key) -> None:
        """No row with this id any more; of a table with a key of several columns all rows with this first one."""
        rows = self._of(table)
        rows.changed.pop(key, None)
        if rows.added.pop(key, None) is None or key in rows.removed:
            rows.removed[key] = None

    def append(self, stream: str, before: Head, after: Head, events: Sequence[Row]) -> None:
        """Events that move the head of a stream from where it was found."""
        kept = self._heads.get(stream)
        self._heads[stream] = (kept[0] if kept else before, after)
        self._events += events

    def put_state(self, instance: str, incident: str, *, known: int, revision: int, text: str) -> None:
        """State of an instance under its next revision; known 0 = it is new."""
        kept = self._states.get(instance)
        self._states[instance] = (kept[0] if kept else known, revision, text, incident)

    def merge(self, later: "PendingWrites") -> None:
        """Take over the writes of a command that came after."""
        for table, rows in later._tables.items():
            for key in rows.removed:
                self.remove(table, key)
            self._of(table).added.update(rows.added)
            for key, values in rows.changed.items():
                self.change(table, key, values)
        for stream, (before, after) in later._heads.items():
            self.append(stream, before, after, [])
        self._events += later._events
        for instance, (known, revision, text, incident) in later._states.items():
            self.put_state(instance, incident, known=known, revision=revision, text=text)

    def flush(self, connection: Connection) -> None:
        """Write everything, heads first: they are the fence. Raises RevisionChanged; nothing waits afterwards."""
        tables, self._tables = self._tables, {}
        self._flush_heads(connection)
        if self._events:
            write_many(connection, _insert_events, self._events)
            self._events = []
        for table, rows in tables.items():
            _flush_table(connection, table, rows)
        self._flush_states(connection)

    def _of(self, table: Table) -> _Rows:
        rows = self._tables.get(table)
        if rows is None:
            rows = self._tables[table] = _Rows()
        return rows

    def _flush_heads(self, connection: Connection) -> None:
        heads, self._heads = self._heads, {}
        if not heads:
            return
        for stream, (before, _) in heads.items():
            if before == (0, GENESIS):
                make_head(connection, stream)
        moves = [
            {"name": stream, "old_seq": before[0], "old_hash": before[1], "new_seq": after[0], "new_hash": after[1]}
            for stream, (before, after) in heads.items()
        ]
        if write_many(connection, _move_head, moves) != len(moves):
            raise RevisionChanged(", ".join(heads))

    def _flush_states(self, connection: Connection) -> None:
        states, self._states = self._states, {}
        fresh = [
            {"instance_id": instance, "incident_id": incident, "revision": revision, "state": text}
            for instance, (known, revision, text, incident) in states.items()
            if known == 0
        ]
        moved = [
            {"instance": instance, "known": known, "next": revision, "text": text}
            for instance, (known, revision, text, _) in states.items()
            if known
        ]
        if fresh:
            write_many(connection, _insert_states, fresh)
        if moved and write_many(connection, _move_state, moved) != len(moved):
            raise RevisionChanged(", ".join(str(each["instance"]) for each in moved))


def read_head(connection: Connection, stream: str, *, for_update: bool = False) -> Head:
    """The head of a stream as stored; (0, GENESIS) where there is none."""
    row = connection.execute(_lock_head if for_update else _find_head, {"name": stream}).first()
    return (row.seq, row.hash) if row else (0, GENESIS)


def lock_head_at_once(connection: Connection, stream: str) -> Head | None:
    """Lock the head of a stream; None where somebody else holds it, or it is not there yet."""
    row = connection.execute(_lock_free_head, {"name": stream}).first()
    return (row.seq, row.hash) if row else None


def last_at(connection: Connection, stream: str) -> datetime | None:
    """When the last event of a stream was, by its own clock; None where there is none."""
    mine = select(_events.c.at).where(_events.c.stream == stream).order_by(_events.c.seq.desc()).limit(1)
    found: datetime | None = connection.execute(mine).scalar()
    return found


def move_head(connection: Connection, stream: str, old: Head, new: Head) -> bool:
    """Move a head at once; False if it is not where it was thought to be."""
    if old == (0, GENESIS):
        make_head(connection, stream)
    move = {"name": stream, "old_seq": old[0], "old_hash": old[1], "new_seq": new[0], "new_hash": new[1]}
    return connection.execute(_move_head, move).rowcount > 0


def make_head(connection: Connection, stream: str) -> None:
    """Make the head row of a stream, unless it is there."""
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    row = {"stream": stream, "seq": 0, "hash": GENESIS}
    connection.execute(dialect.insert(_heads).values(row).on_conflict_do_nothing(index_elements=["stream"]))


def _flush_table(connection: Connection, table: Table, rows: _Rows) -> None:
    if rows.removed:
        write_many(connection, _removing(table), [{"row_id": key} for key in rows.removed])
    if rows.added:
        write_many(connection, _adding(table, tuple(next(iter(rows.added.values())))), list(rows.added.values()))
    alike: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for key, values in rows.changed.items():
        new = {f"new_{name}": value for name, value in values.items()}
        alike.setdefault(tuple(values), []).append({"row_id": key, **new})
    for names, changes in alike.items():
        write_many(connection, _changing(table, names), changes)


@cache
def _adding(table: Table, names: tuple[str, ...]) -> Insert:
    return insert(table).values({name: bindparam(name) for name in names})


@cache
def _changing(table: Table, names: tuple[str, ...]) -> Update:
    values: dict[str, Any] = {name: bindparam(f"new_{name}") for name in names}
    return update(table).where(table.c.id == bindparam("row_id")).values(values)


@cache
def _removing(table: Table) -> Delete:
    first = next(iter(table.primary_key.columns))
    return delete(table).where(first == bindparam("row_id"))
