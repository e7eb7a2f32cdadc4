"""Tokens, tasks and waits."""

from service.application.projections.registry import applies, deadline_id, instant
from service.domain import events as ev
from service.persistence.tables import sql
from service.persistence.unit_of_work import StoredEvent
from service.persistence.working_set import IncidentRows

OPEN = ("open", "claimed")


@applies(ev.ElementEntered)
def element_entered(rows: IncidentRows, stored: StoredEvent, event: ev.ElementEntered) -> None:
    """A token waits here."""
    rows.add(sql.element_visits, _visit(stored, event, "active"))


def _visit(stored: StoredEvent, event: ev.ElementEntered | ev.ElementCompleted, state: str) -> dict[str, object]:
    return {
        "id": event.visit, "incident_id": stored.stream, "instance_id": stored.instance, "process": event.process,
        "element": event.element, "state": state, "entered_at": stored.at,
        "left_at": None if state == "active" else stored.at,
    }  # fmt: skip


@applies(ev.ElementCompleted)
def element_completed(rows: IncidentRows, stored: StoredEvent, event: ev.ElementCompleted) -> None:
    """The token went on; nodes that never wait get their row here."""
    if event.visit in rows.ids(sql.element_visits, instance_id=stored.instance, state="active"):
        rows.change(sql.element_visits, event.visit, state="completed", left_at=stored.at)
    else:
        rows.add(sql.element_visits, _visit(stored, event, "completed"))


@applies(ev.IterationCompleted)
def iteration_completed(rows: IncidentRows, stored: StoredEvent, event: ev.IterationCompleted) -> None:
    """One turn of a repeated activity is done; its wait, where it had one, is over."""
    if event.visit in rows.ids(sql.element_visits, instance_id=stored.instance, state="active"):
        rows.change(sql.element_visits, event.visit, state="completed", left_at=stored.at)


@applies(ev.ElementCancelled)
def element_cancelled(rows: IncidentRows, stored: StoredEvent, event: ev.ElementCancelled) -> None:
    """The wait was given up, and with it an open task."""
    if event.visit in rows.ids(sql.element_visits, instance_id=stored.instance, state="active"):
        rows.change(sql.element_visits, event.visit, state="cancelled", left_at=stored.at)
    if event.visit not in rows.ids(sql.tasks, instance_id=stored.instance):
        return
    task = rows.get(sql.tasks, event.visit)
    if task is not None and task["state"] in OPEN:
        rows.change(sql.tasks, event.visit, state="cancelled", ended_at=stored.at)


@applies(ev.TaskOpened)
def task_opened(rows: IncidentRows, stored: StoredEvent, event: ev.TaskOpened) -> None:
    """A task, its roles and the due time of the deadline it shows."""
    incident = rows.get(sql.incidents, stored.stream)
    organisation = incident["organisation_id"] if incident else ""
    key = deadline_id(stored.stream, event.rule, event.subject) if event.rule else None
    deadline = rows.get(sql.deadlines, key) if key else None
    is_running = deadline is not None and deadline["met_at"] is None and deadline["cancelled_at"] is None
    row = {
        "id": event.task, "incident_id": stored.stream, "instance_id": stored.instance,
        "organisation_id": organisation, "procedure": stored.procedure, "process": event.process,
        "element": event.element, "role": event.role, "also": event.also, "form_key": event.form,
        "kind": event.kind, "state": "open", "person_id": event.person or None, "assignee": None,
        "deadline_id": key, "due_at": deadline["due_at"] if deadline and is_running else None,
        "created_at": stored.at, "ended_at": None, "completed_by": None, "done_at": None, "is_late": False,
        "late_reason": "",
    }  # fmt: skip
    rows.add(sql.tasks, row)
    rows.begin(sql.assignments, task_id=event.task)
    for role in dict.fromkeys([event.role, *event.also]):
        if role:
            shown = {"task_id": event.task, "role": role, "organisation_id": organisation}
            rows.add_unread(sql.task_roles, (event.task, role), shown)


@applies(ev.TaskClaimed)
def task_claimed(rows: IncidentRows, _stored: StoredEvent, event: ev.TaskClaimed) -> None:
    """Somebody has it."""
    rows.change(sql.tasks, event.task, state="claimed", assignee=event.assignee)


@applies(ev.TaskReleased)
def task_released(rows: IncidentRows, _stored: StoredEvent, event: ev.TaskReleased) -> None:
    """Nobody has it."""
    rows.change(sql.tasks, event.task, state="open", assignee=None)


@applies(ev.TaskDelegated)
def task_delegated(rows: IncidentRows, _stored: StoredEvent, event: ev.TaskDelegated) -> None:
    """Somebody else has it."""
    rows.change(sql.tasks, event.task, state="claimed", assignee=event.assignee)


@applies(ev.TaskCompleted)
def task_completed(rows: IncidentRows, stored: StoredEvent, event: ev.TaskCompleted) -> None:
    """Done, by whom, when, how late."""
    rows.change(
        sql.tasks, event.task, state="completed", completed_by=stored.actor, ended_at=stored.at,
        done_at=instant(event.done_at), is_late=event.late_minutes > 0, late_reason=event.late_reason,
    )  # fmt: skip


@applies(ev.WaitArmed)
def wait_armed(rows: IncidentRows, stored: StoredEvent, event: ev.WaitArmed) -> None:
    """An event waits."""
    row = {
        "id": event.wait, "incident_id": stored.stream, "instance_id": stored.instance, "process": event.process,
        "element": event.element, "trigger": event.trigger, "name": event.name, "expression": event.expression,
        "listed": event.listed, "form_key": event.form, "role": event.role, "also": event.also,
        "person_id": event.person or None, "armed_at": stored.at, "due_at": instant(event.due),
    }  # fmt: skip
    rows.add(sql.waits, row)


@applies(ev.WaitMoved)
def wait_moved(rows: IncidentRows, _stored: StoredEvent, event: ev.WaitMoved) -> None:
    """Another due time."""
    rows.change(sql.waits, event.wait, due_at=instant(event.due))


@applies(ev.WaitEnded)
def wait_ended(rows: IncidentRows, _stored: StoredEvent, event: ev.WaitEnded) -> None:
    """It waits no more."""
    rows.remove(sql.waits, event.wait)
