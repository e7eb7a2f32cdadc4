"""Due work as rows: timers, ladder levels, expiries of messages, deliveries.

A row is the truth, whatever wakes somebody up to look at it is only an alarm clock. There is one open
row per (kind, ref): putting it again moves it. A row that is worked or cancelled is deleted, in the
unit of work of its effect, so each is worked once and the index holds open rows only.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, select, update

from service.persistence.tables import DueRow, table_of
from service.persistence.unit_of_work import UnitOfWork

SENT_BY_WORKER = ("auto", "push")  # channels of deliveries that a gateway takes
INCIDENT, DELIVERY = "incident", "delivery"  # what can be woken (`UnitOfWork.wake`)
NEVER = datetime(9999, 1, 1, tzinfo=UTC)  # real due time of a row on hold: its work failed, a person must see to it
TAKEN = "due rows to be worked"  # in the scratch of a unit of work: their ids
PAUSED = datetime(9998, 1, 1, tzinfo=UTC)  # of a row whose clock is paused: it falls due when the clock runs again

_rows = table_of(DueRow)
_fields = (_rows.c.id, _rows.c.incident_id, _rows.c.instance_id, _rows.c.kind, _rows.c.ref)
_due = (
    select(*_fields, _rows.c.due_at, _rows.c.real_due_at)
    .where(_rows.c.is_done.is_(False), _rows.c.real_due_at <= bindparam("real_now"))
    .order_by(_rows.c.real_due_at, _rows.c.due_at, _rows.c.id)
    .limit(bindparam("most"))
)
_next = select(_rows.c.real_due_at).where(_rows.c.is_done.is_(False)).order_by(_rows.c.real_due_at).limit(1)

_first_of = select(func.min(_rows.c.due_at)).where(
    _rows.c.incident_id == bindparam("incident"), _rows.c.is_done.is_(False), _rows.c.real_due_at < NEVER
)


@dataclass(frozen=True, slots=True)
class DueItem:
    """An open due row; `ref` is what it belongs to.

    `kind` is timer | ladder | assign | message | delivery | pass | wake, of drills also simulated | hold | govern.
    """

    id: str
    incident_id: str
    instance_id: str
    kind: str
    ref: str
    due_at: datetime
    real_due_at: datetime


def put(
    uow: UnitOfWork,
    *,
    kind: str,
    ref: str,
    incident_id: str,
    due_at: datetime,
    real_due_at: datetime | None,
    instance_id: str = "",
) -> str:
    """Write or move the open row of (kind, ref) and return its id; `real_due_at` None = clock paused."""
    row: dict[str, Any] = {
        "id": row_id(kind, ref),
        "incident_id": incident_id,
        "instance_id": instance_id,
        "kind": kind,
        "ref": ref,
        "due_at": due_at,
        "real_due_at": PAUSED if real_due_at is None else real_due_at,
        "is_done": False,
    }
    if real_due_at is not None:
        uow.wake(INCIDENT, incident_id, real_due_at)
    cancel(uow, kind, ref)
    uow.pending.add(_rows, row["id"], row)
    return str(row["id"])


def row_id(kind: str, ref: str) -> str:
    """The id of the row of (kind, ref)."""
    return f"{kind}:{ref}"


def cancel(uow: UnitOfWork, kind: str, ref: str) -> None:
    """Remove the open row of (kind, ref), if there is one."""
    row = row_id(kind, ref)
    uow.pending.remove(_rows, row)
    uow.scratch.get(TAKEN, set()).discard(row)


def take(uow: UnitOfWork, rows: Sequence[str]) -> None:
    """Take rows off that are to be worked in this unit of work; `is_taken` is asked of each when its turn comes."""
    statement = delete(_rows).where(_rows.c.id.in_(rows)).returning(_rows.c.id)
    uow.scratch.setdefault(TAKEN, set()).update(uow.connection.execute(statement).scalars())


def is_taken(uow: UnitOfWork, row: str) -> bool:
    """Whether a row is to be worked now, asked once; False if it was worked, moved or cancelled: do nothing then."""
    taken: set[str] = uow.scratch.get(TAKEN, set())
    is_mine = row in taken
    taken.discard(row)
    return is_mine


def due(connection: Connection, real_now: datetime, limit: int = 100) -> list[DueItem]:
    """Rows due at a real instant, earliest first; rows due together in the order of their own clock."""
    found = connection.execute(_due, {"real_now": real_now, "most": limit})
    return [DueItem(*row) for row in found]


def next_due(connection: Connection, incident_id: str = "", *, after: datetime | None = None) -> datetime | None:
    """The earliest real due time of all open rows, or of those of an incident; None if nothing falls due by itself.

    With `after` the earliest behind an instant.
    """
    statement = _next.where(_rows.c.incident_id == incident_id) if incident_id else _next
    statement = statement.where(_rows.c.real_due_at > after) if after else statement
    earliest: datetime | None = connection.execute(statement).scalar()
    return None if earliest is None or earliest >= PAUSED else earliest


def first_of(connection: Connection, incident_id: str) -> datetime:
    """When the first row of an incident that is not on hold falls due, in its clock; NEVER if none does."""
    earliest: datetime | None = connection.execute(_first_of, {"incident": incident_id}).scalar()
    return earliest or NEVER


def open_rows(connection: Connection, incident_id: str, *, until: datetime | None = None) -> list[DueItem]:
    """Open rows of an incident, earliest of its own clock first; with `until` those that are due and not on hold."""
    statement = select(*_fields, _rows.c.due_at, _rows.c.real_due_at).where(
        _rows.c.incident_id == incident_id, _rows.c.is_done.is_(False)
    )
    if until is not None:
        statement = statement.where(_rows.c.due_at <= until, _rows.c.real_due_at < NEVER)
    return [DueItem(*row) for row in connection.execute(statement.order_by(_rows.c.due_at, _rows.c.id))]


def reschedule(uow: UnitOfWork, incident_id: str, real_of: Callable[[datetime], datetime | None]) -> int:
    """Rewrite the real due times of an incident after its clock changed; returns how many rows.

    `real_of` maps the incident's time to real time, None = paused (`VirtualClock.real_of`). Rows on hold stay on hold.
    """
    rows = [item for item in open_rows(uow.connection, incident_id) if item.real_due_at < NEVER]
    moved: Sequence[dict[str, Any]] = [{"row": item.id, "real": real_of(item.due_at) or PAUSED} for item in rows]
    if moved:
        if (earliest := min(each["real"] for each in moved)) < PAUSED:
            uow.wake(INCIDENT, incident_id, earliest)
        statement = update(_rows).where(_rows.c.id == bindparam("row")).values(real_due_at=bindparam("real"))
        uow.connection.execute(statement, moved)
    return len(moved)
