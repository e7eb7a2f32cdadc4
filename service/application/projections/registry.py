"""One registry from event type to the function that applies it."""

from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Insert, Table, Update, bindparam, insert, update

from service.domain.events import Event
from service.persistence.unit_of_work import StoredEvent

Applier = Callable[[Connection, StoredEvent, Any], None]
APPLIERS: dict[str, Applier] = {}


def applies(event: type[Event]) -> Callable[[Applier], Applier]:
    """Register the applier of an event class."""

    def register(function: Applier) -> Applier:
        APPLIERS[event.type] = function
        return function

    return register


def instant(text: str | None) -> datetime | None:
    """An instant of an event's data."""
    return datetime.fromisoformat(text) if text else None


@cache
def _changing(table: Table, names: tuple[str, ...]) -> Update:
    values: dict[str, Any] = {name: bindparam(f"new_{name}") for name in names}
    return update(table).where(table.c.id == bindparam("row_id")).values(values)


@cache
def _adding(table: Table) -> Insert:
    return insert(table)


def change(connection: Connection, table: Table, row_id: str, **values: Any) -> bool:
    """Change columns of the row with this id by a statement that is built once; False if there is none."""
    new = {f"new_{name}": value for name, value in values.items()}
    return connection.execute(_changing(table, tuple(values)), {"row_id": row_id, **new}).rowcount > 0


def add(connection: Connection, table: Table, **values: Any) -> None:
    """Add a row by a statement that is built once."""
    connection.execute(_adding(table), values)


def deadline_id(incident: str, rule: str, subject: str) -> str:
    """Id of the deadline row of a rule and subject; there is one per incident."""
    return f"{incident}:{rule}:{subject}"
