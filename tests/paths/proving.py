"""That the read tables of an incident follow from its log."""

from typing import Any

from sqlalchemy import Connection, select

from service.application.projections import READ_TABLES, rebuild
from service.persistence import tables as t
from service.persistence.tables import sql
from service.persistence.unit_of_work import UnitOfWork
from tests.paths.world import World


def tables_of_incident(connection: Connection, incident: str) -> dict[str, list[dict[str, Any]]]:
    """Every read table's rows of an incident, in a stable order."""
    found: dict[str, list[dict[str, Any]]] = {}
    for model in (*READ_TABLES, t.Incident):
        table = t.table_of(model)
        owner = table.c.id if model is t.Incident else table.c.incident_id
        rows = connection.execute(select(table).where(owner == incident).order_by(*table.primary_key.columns))
        found[table.name] = [dict(row) for row in rows.mappings()]
    tasks = select(sql.tasks.c.id).where(sql.tasks.c.incident_id == incident)
    roles = select(sql.task_roles).where(sql.task_roles.c.task_id.in_(tasks))
    rows = connection.execute(roles.order_by(sql.task_roles.c.task_id, sql.task_roles.c.role))
    found["task_roles"] = [dict(row) for row in rows.mappings()]
    return found


def assert_rebuild_is_equal(world: World) -> dict[str, list[dict[str, Any]]]:
    """Empty the incident's read tables, apply its events again, compare; the result stays in place."""

    def handler(uow: UnitOfWork) -> tuple[dict[str, list[dict[str, Any]]], dict[str, list[dict[str, Any]]]]:
        before = tables_of_incident(uow.connection, world.incident)
        applied = rebuild(uow, world.incident)
        assert applied > 0
        return before, tables_of_incident(uow.connection, world.incident)

    before, after = world.app.run(handler)
    for name, rows in before.items():
        assert after[name] == rows, f"{name} differs after the rebuild"
    return before
