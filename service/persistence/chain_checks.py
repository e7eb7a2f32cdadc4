"""Checking all chains a stretch at a time, so that a large log is checked with progress and goes on after a restart."""

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from service.persistence.chain import (
    FETCH,
    GENESIS,
    BadEvent,
    event_hash,
    head_is_right,
    stray_event,
    verify_seals,
)
from service.persistence.tables import sql

STRETCH = 20_000  # events
_events, _heads = sql.events, sql.stream_heads


@dataclass(frozen=True, slots=True)
class Stretch:
    """What a stretch came to: the last event read, how many were read, what is wrong; `is_last`: nothing is left."""

    stream: str
    seq: int
    read: int
    bad: BadEvent | None
    is_last: bool


def total(connection: Connection) -> int:
    """How many events the heads say there are."""
    return int(connection.execute(select(func.coalesce(func.sum(_heads.c.seq), 0))).scalar_one())


def check_stretch(connection: Connection, stream: str, seq: int, *, most: int = STRETCH) -> Stretch:
    """Check the events after a place, about `most` of them; ("", 0) is the beginning. The last one checks the seals."""
    read = 0
    while True:
        found, bad = _rest_of(connection, stream, seq, most - read) if stream else (0, None)
        read += found
        if bad or read >= most:
            return Stretch(stream, seq + found, read, bad, is_last=bad is not None)
        following = select(_heads.c.stream).where(_heads.c.stream > stream).order_by(_heads.c.stream).limit(1)
        name = connection.execute(following).scalar()
        if name is None:
            bad = stray_event(connection) or verify_seals(connection)
            return Stretch(stream, seq + found, read, bad, is_last=True)
        stream, seq = name, 0


def _rest_of(connection: Connection, stream: str, seq: int, most: int) -> tuple[int, BadEvent | None]:
    """Check at most so many further events of a stream; at its end the head too."""
    before = select(_events.c.hash).where(_events.c.stream == stream, _events.c.seq == seq)
    previous = connection.execute(before).scalar() if seq else GENESIS
    statement = select(_events).where(_events.c.stream == stream, _events.c.seq > seq)
    statement = statement.order_by(_events.c.seq).limit(most)
    read = 0
    with connection.execute(statement.execution_options(yield_per=FETCH)) as rows:
        for row in rows.mappings():
            read += 1
            if row["seq"] != seq + read:
                return read, BadEvent(stream, seq + read, "missing")
            if row["prev_hash"] != previous or row["hash"] != event_hash(row):
                return read, BadEvent(stream, seq + read, "changed")
            previous = row["hash"]
    if read == most:
        return read, None
    head = connection.execute(select(_heads).where(_heads.c.stream == stream)).first()
    return read, head_is_right(stream, head, (seq + read, previous or ""))
