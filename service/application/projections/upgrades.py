"""An instance goes on by another version: its row, and what its open tasks and waiting events say now."""

from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from service.application.projections.registry import applies, deadline_id
from service.domain import events as ev
from service.persistence.tables import sql
from service.persistence.unit_of_work import StoredEvent


@applies(ev.InstanceUpgraded)
def instance_upgraded(connection: Connection, stored: StoredEvent, event: ev.InstanceUpgraded) -> None:
    """The version of the instance, of its incident where it is the root, and the texts of what is open."""
    instances, incidents = sql.instances, sql.incidents
    version = {"version": event.version}
    connection.execute(update(instances).where(instances.c.id == event.instance).values(version))
    root = incidents.c.root_instance == event.instance
    connection.execute(update(incidents).where(incidents.c.id == stored.stream, root).values(version))
    for task in event.tasks:
        _task(connection, stored.stream, task)
    for wait in event.waits:
        told = {name: wait[name] for name in ("trigger", "name", "expression", "listed", "role", "also")}
        is_it = sql.waits.c.id == wait["wait"]
        connection.execute(update(sql.waits).where(is_it).values(form_key=wait["form"], **told))


def _task(connection: Connection, incident: str, task: dict[str, Any]) -> None:
    """Role, form and deadline as the new version says; whoever has the task keeps it."""
    tasks, deadlines, roles = sql.tasks, sql.deadlines, sql.task_roles
    is_it = tasks.c.id == task["task"]
    found = connection.execute(select(tasks.c.organisation_id).where(is_it)).scalar()
    if found is None:
        return
    deadline = deadline_id(incident, task["rule"], task["subject"]) if task["rule"] else None
    is_running = deadlines.c.met_at.is_(None) & deadlines.c.cancelled_at.is_(None)
    due = connection.execute(select(deadlines.c.due_at).where(deadlines.c.id == deadline, is_running)).scalar()
    told = {
        "role": task["role"],
        "also": task["also"],
        "form_key": task["form"],
        "deadline_id": deadline,
        "due_at": due,
    }
    connection.execute(update(tasks).where(is_it).values(told))
    connection.execute(delete(roles).where(roles.c.task_id == task["task"]))
    for role in dict.fromkeys([task["role"], *task["also"]]):
        if role:
            connection.execute(insert(roles).values(task_id=task["task"], role=role, organisation_id=found))
