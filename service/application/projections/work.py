"""Tokens, tasks and waits."""

from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from service.application.projections.registry import add, applies, change, deadline_id, instant
from service.domain import events as ev
from service.persistence.tables import sql
from service.persistence.unit_of_work import StoredEvent

OPEN = ("open", "claimed")


@applies(ev.ElementEntered)
def element_entered(connection: Connection, stored: StoredEvent, event: ev.ElementEntered) -> None:
    """A token waits here."""
    connection.execute(
        insert(sql.element_visits).values(
            id=event.visit, incident_id=stored.stream, instance_id=stored.instance, process=event.process,
            element=event.element, state="active", entered_at=stored.at, left_at=None,
        )
    )  # fmt: skip


@applies(ev.ElementCompleted)
def element_completed(connection: Connection, stored: StoredEvent, event: ev.ElementCompleted) -> None:
    """The token went on; nodes that never wait get their row here."""
    if not change(connection, sql.element_visits, event.visit, state="completed", left_at=stored.at):
        add(
            connection, sql.element_visits, id=event.visit, incident_id=stored.stream, instance_id=stored.instance,
            process=event.process, element=event.element, state="completed", entered_at=stored.at, left_at=stored.at,
        )  # fmt: skip


@applies(ev.IterationCompleted)
def iteration_completed(connection: Connection, stored: StoredEvent, event: ev.IterationCompleted) -> None:
    """One turn of a repeated activity is done; its wait, where it had one, is over."""
    change(connection, sql.element_visits, event.visit, state="completed", left_at=stored.at)


@applies(ev.ElementCancelled)
def element_cancelled(connection: Connection, stored: StoredEvent, event: ev.ElementCancelled) -> None:
    """The wait was given up, and with it an open task."""
    connection.execute(
        update(sql.element_visits)
        .where(sql.element_visits.c.id == event.visit)
        .values(state="cancelled", left_at=stored.at)
    )
    connection.execute(
        update(sql.tasks)
        .where(sql.tasks.c.id == event.visit, sql.tasks.c.state.in_(OPEN))
        .values(state="cancelled", ended_at=stored.at)
    )


@applies(ev.TaskOpened)
def task_opened(connection: Connection, stored: StoredEvent, event: ev.TaskOpened) -> None:
    """A task, its roles and the due time of the deadline it shows."""
    organisation = connection.execute(
        select(sql.incidents.c.organisation_id).where(sql.incidents.c.id == stored.stream)
    ).scalar_one()
    deadline = deadline_id(stored.stream, event.rule, event.subject) if event.rule else None
    is_running = sql.deadlines.c.met_at.is_(None) & sql.deadlines.c.cancelled_at.is_(None)
    mine = (sql.deadlines.c.id == deadline) & is_running
    due = connection.execute(select(sql.deadlines.c.due_at).where(mine)).scalar()
    connection.execute(
        insert(sql.tasks).values(
            id=event.task, incident_id=stored.stream, instance_id=stored.instance, organisation_id=organisation,
            procedure=stored.procedure, process=event.process, element=event.element, role=event.role,
            also=event.also, form_key=event.form, kind=event.kind, state="open", person_id=event.person or None,
            assignee=None, deadline_id=deadline, due_at=due, created_at=stored.at, ended_at=None, completed_by=None,
            done_at=None, is_late=False, late_reason="",
        )
    )  # fmt: skip
    roles = dict.fromkeys([event.role, *event.also])
    rows = [{"task_id": event.task, "role": role, "organisation_id": organisation} for role in roles if role]
    if rows:
        connection.execute(insert(sql.task_roles), rows)


def _task(connection: Connection, task: str, **values: Any) -> None:
    change(connection, sql.tasks, task, **values)


@applies(ev.TaskClaimed)
def task_claimed(connection: Connection, _stored: StoredEvent, event: ev.TaskClaimed) -> None:
    """Somebody has it."""
    _task(connection, event.task, state="claimed", assignee=event.assignee)


@applies(ev.TaskReleased)
def task_released(connection: Connection, _stored: StoredEvent, event: ev.TaskReleased) -> None:
    """Nobody has it."""
    _task(connection, event.task, state="open", assignee=None)


@applies(ev.TaskDelegated)
def task_delegated(connection: Connection, _stored: StoredEvent, event: ev.TaskDelegated) -> None:
    """Somebody else has it."""
    _task(connection, event.task, state="claimed", assignee=event.assignee)


@applies(ev.TaskCompleted)
def task_completed(connection: Connection, stored: StoredEvent, event: ev.TaskCompleted) -> None:
    """Done, by whom, when, how late."""
    _task(
        connection, event.task, state="completed", completed_by=stored.actor, ended_at=stored.at,
        done_at=instant(event.done_at), is_late=event.late_minutes > 0, late_reason=event.late_reason,
    )  # fmt: skip


@applies(ev.WaitArmed)
def wait_armed(connection: Connection, stored: StoredEvent, event: ev.WaitArmed) -> None:
    """An event waits."""
    connection.execute(
        insert(sql.waits).values(
            id=event.wait, incident_id=stored.stream, instance_id=stored.instance, process=event.process,
            element=event.element, trigger=event.trigger, name=event.name, expression=event.expression,
            listed=event.listed, form_key=event.form, role=event.role, also=event.also,
            person_id=event.person or None, armed_at=stored.at, due_at=instant(event.due),
        )
    )  # fmt: skip


@applies(ev.WaitMoved)
def wait_moved(connection: Connection, _stored: StoredEvent, event: ev.WaitMoved) -> None:
    """Another due time."""
    connection.execute(update(sql.waits).where(sql.waits.c.id == event.wait).values(due_at=instant(event.due)))


@applies(ev.WaitEnded)
def wait_ended(connection: Connection, _stored: StoredEvent, event: ev.WaitEnded) -> None:
    """It waits no more."""
    connection.execute(delete(sql.waits).where(sql.waits.c.id == event.wait))
