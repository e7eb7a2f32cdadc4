"""What a handler is given: one open transaction, the time of the command, the log.

A handler never commits; the writer does (writer.py), and nothing else in the code base.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from service.domain.clock import Clock, WatchedClock
from service.domain.errors import RevisionChanged
from service.domain.identifiers import IdGenerator
from service.persistence.chain import GENESIS, event_hash
from service.persistence.sealing import Sealer
from service.persistence.tables import EventRow, StreamHead, table_of

Head = tuple[int, str]

_events = table_of(EventRow)
_heads = table_of(StreamHead)
_insert_events = insert(_events)
_find_head = select(_heads.c.seq, _heads.c.hash).where(_heads.c.stream == bindparam("name"))
_move_head = (
    update(_heads)
    .where(_heads.c.stream == bindparam("name"), _heads.c.seq == bindparam("old_seq"))
    .where(_heads.c.hash == bindparam("old_hash"))
    .values(seq=bindparam("new_seq"), hash=bindparam("new_hash"))
)


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
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


@dataclass(slots=True)
class _Kept:
    """Events of a stream on their way into the log: the head before them, the head with them, their rows."""

    base: Head
    head: Head
    rows: list[dict[str, Any]] = field(default_factory=list)


class UnitOfWork:
    """One command's share of a transaction."""

    def __init__(
        self, connection: Connection, clock: Clock, sealer: Sealer, *, ids: IdGenerator, heads: dict[str, Head]
    ) -> None:
        """`heads` are stream heads last seen by this writer: a guess, checked at every append."""
        self.connection = connection
        self.clock = clock
        self.sealer = sealer
        self.now = clock.now()
        self.scratch: dict[str, Any] = {}
        self.ids = ids
        self.heads = heads
        self.touched: set[str] = set()
        self._kept: dict[str, _Kept] = {}
        self.committed_hooks: list[Callable[[], None]] = []
        self.lost_hooks: list[Callable[[], None]] = []
        self.wakes: dict[tuple[str, str], datetime] = {}

    @property
    def is_set_back(self) -> bool:
        """Whether the machine's clock says less than it, or the log, said before."""
        return isinstance(self.clock, WatchedClock) and self.clock.is_behind(self.now)

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
        head = self.heads.get(stream) or self._read_head(stream)
        while True:
            rows = self._chained(stream, head, events, tokens)
            if self._advance(stream, head, (rows[-1]["seq"], rows[-1]["hash"])):
                break
            head = self._read_head(stream)
        self.connection.execute(_insert_events, rows)
        return [StoredEvent(**row) for row in rows]

    def gather(self, stream: str) -> None:
        """Keep the events of a locked stream until `flush` writes them together; nobody else can append to it."""
        if stream not in self._kept:
            self.lock(stream)
            head = self._read_head(stream)
            self._kept[stream] = _Kept(head, head)

    def flush(self, stream: str) -> None:
        """Write the events gathered of a stream; from now on each is written at once again."""
        kept = self._kept.pop(stream, None)
        if kept is None or not kept.rows:
            return
        if not self._advance(stream, kept.base, kept.head):
            raise RevisionChanged(stream)
        self.connection.execute(_insert_events, kept.rows)

    def lock(self, stream: str) -> int:
        """Lock a stream (incident) until the end of the transaction; returns its last number, 0 if new.

        The incident is locked first, always. On SQLite the only writer holds it anyway.
        """
        if stream in self._kept:
            return self._kept[stream].head[0]
        if self.connection.dialect.name == "sqlite":
            return (self.heads.get(stream) or self._read_head(stream))[0]
        self._make_head(stream)
        self.heads[stream] = self._read_head(stream, for_update=True)
        return self.heads[stream][0]

    def alone(self, name: str) -> None:
        """Let nobody else who asks for the same name go on until the end of the transaction, on any node.

        On SQLite the only writer is alone anyway. Asked for before an incident is locked, never after it.
        """
        if self.connection.dialect.name != "sqlite":
            self.connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))

    def wake(self, kind: str, ref: str, at: datetime) -> None:
        """Ask for a look at an incident or a delivery (`kind`) at an instant of real time (alarms.py).

        Only an alarm clock beside a row that says what is due; where rows are polled it does nothing.
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

    # --- the head of a stream -----------------------------------------------------------------

    def _sealed(self, event: NewEvent) -> dict[str, str]:
        return {subject: self.sealer.seal(self.connection, subject, values) for subject, values in event.sealed.items()}

    def _chained(
        self, stream: str, head: Head, events: Sequence[NewEvent], tokens: Sequence[dict[str, str]]
    ) -> list[dict[str, Any]]:
        seq, previous = head
        rows = []
        for event, sealed in zip(events, tokens, strict=True):
            seq += 1
            row = {name: getattr(event, name) for name in NewEvent.__dataclass_fields__}
            row.update(stream=stream, seq=seq, data=dict(event.data), sealed=sealed)
            row.update(real_at=self.now, prev_hash=previous)
            row["hash"] = previous = event_hash(row)
            rows.append(row)
        return rows

    def _advance(self, stream: str, old: Head, new: Head) -> bool:
        """Move the head if it still is where we think; this is the fence against a stale guess."""
        if old == (0, GENESIS):
            self._make_head(stream)
        moved = self.connection.execute(
            _move_head,
            {"name": stream, "old_seq": old[0], "old_hash": old[1], "new_seq": new[0], "new_hash": new[1]},
        ).rowcount
        self.touched.add(stream)
        if moved:
            self.heads[stream] = new
        else:
            self.heads.pop(stream, None)
        return bool(moved)

    def _read_head(self, stream: str, *, for_update: bool = False) -> Head:
        statement = _find_head.with_for_update() if for_update else _find_head
        row = self.connection.execute(statement, {"name": stream}).first()
        return (row.seq, row.hash) if row else (0, GENESIS)

    def _make_head(self, stream: str) -> None:
        dialect = sqlite if self.connection.dialect.name == "sqlite" else postgresql
        row = {"stream": stream, "seq": 0, "hash": GENESIS}
        self.connection.execute(dialect.insert(_heads).values(row).on_conflict_do_nothing(index_elements=["stream"]))
