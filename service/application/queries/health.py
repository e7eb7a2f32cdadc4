"""Whether the system can do its work: database, schema, and nothing long overdue."""

from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from service.persistence import tables as t
from service.persistence.database import Database

# Due work is looked at every second or so; rows this long overdue mean that nobody works them.
STANDSTILL = timedelta(minutes=5)


def readiness(database: Database, *, now: datetime) -> dict[str, bool]:
    """`database`: it can be read; `schema`: our newest tables are there; `worker`: due rows are being worked."""
    due = t.table_of(t.DueRow)
    found = {"database": False, "schema": False, "worker": False}
    try:
        with database.read() as connection:
            connection.execute(select(1))
            found["database"] = True
            connection.execute(select(t.table_of(t.Attachment).c.id).limit(1))
            oldest = connection.execute(select(func.min(due.c.real_due_at)).where(due.c.is_done.is_(False))).scalar()
            found["schema"] = True
            found["worker"] = oldest is None or oldest > now - STANDSTILL
    except SQLAlchemyError:
        return found
    return found


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
