"""An instance goes on by another version: its row, and what its open tasks and waiting events say now."""

from typing import Any

from service.application.projections.registry import applies, deadline_id
from service.domain import events as ev
from service.persistence.tables import sql
from service.persistence.unit_of_work import StoredEvent
from service.persistence.working_set import IncidentRows


@applies(ev.InstanceUpgraded)
def instance_upgraded(rows: IncidentRows, stored: StoredEvent, event: ev.InstanceUpgraded) -> None:
    """The version of the instance, of its incident where it is the root, and the texts of what is open."""
    rows.change(sql.instances, event.instance, version=event.version)
    incident = rows.get(sql.incidents, stored.stream)
    if incident is not None and incident["root_instance"] == event.instance:
        rows.change(sql.incidents, stored.stream, version=event.version)
    for task in event.tasks:
        _task(rows, stored.stream, task)
    for wait in event.waits:
        told = {name: wait[name] for name in ("trigger", "name", "expression", "listed", "role", "also")}
        rows.change(sql.waits, wait["wait"], form_key=wait["form"], **told)


def _task(rows: IncidentRows, incident: str, task: dict[str, Any]) -> None:
    """Role, form and deadline as the new version says; whoever has the task keeps it."""
    known = rows.get(sql.tasks, task["task"])
    if known is None:
        return
    key = deadline_id(incident, task["rule"], task["subject"]) if task["rule"] else None
    deadline = rows.get(sql.deadlines, key) if key else None
    is_running = deadline is not None and deadline["met_at"] is None and deadline["cancelled_at"] is None
    rows.change(
        sql.tasks, task["task"], role=task["role"], also=task["also"], form_key=task["form"], deadline_id=key,
        due_at=deadline["due_at"] if deadline and is_running else None,
    )  # fmt: skip
    roles = sql.task_roles
    rows.remove_unread(roles, task["task"])
    for role in dict.fromkeys([task["role"], *task["also"]]):
        if role:
            shown = {"task_id": task["task"], "role": role, "organisation_id": known["organisation_id"]}
            rows.add_unread(roles, (task["task"], role), shown)
