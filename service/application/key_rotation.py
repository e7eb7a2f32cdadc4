"""Rotating keys while the product serves: the master key that wraps subjects' keys, and the keys themselves.

Work goes batch by batch, each in a transaction of its own, and may be stopped at any point: what is done is known by
the keys themselves (which master key opens them) or by the time a subject got its newest key. Until the end both
keys are needed, and both are read. Sealed values are not touched: the log covers their ciphertext.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Protocol, TypeVar

from sqlalchemy import Connection, func, insert, or_, select, update

from service.application.access_log import ACCESS_STREAM
from service.persistence.sealing import ERASED, Sealer
from service.persistence.tables import sql
from service.persistence.unit_of_work import NewEvent, UnitOfWork

MASTER, SUBJECTS = "master", "subjects"

T = TypeVar("T")


class Runner(Protocol):
    """Runs a handler in a transaction of its own."""

    def __call__(self, handler: Callable[[UnitOfWork], T], /) -> T:
        """What the handler answers."""


_keys = sql.subject_keys


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a rotation is."""

    done: int
    total: int


@dataclass(frozen=True, slots=True)
class _Rotation:
    id: int
    kind: str
    started_at: datetime


def is_running(connection: Connection, kind: str) -> bool:
    """Whether a rotation was begun and not ended: the next one goes on with it."""
    return _running(connection, kind) is not None


def check(connection: Connection, sealer: Sealer) -> int:
    """Whether every key opens with the master keys at hand; returns how many. Raises MasterKeyWrong."""
    count = 0
    for wrapped in connection.execute(select(_keys.c.wrapped).where(_keys.c.wrapped != ERASED)).scalars():
        sealer.wrapped_anew(wrapped)
        count += 1
    return count


def rotate(run: Runner, kind: str, *, size: int) -> Iterator[Progress]:
    """Rotate, telling the progress after each batch; what was stopped goes on."""
    rotation, total = run(partial(_begin, kind=kind)), run(_count)
    done, moved = 0, 1
    while moved:  # a process that still had the former master key may have made keys behind us
        moved, after = 0, ""
        while True:
            last, changed = run(partial(_batch, rotation=rotation, after=after, size=size))
            moved, done = moved + changed, done + changed
            if not last:
                break
            after = last
            if changed:
                yield Progress(done, total)
    run(partial(_end, rotation=rotation, done=done))
    yield Progress(done, total)


def all_are_newest(connection: Connection, sealer: Sealer) -> bool:
    """Whether the newest master key alone opens every key, so that the others can go."""
    wrapped = connection.execute(select(_keys.c.wrapped).where(_keys.c.wrapped != ERASED)).scalars()
    return all(sealer.wrapped_anew(each) is None for each in wrapped)


# --- inside -----------------------------------------------------------------------------------


def _running(connection: Connection, kind: str) -> _Rotation | None:
    table = sql.key_rotations.c
    found = connection.execute(
        select(table.id, table.kind, table.started_at).where(table.kind == kind, table.ended_at.is_(None))
    ).first()
    return _Rotation(found.id, found.kind, found.started_at) if found else None


def _begin(uow: UnitOfWork, kind: str) -> _Rotation:
    uow.alone(f"rotation:{kind}")
    if _running(uow.connection, kind) is None:
        uow.connection.execute(insert(sql.key_rotations).values(kind=kind, started_at=uow.now))
    begun = _running(uow.connection, kind)
    assert begun is not None  # noqa: S101 - it was just written
    return begun


def _count(uow: UnitOfWork) -> int:
    return uow.connection.execute(select(func.count()).where(_keys.c.wrapped != ERASED)).scalar_one()


def _batch(uow: UnitOfWork, rotation: _Rotation, after: str, size: int) -> tuple[str, int]:
    """One batch in order of subjects; the last subject looked at ("" at the end), and how many keys were changed."""
    due = select(_keys.c.subject, _keys.c.wrapped).where(_keys.c.subject > after, _keys.c.wrapped != ERASED)
    if rotation.kind == SUBJECTS:
        newest = func.coalesce(_keys.c.rotated_at, _keys.c.created_at)
        is_first = _keys.c.rotated_at.is_(None) & (_keys.c.created_at <= rotation.started_at)
        due = due.where(or_(newest < rotation.started_at, is_first))
    rows = uow.connection.execute(due.order_by(_keys.c.subject).limit(size)).all()
    changed = sum(_rotated(uow, rotation, row.subject, row.wrapped) for row in rows)
    return (rows[-1].subject if len(rows) == size else ""), changed


def _rotated(uow: UnitOfWork, rotation: _Rotation, subject: str, wrapped: str) -> bool:
    sealer = uow.sealer
    made = sealer.wrapped_anew(wrapped) if rotation.kind == MASTER else sealer.with_new_key(wrapped)
    if made is None:
        return False
    values = (
        {"wrapped": made}
        if rotation.kind == MASTER
        else {"wrapped": made, "rotated_at": max(uow.now, rotation.started_at)}
    )
    same = (_keys.c.subject == subject) & (_keys.c.wrapped == wrapped)  # erased meanwhile stays erased
    return uow.connection.execute(update(_keys).where(same).values(**values)).rowcount > 0


def _end(uow: UnitOfWork, rotation: _Rotation, done: int) -> None:
    ended = update(sql.key_rotations).where(sql.key_rotations.c.id == rotation.id).values(ended_at=uow.now)
    uow.connection.execute(ended)
    uow.append(ACCESS_STREAM, [NewEvent("keys_rotated", uow.now, {"kind": rotation.kind, "keys": done})])
