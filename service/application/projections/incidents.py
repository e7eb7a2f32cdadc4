"""Incidents, instances, deadlines and engine incidents."""

from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, insert, select, update

from service.application.projections.registry import applies, change, instant
from service.domain import events as ev
from service.persistence.tables import sql
from service.persistence.unit_of_work import StoredEvent


def _status(connection: Connection, stored: StoredEvent, status: str) -> None:
    connection.execute(
        insert(sql.status_changes).values(incident_id=stored.stream, seq=stored.seq, status=status, at=stored.at)
    )


@applies(ev.IncidentOpened)
def incident_opened(connection: Connection, stored: StoredEvent, event: ev.IncidentOpened) -> None:
    """A row with status detected."""
    connection.execute(
        insert(sql.incidents).values(
            id=stored.stream, number=event.number, organisation_id=event.organisation, procedure=event.procedure,
            version=event.version, kind=event.kind, status="detected", result="", place=event.place,
            opened_at=stored.at, closed_at=None, opened_by=stored.actor, root_instance=event.root_instance,
            policies=event.policies, clock=event.clock,
        )
    )  # fmt: skip
    _status(connection, stored, "detected")


@applies(ev.IncidentStatusChanged)
def incident_status_changed(connection: Connection, stored: StoredEvent, event: ev.IncidentStatusChanged) -> None:
    """The new status, and the history of it."""
    connection.execute(update(sql.incidents).where(sql.incidents.c.id == stored.stream).values(status=event.status))
    _status(connection, stored, event.status)


@applies(ev.IncidentClosed)
def incident_closed(connection: Connection, stored: StoredEvent, event: ev.IncidentClosed) -> None:
    """Closed with its result."""
    connection.execute(
        update(sql.incidents)
        .where(sql.incidents.c.id == stored.stream)
        .values(status=event.status, result=event.result, closed_at=stored.at)
    )
    _status(connection, stored, event.status)
    _abandon_reports(connection, sql.reports.c.incident_id == stored.stream)


def _abandon_reports(connection: Connection, which: ColumnElement[bool]) -> None:
    """Reports that were drafted, perhaps signed, and will not be sent any more."""
    is_unsent = sql.reports.c.state.in_(("draft", "signed"))
    connection.execute(update(sql.reports).where(which, is_unsent).values(state="cancelled"))


@applies(ev.PolicyApplied)
def policy_applied(connection: Connection, stored: StoredEvent, event: ev.PolicyApplied) -> None:
    """The new values in the snapshot."""
    is_it = sql.incidents.c.id == stored.stream
    held = connection.execute(select(sql.incidents.c.policies).where(is_it)).scalar_one()
    taken = {key: change["new"] for key, change in event.changes.items()}
    connection.execute(update(sql.incidents).where(is_it).values(policies={**held, **taken}))


@applies(ev.InstanceStarted)
def instance_started(connection: Connection, stored: StoredEvent, event: ev.InstanceStarted) -> None:
    """A row per instance."""
    connection.execute(
        insert(sql.instances).values(
            id=event.instance, incident_id=stored.stream, procedure=event.procedure, process=event.process,
            version=event.version, parent_id=event.parent or None, parent_element=event.parent_element,
            parent_task=event.parent_task, person_id=event.person or None, status="active", inputs=event.inputs,
            result={}, started_at=stored.at, ended_at=None,
        )
    )  # fmt: skip


@applies(ev.InstanceEnded)
def instance_ended(connection: Connection, stored: StoredEvent, event: ev.InstanceEnded) -> None:
    """Status and result."""
    connection.execute(
        update(sql.instances)
        .where(sql.instances.c.id == event.instance)
        .values(status=event.status, result=event.result, ended_at=stored.at)
    )
    if event.status == "cancelled":
        _abandon_reports(connection, sql.reports.c.instance_id == event.instance)
    failed = sql.engine_incidents.c
    stuck = (failed.instance_id == event.instance) & (failed.state == "open")
    gone = {"state": "resolved", "resolution": "gone"}
    connection.execute(update(sql.engine_incidents).where(stuck).values(gone))


@applies(ev.DeadlineStarted)
def deadline_started(connection: Connection, stored: StoredEvent, event: ev.DeadlineStarted) -> None:
    """A row, and its due time on the open tasks that show it."""
    connection.execute(
        insert(sql.deadlines).values(
            id=event.deadline, incident_id=stored.stream, instance_id=stored.instance, rule=event.rule,
            subject=event.subject, started_at=instant(event.start), due_at=instant(event.due), level=-1, met_at=None,
            met_by="", cancelled_at=None, late_minutes=0, reason="",
        )
    )  # fmt: skip
    _show_due(connection, event.deadline, event.due)


_show = (
    update(sql.tasks)
    .where(sql.tasks.c.deadline_id == bindparam("deadline"), sql.tasks.c.state.in_(("open", "claimed")))
    .values(due_at=bindparam("due"))
)


def _show_due(connection: Connection, deadline: str, due: str | None) -> None:
    connection.execute(_show, {"deadline": deadline, "due": instant(due)})


def _deadline(connection: Connection, deadline: str, **values: Any) -> None:
    change(connection, sql.deadlines, deadline, **values)


@applies(ev.DeadlineMoved)
def deadline_moved(connection: Connection, _stored: StoredEvent, event: ev.DeadlineMoved) -> None:
    """Another due time. With a new start it runs anew; with the old one the levels reached stand."""
    held = select(sql.deadlines.c.started_at).where(sql.deadlines.c.id == event.deadline)
    anew: dict[str, Any] = {
        "started_at": instant(event.start), "met_at": None, "met_by": "", "cancelled_at": None, "level": -1,
        "late_minutes": 0, "reason": "",
    }  # fmt: skip
    is_restart = connection.execute(held).scalar_one() != instant(event.start)
    _deadline(connection, event.deadline, due_at=instant(event.due), **(anew if is_restart else {}))
    _show_due(connection, event.deadline, event.due)


@applies(ev.DeadlineMet)
def deadline_met(connection: Connection, _stored: StoredEvent, event: ev.DeadlineMet) -> None:
    """When, by what, how late."""
    _deadline(
        connection, event.deadline, met_at=instant(event.met_at), met_by=event.by,
        late_minutes=event.late_minutes, reason=event.reason,
    )  # fmt: skip
    _show_due(connection, event.deadline, None)


@applies(ev.DeadlineCancelled)
def deadline_cancelled(connection: Connection, stored: StoredEvent, event: ev.DeadlineCancelled) -> None:
    """The duty fell away."""
    _deadline(connection, event.deadline, cancelled_at=stored.at, reason=event.reason)
    _show_due(connection, event.deadline, None)


@applies(ev.DeadlineEscalated)
def deadline_escalated(connection: Connection, _stored: StoredEvent, event: ev.DeadlineEscalated) -> None:
    """The highest level reached."""
    _deadline(connection, event.deadline, level=event.level)
