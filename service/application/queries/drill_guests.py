"""Who asked to take part in a drill, and how people come in, as its trainer sees it."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from service.application.queries.reader import Reader
from service.domain.access import Action
from service.persistence.tables import sql


@dataclass(frozen=True, slots=True)
class GuestRow:
    """Somebody who asked; `state` is waiting | in | refused."""

    id: str
    name: str
    wish: str
    state: str
    role: str
    role_label: str
    asked_at: datetime


@dataclass(frozen=True, slots=True)
class Door:
    """The PIN and until when it counts; "" while the door is shut."""

    pin: str
    until: datetime | None


def door(reader: Reader, drill: str) -> Door:
    """The way in. Raises NoSuch, NotAllowed."""
    reader.incident(drill, Action.DRILL_CONTROL)
    table = sql.drill_doors
    mine = select(table).where(table.c.drill_id == drill, table.c.open_until > reader.now)
    row = next(iter(reader.rows(mine)), None)
    return Door(row["pin"], row["open_until"]) if row else Door("", None)


def guests(reader: Reader, drill: str) -> tuple[GuestRow, ...]:
    """Everybody who asked, those who wait first. Raises NoSuch, NotAllowed."""
    reader.incident(drill, Action.DRILL_CONTROL)
    table = sql.drill_guests
    rows = reader.rows(select(table).where(table.c.drill_id == drill).order_by(table.c.asked_at, table.c.id))
    found = [
        GuestRow(
            row["id"], row["name"], row["wish"], row["state"], row["role"],
            reader.label("role", row["role"]) if row["role"] else "", row["asked_at"],
        )
        for row in rows
    ]  # fmt: skip
    return tuple(sorted(found, key=lambda each: ("waiting", "in", "refused").index(each.state)))


def number_of(connection: Connection, drill: str) -> str:
    """The number of a drill: all that is shown of it before a name is given."""
    table = sql.incidents
    return str(connection.execute(select(table.c.number).where(table.c.id == drill)).scalar_one())
