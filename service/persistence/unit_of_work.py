"""What a handler is given: one open transaction, the time of the command, the log.

A handler never commits; the writer does (writer.py), and nothing else in the code base.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Connection, func, insert, select

from service.domain.clock import Clock, WatchedClock
from service.domain.identifiers import IdGenerator
from service.persistence import directory
from service.persistence.chain import event_hash, written
from service.persistence.directory import DirectoryMemory
from service.persistence.pending import Head, PendingWrites, lock_head_at_once, make_head, move_head, read_head
from service.persistence.sealing import Sealer
from service.persistence.tables import EventRow, table_of
from service.persistence.working_set import IncidentRows, WorkingSet, is_alone

T = TypeVar("T")
_insert_events = insert(table_of(EventRow))


@dataclass(slots=True)  # not frozen, nor is the next: setting twenty frozen fields takes longer than storing them
class NewEvent:
    """An event to be appended. `at` is in the incident's clock; `sealed` is `{subject: values}` in clear.

    `data` is plain JSON without personal values: they go into `sealed`.
    """

    type: str
    at: datetime
    data: Mapping[str, Any] = field(default_factory=dict)
    sealed: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    instance: str = ""
    procedure: str = ""
    version: int = 0
    element: str = ""
    actor: str = ""
    role: str = ""
    on_behalf_of: str = ""
    command_id: str = ""
    request_id: str = ""
    schema_version: int = 1


@dataclass(slots=True)
class StoredEvent:
    """An event as it stands in the log; `sealed` is `{subject: token}`."""

    stream: str
    seq: int
    instance: str
    procedure: str
    version: int
    element: str
    type: str
    schema_version: int
    at: datetime
    real_at: datetime
    actor: str
    role: str
    on_behalf_of: str
    command_id: str
    request_id: str
    data: dict[str, Any]
    sealed: dict[str, str]
    prev_hash: str
    hash: str


class HeldElsewhere(Exception):
    """Another transaction holds a stream, and this one must not wait for it."""


@dataclass(slots=True)
class _Kept:
    """Events of a stream on their way into the log: the head before them, the head with them, their rows."""

    base: Head
    head: Head
    rows: list[dict[str, Any]] = field(default_factory=list)


class UnitOfWork:
    """One command's share of a transaction.

    What a command writes through `rows`, `gather` and `put_state` waits in memory (`pending`). It is written at the
    end, or as soon as the command asks for `connection`: then it sees what it has written so far, and
    what the commands before it have.
    """

    def __init__(
        self, connection: Connection, clock: Clock, sealer: Sealer, *, ids: IdGenerator, heads: dict[str, Head],
        touch: Callable[[], None] | None = None, memory: DirectoryMemory | None = None,
    ) -> None:  # fmt: skip
        """`heads` are stream heads last seen by this writer: a guess, checked when they move.

        `touch` is called once, before the command uses the connection, which it shares with other commands.
        """
        self._connection = connection
        self._touch, self._shares = touch, touch is not None
        self._memory = memory or DirectoryMemory()
        self._directory = self._memory.values
        self.clock = clock
        self.sealer = sealer
        self.now = clock.now()
        self.scratch: dict[str, Any] = {}
        self.ids = ids
        self.heads = heads
        self.touched: set[str] = set()
        self.pending = PendingWrites()
        self._kept: dict[str, _Kept] = {}
        self.committed_hooks: list[Callable[[], None]] = []
        self.lost_hooks: list[Callable[[], None]] = []
        self.wakes: dict[tuple[str, str], datetime] = {}

    @property
    def is_set_back(self) -> bool:
        """Whether the machine's clock says less than it, or the log, said before."""
        return isinstance(self.clock, WatchedClock) and self.clock.is_behind(self.now)

    @property
    def connection(self) -> Connection:
        """The connection of the transaction; what waits to be written is written first."""
        if self._touch is not None:
            touch, self._touch = self._touch, None
            touch()
        if self.pending:
            self.pending.flush(self._connection)
        return self._connection

    def remembered(self, key: str, read: Callable[[Connection], T]) -> T:
        """What was read of the directory before, or is now: no command writes it and reads it from here."""
        if key not in self._directory:
            self._directory[key] = read(self._connection)
        found: T = self._directory[key]
        return found

    def directory_changed(self) -> None:
        """Say that organisations, places, accounts, roles or sessions change; nothing remembered of them is used."""
        directory.move(self.connection)
        self._directory = {}
        self.after_commit(self._memory.forget)

    @property
    def is_sqlite(self) -> bool:
        """Whether this process is the only writer of the database."""
        return is_alone(self._connection)

    @property
    def bare_connection(self) -> Connection:
        """The connection, not to read from: what waits to be written is not written."""
        return self._connection

    def rows(self, kept: WorkingSet) -> IncidentRows:
        """The rows of an incident, read from a working set and written through it."""
        return IncidentRows(self, self.pending, kept)

    def append(self, stream: str, events: Sequence[NewEvent]) -> list[StoredEvent]:
        """Append events to a stream: gapless numbers, hash chain, values sealed; one row per event."""
        if not events:
            return []
        tokens = [self._sealed(event) for event in events]
        if stream in self._kept:
            kept = self._kept[stream]
            rows = self._chained(stream, kept.head, events, tokens)
            kept.head = (rows[-1]["seq"], rows[-1]["hash"])
            kept.rows += rows
            return [StoredEvent(**row) for row in rows]
        connection = self.connection
        head = self.heads.get(stream) or read_head(connection, stream)
        while True:
            rows = self._chained(stream, head, events, tokens)
            self.touched.add(stream)
            self.heads[stream] = (rows[-1]["seq"], rows[-1]["hash"])
            if move_head(connection, stream, head, self.heads[stream]):
                break
            self.heads.pop(stream)
            head = read_head(connection, stream)
        connection.execute(_insert_events, rows)
        return [StoredEvent(**row) for row in rows]

    def gather(self, stream: str) -> Head:
        """Keep the events of a locked stream until `flush`; returns the head they follow.

        On SQLite the head is the one this writer has last seen, which moving it will prove.
        """
        if stream not in self._kept:
            self.lock(stream)
            head = self.heads.get(stream) or read_head(self.connection, stream)
            self._kept[stream] = _Kept(head, head)
        return self._kept[stream].head

    def flush(self, stream: str) -> Head:
        """Let the events gathered of a stream be written with the rest; returns the head they lead to."""
        kept = self._kept.pop(stream)
        if kept.rows:
            self.pending.append(stream, kept.base, kept.head, kept.rows)
            self.touched.add(stream)
            self.heads[stream] = kept.head
        return kept.head

    def lock(self, stream: str) -> int:
        """Lock a stream (incident) until the end of the transaction; returns its last number, 0 if new.

        The incident is locked first, always. On SQLite the only writer holds it anyway.
        """
        if stream in self._kept:
            return self._kept[stream].head[0]
        if self.is_sqlite:
            return (self.heads.get(stream) or read_head(self.connection, stream))[0]
        if self._shares:
            if stream not in self.heads:
                self.heads[stream] = self._head_at_once(stream)
            return self.heads[stream][0]
        make_head(self.connection, stream)
        self.heads[stream] = read_head(self.connection, stream, for_update=True)
        return self.heads[stream][0]

    def _head_at_once(self, stream: str) -> Head:
        """Lock a stream without waiting for who holds it, and without writing what waits: it is of other streams."""
        found = lock_head_at_once(self._connection, stream)
        if found is None:
            raise HeldElsewhere(stream)
        return found

    def alone(self, name: str) -> None:
        """Let nobody else who asks for the same name go on until the end of the transaction, on any node.

        On SQLite the only writer is alone anyway. Asked for before an incident is locked, never after it.
        """
        if self.is_sqlite:
            return
        lock = func.hashtextextended(name, 0)
        if not self._shares:
            self.connection.execute(select(func.pg_advisory_xact_lock(lock)))
        elif not self.connection.execute(select(func.pg_try_advisory_xact_lock(lock))).scalar():
            raise HeldElsewhere(name)

    def wake(self, kind: str, ref: str, at: datetime) -> None:
        """Ask for a look at an incident or a delivery (`kind`) at an instant of real time (alarms.py).

        Only an alarm clock beside a row that says what is due; where rows are polled it ends the sleep of who polls.
        """
        self.wakes[kind, ref] = min(at, self.wakes.get((kind, ref), at))

    def new_id(self) -> str:
        """A new id that sorts after the ones before."""
        return self.ids.new()

    def after_commit(self, callback: Callable[[], None]) -> None:
        """Call back once the command is durably committed, before its answer is given."""
        self.committed_hooks.append(callback)

    def after_loss(self, callback: Callable[[], None]) -> None:
        """Call back if the command is rolled back, by its own exception or by a lost commit."""
        self.lost_hooks.append(callback)

    def put_state(self, instance: str, incident: str, *, known: int, text: str) -> int:
        """Store the engine state of an instance under the revision after `known` (0 = new); returns it.

        A revision that is not the stored one any more is refused when it is written: RevisionChanged.
        """
        self.pending.put_state(instance, incident, known=known, revision=known + 1, text=text)
        return known + 1

    # --- events -------------------------------------------------------------------------------

    def _sealed(self, event: NewEvent) -> dict[str, str]:
        if not event.sealed:
            return {}
        return {subject: self.sealer.seal(self, subject, values) for subject, values in event.sealed.items()}

    def _chained(
        self, stream: str, head: Head, events: Sequence[NewEvent], tokens: Sequence[dict[str, str]]
    ) -> list[dict[str, Any]]:
        seq, previous = head
        rows = []
        for event, sealed in zip(events, tokens, strict=True):
            seq += 1
            row = {
                "stream": stream, "seq": seq, "instance": event.instance, "procedure": event.procedure,
                "version": event.version, "element": event.element, "type": event.type,
                "schema_version": event.schema_version, "at": event.at, "real_at": self.now, "actor": event.actor,
                "role": event.role, "on_behalf_of": event.on_behalf_of, "command_id": event.command_id,
                "request_id": event.request_id, "data": written(event.data), "sealed": sealed, "prev_hash": previous,
            }  # fmt: skip
            row["hash"] = previous = event_hash(row)
            rows.append(row)
        return rows
