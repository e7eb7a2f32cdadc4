"""Whether the read tables of a stream are what its log makes of them."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, select

from service.application.projections import READ_TABLES, ROSTER_TABLES, rebuild, rebuild_roster
from service.application.projections.duty import STREAM_PREFIX
from service.persistence.tables import sql, table_of
from service.persistence.unit_of_work import UnitOfWork

Rows = dict[str, list[dict[str, Any]]]


def rows_of_incident(connection: Connection, incident: str) -> Rows:
    """Every read table's rows of an incident, in a stable order."""
    tables = [table_of(each) for each in READ_TABLES]
    found = {table.name: _read(connection, table, table.c.incident_id == incident) for table in tables}
    found["incidents"] = _read(connection, sql.incidents, sql.incidents.c.id == incident)
    tasks = select(sql.tasks.c.id).where(sql.tasks.c.incident_id == incident)
    found["task_roles"] = _read(connection, sql.task_roles, sql.task_roles.c.task_id.in_(tasks))
    return found


def rows_of_roster(connection: Connection, stream: str) -> Rows:
    """The same of the roster of an organisation."""
    organisation = stream.removeprefix(STREAM_PREFIX)
    tables = [table_of(each) for each in ROSTER_TABLES]
    found = {table.name: _read(connection, table, table.c.organisation_id == organisation) for table in tables}
    own = select(sql.shifts.c.id).where(sql.shifts.c.organisation_id == organisation)
    found["shift_people"] = _read(connection, sql.shift_people, sql.shift_people.c.shift_id.in_(own))
    return found


def differing(uow: UnitOfWork, stream: str) -> tuple[str, ...]:
    """Build the read tables of a stream again and name those that come out differently; to be rehearsed."""
    is_roster = stream.startswith(STREAM_PREFIX)
    read, build = (rows_of_roster, rebuild_roster) if is_roster else (rows_of_incident, rebuild)
    before = read(uow.connection, stream)
    build(uow, stream)
    after = read(uow.connection, stream)
    return tuple(_different(before, after))


def _different(before: Rows, after: Rows) -> Iterator[str]:
    yield from (name for name, rows in before.items() if after[name] != rows)


def _read(connection: Connection, table: Any, where: Any) -> list[dict[str, Any]]:
    found = connection.execute(select(table).where(where).order_by(*table.primary_key.columns))
    return [dict(row) for row in found.mappings()]
