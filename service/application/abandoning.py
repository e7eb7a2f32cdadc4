"""Ending what stopped, from outside: an instance with all it called, or a whole incident.

An instance whose state or definition cannot be read is ended by its rows: what waits is given up one by one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import Table, select

from service.application import deadline_rows, inbox
from service.application.endings import OUTLIVING
from service.domain import events as ev
from service.domain.errors import DefinitionUnreadable, StateUnreadable
from service.engine.model import Kind
from service.persistence.tables import sql

if TYPE_CHECKING:
    from service.application.steps import Advance

CANCELLED = "cancelled"


def instance(on: Advance, row: Mapping[str, Any]) -> None:
    """End an instance and what it called."""
    if on.instance_row(row["id"])["status"] != "active":
        return
    try:
        inbox.cancel_instance(on, row)
    except (StateUnreadable, DefinitionUnreadable):
        _by_rows(on, row)


def _by_rows(on: Advance, row: Mapping[str, Any]) -> None:
    for visit in _of(on, sql.element_visits, row, sql.element_visits.c.state == "active"):
        on.record(ev.ElementCancelled(visit["id"], visit["process"], visit["element"]), row=row)
    for wait in _of(on, sql.waits, row):
        on.record(ev.WaitEnded(wait["id"], CANCELLED), row=row)
    on.record(ev.InstanceEnded(row["id"], CANCELLED, "", "", {}), row=row)
    called = select(sql.instances).where(sql.instances.c.parent_id == row["id"], sql.instances.c.status == "active")
    for child in on.uow.connection.execute(called.order_by(sql.instances.c.id)).mappings().all():
        instance(on, dict(child))


def _of(on: Advance, table: Table, row: Mapping[str, Any], *more: Any) -> list[dict[str, Any]]:
    mine = select(table).where(table.c.instance_id == row["id"], *more).order_by(table.c.id)
    return [dict(each) for each in on.uow.connection.execute(mine).mappings()]


def incident(on: Advance) -> None:
    """End every instance of an incident and close it as cancelled."""
    root = on.instance_row(on.incident["root_instance"])
    instance(on, root)
    for row in on.active_rows():
        instance(on, row)
    deadline_rows.cancel_all(on, "incident_closed", keep=OUTLIVING)
    if on.incident["closed_at"] is None:
        on.record(ev.IncidentClosed("closed", CANCELLED), row=root)
        on.incident = {**on.incident, "status": "closed", "result": CANCELLED}


def tell_caller(on: Advance, row: Mapping[str, Any]) -> None:
    """Whoever called an abandoned instance and still waits for it goes on without a result."""
    caller = on.instance_row(row["parent_id"])
    if caller["status"] != "active" or not row["parent_task"]:
        return
    node = on.assembly(caller).bundle
    is_open = any(
        page.nodes[row["parent_element"]].kind is Kind.OPEN
        for page in node.processes.values()
        if row["parent_element"] in page.nodes
    )
    payload = {
        "parent": caller["id"], "visit": row["parent_task"], "item": row["person_id"] if is_open else "",
        "result": {}, "error": "",
    }  # fmt: skip
    inbox.put(on, inbox.Effect("child_ended", f"{row['parent_task']}:{row['id']}", payload))
