"""Whether the system can do its work, part by part, and what its database holds in numbers."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, func, select
from sqlalchemy.exc import SQLAlchemyError

from service.domain.errors import TocsinError
from service.persistence import tables as t
from service.persistence.database import Database, newest_revision, revision_of

# Due work is looked at every second or so; rows this long overdue mean that nobody works them.
STANDSTILL = timedelta(minutes=5)
LEAST_FREE_BYTES = 200 * 1024 * 1024  # in the data folder; a full disk refuses every command

_due = t.table_of(t.DueRow)
_deliveries = t.table_of(t.Delivery)
_engine_incidents = t.table_of(t.EngineIncident)
_incidents = t.table_of(t.Incident)


@dataclass(frozen=True, slots=True)
class Check:
    """One part: whether it is well, why not (a code), and numbers or versions that help; never an address."""

    ok: bool
    reason: str = ""
    facts: dict[str, str | int] = field(default_factory=dict)


def readiness(
    database: Database, folder: Path, *, now: datetime, workers: Callable[[], int | None]
) -> dict[str, Check]:
    """Every part that must be well: database, schema, worker, due and disk.

    `workers` says how many processes do background work, None where this one leaves it to others.
    """
    return {
        "database": _guarded(database, _reads),
        "schema": _guarded(database, _schema),
        "due": _guarded(database, lambda connection: _overdue(connection, now)),
        "worker": _workers(workers),
        "disk": _disk(folder),
    }


def _guarded(database: Database, check: Callable[[Connection], Check]) -> Check:
    try:
        with database.read() as connection:
            return check(connection)
    except (SQLAlchemyError, TocsinError) as error:
        return Check(ok=False, reason=f"unreadable: {type(error).__name__}")


def _reads(connection: Connection) -> Check:
    connection.execute(select(1))
    return Check(ok=True, facts={"kind": connection.dialect.name})


def _schema(connection: Connection) -> Check:
    found, wanted = revision_of(connection), newest_revision()
    is_newest = found == wanted
    return Check(is_newest, "" if is_newest else "another_version", {"found": found, "wanted": wanted})


def _overdue(connection: Connection, now: datetime) -> Check:
    count, oldest = _due_now(connection, now)
    seconds = int((now - oldest).total_seconds()) if oldest else 0
    is_worked = oldest is None or oldest > now - STANDSTILL
    return Check(is_worked, "" if is_worked else "overdue", {"overdue": count, "oldest_seconds": seconds})


def _due_now(connection: Connection, now: datetime) -> tuple[int, datetime | None]:
    is_due = _due.c.is_done.is_(False) & (_due.c.real_due_at <= now)
    row = connection.execute(select(func.count(), func.min(_due.c.real_due_at)).where(is_due)).one()
    return row[0], row[1]


def _workers(workers: Callable[[], int | None]) -> Check:
    try:
        count = workers()
    except (SQLAlchemyError, TocsinError) as error:
        return Check(ok=False, reason=f"unreadable: {type(error).__name__}")
    if count is None:
        return Check(ok=True, reason="elsewhere")
    return Check(count > 0, "" if count else "no_heartbeat", {"workers": count})


def _disk(folder: Path) -> Check:
    try:
        free = shutil.disk_usage(folder).free
    except OSError:
        return Check(ok=False, reason="no_folder")
    is_enough = free >= LEAST_FREE_BYTES
    return Check(is_enough, "" if is_enough else "nearly_full", {"free_mb": free // 1_048_576})


def stored_numbers(database: Database, *, now: datetime) -> dict[str, dict[str, float]]:
    """Numbers for the metrics: `{name: {state, or "" where there are none: number}}`."""
    states = select(_deliveries.c.state, func.count()).group_by(_deliveries.c.state)
    stopped = select(func.count()).where(_engine_incidents.c.state == "open")
    running = select(func.count()).where(_incidents.c.closed_at.is_(None), _incidents.c.kind == "real")
    with database.read() as connection:
        overdue, oldest = _due_now(connection, now)
        return {
            "deliveries": {"queued": 0, **{row[0]: row[1] for row in connection.execute(states)}},
            "engine_incidents_open": {"": connection.execute(stopped).scalar_one()},
            "incidents_open": {"": connection.execute(running).scalar_one()},
            "due_rows_overdue": {"": overdue},
            "due_rows_oldest_seconds": {"": max(0.0, (now - oldest).total_seconds()) if oldest else 0},
        }


def running_heads(database: Database) -> dict[str, int]:
    """The last seq of every incident that is not over, for live updates."""
    heads, incidents = t.table_of(t.StreamHead), t.table_of(t.Incident)
    statement = (
        select(heads.c.stream, heads.c.seq)
        .join(incidents, incidents.c.id == heads.c.stream)
        .where(incidents.c.closed_at.is_(None))
    )
    with database.read() as connection:
        return {row.stream: row.seq for row in connection.execute(statement)}
