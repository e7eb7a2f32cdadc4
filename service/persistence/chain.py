"""The hash chain of a stream, its verification, and the seals over all streams.

Each event's hash covers the event as stored (sealed values as ciphertext) and the hash before it, so
a changed, removed, inserted or reordered event is found and located. A stream cut short or removed
as a whole is found by the seals: each records the heads that moved since the seal before it.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from json.encoder import encode_basestring
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Row, RowMapping, insert, select

from service.domain import json_text
from service.domain.json_text import Written
from service.persistence.tables import ChainSeal, EventRow, StreamHead, table_of

if TYPE_CHECKING:
    from service.persistence.unit_of_work import UnitOfWork

GENESIS = "0" * 64
FETCH = 1000
SEALING = timedelta(minutes=10)  # how often a hash over all stream heads is written

_events = table_of(EventRow)
_heads = table_of(StreamHead)
_seals = table_of(ChainSeal)
HASHED = tuple(column.name for column in _events.columns if column.name != "hash")


@dataclass(frozen=True, slots=True)
class BadEvent:
    """Where a chain breaks; `reason` is changed | missing | extra | head | seal."""

    stream: str
    seq: int
    reason: str


@dataclass(frozen=True, slots=True)
class ChainReport:
    """Result of a verification: how many events were read, and the first that is wrong."""

    ok: bool
    events: int
    first_bad: BadEvent | None = None


def canonical(value: Any) -> bytes:
    """The one way JSON is written for hashing: sorted keys, no spaces, UTF-8, instants in UTC."""
    return canonical_text(value).encode()


def written(data: Mapping[str, Any]) -> Written:
    """The data of an event with its canonical text: hashed and stored, it is written once."""
    return Written(data, canonical_text(data))


def event_hash(row: Mapping[str, Any] | RowMapping) -> str:
    """SHA-256, in hex, over all columns of an event but its own hash.

    What is hashed is `canonical` of the columns, put together piece by piece: most pieces are short texts
    that come again and again.
    """
    data = row["data"]
    text = (
        f'{{"actor":{_quoted(row["actor"])},"at":{_moment(row["at"])},"command_id":{_quoted(row["command_id"])},'
        f'"data":{data.text if type(data) is Written else canonical_text(data)},"element":{_quoted(row["element"])},'
        f'"instance":{_quoted(row["instance"])},"on_behalf_of":{_quoted(row["on_behalf_of"])},'
        f'"prev_hash":{encode_basestring(row["prev_hash"])},"procedure":{_quoted(row["procedure"])},'
        f'"real_at":{_moment(row["real_at"])},"request_id":{_quoted(row["request_id"])},'
        f'"role":{_quoted(row["role"])},"schema_version":{row["schema_version"]},'
        f'"sealed":{canonical_text(row["sealed"]) if row["sealed"] else "{}"},"seq":{row["seq"]},'
        f'"stream":{_quoted(row["stream"])},"type":{_quoted(row["type"])},"version":{row["version"]}}}'
    )
    return hashlib.sha256(text.encode()).hexdigest()


def verify(connection: Connection, stream: str | None = None) -> ChainReport:
    """Check one stream, or all streams and the seals; stops at the first event that is wrong."""
    heads = {row.stream: row for row in connection.execute(select(_heads).order_by(_heads.c.stream))}
    wanted = [stream] if stream is not None else sorted(heads)
    read = 0
    for name in wanted:
        count, bad = _verify_stream(connection, name, heads.get(name))
        read += count
        if bad:
            return ChainReport(ok=False, events=read, first_bad=bad)
    bad = None if stream is not None else stray_event(connection) or verify_seals(connection)
    return ChainReport(ok=bad is None, events=read, first_bad=bad)


def seal_is_due(connection: Connection, now: datetime) -> bool:
    """Whether the last seal, by whichever process, is long enough ago."""
    last = connection.execute(select(_seals.c.at).order_by(_seals.c.id.desc()).limit(1)).scalar()
    return last is None or now - last >= SEALING


def seal_heads(uow: "UnitOfWork") -> int:
    """Record the heads that moved since the last seal; returns how many. Nothing moved: no seal."""
    sealed: dict[str, str] = {}
    last = GENESIS
    for seal in uow.connection.execute(select(_seals).order_by(_seals.c.id)):
        sealed.update(seal.heads)
        last = seal.hash
    heads = {row.stream: f"{row.seq}:{row.hash}" for row in uow.connection.execute(select(_heads))}
    moved = {name: head for name, head in sorted(heads.items()) if sealed.get(name) != head}
    if moved:
        row = {"at": uow.now, "heads": moved, "prev_hash": last}
        uow.connection.execute(insert(_seals).values(**row, hash=_seal_hash(row)))
    return len(moved)


def _verify_stream(connection: Connection, stream: str, head: Row[Any] | None) -> tuple[int, BadEvent | None]:
    statement = select(_events).where(_events.c.stream == stream).order_by(_events.c.seq)
    read, previous = 0, GENESIS
    with connection.execute(statement.execution_options(yield_per=FETCH)) as rows:
        for row in rows.mappings():
            read += 1
            if row["seq"] != read:
                return read, BadEvent(stream, read, "missing")
            if row["prev_hash"] != previous or row["hash"] != event_hash(row):
                return read, BadEvent(stream, read, "changed")
            previous = row["hash"]
    return read, head_is_right(stream, head, (read, previous))


def head_is_right(stream: str, head: Row[Any] | None, found: tuple[int, str]) -> BadEvent | None:
    """Compare a stream's head row with the last event that is there: its number and hash."""
    if head is None:
        return BadEvent(stream, 1, "extra" if found[0] else "missing")
    if head.seq > found[0]:
        return BadEvent(stream, found[0] + 1, "missing")
    return None if (head.seq, head.hash) == found else BadEvent(stream, head.seq, "head")


def stray_event(connection: Connection) -> BadEvent | None:
    """An event of a stream that has no head row."""
    statement = (
        select(_events.c.stream, _events.c.seq)
        .outerjoin(_heads, _heads.c.stream == _events.c.stream)
        .where(_heads.c.stream.is_(None))
        .order_by(_events.c.stream, _events.c.seq)
    )
    row = connection.execute(statement.limit(1)).first()
    return BadEvent(row.stream, row.seq, "extra") if row else None


def verify_seals(connection: Connection) -> BadEvent | None:
    """Check the chain of the seals, and that each head they recorded is still there."""
    previous = GENESIS
    for row in connection.execute(select(_seals).order_by(_seals.c.id)).mappings():
        if row["prev_hash"] != previous or row["hash"] != _seal_hash(row):
            return BadEvent("seals", row["id"], "seal")
        previous = row["hash"]
        for stream, head in row["heads"].items():
            seq, _, digest = head.partition(":")
            statement = select(_events.c.hash).where(_events.c.stream == stream, _events.c.seq == int(seq))
            if connection.execute(statement).scalar() != digest:
                return BadEvent(stream, int(seq), "seal")
    return None


def _seal_hash(row: Mapping[str, Any] | RowMapping) -> str:
    return hashlib.sha256(canonical([row["at"], row["heads"], row["prev_hash"]])).hexdigest()


def _instant(value: Any) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    message = f"{type(value).__name__} is not JSON"
    raise TypeError(message)


@lru_cache(maxsize=20_000)
def _quoted(text: str) -> str:
    return encode_basestring(text)


@lru_cache(maxsize=2_000)
def _moment(instant: datetime) -> str:
    return f'"{_instant(instant)}"'


canonical_text = json_text.writer(sort_keys=True, default=_instant)
