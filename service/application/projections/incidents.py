"""Incidents, instances and deadlines."""

from collections.abc import Iterable
from typing import Any

from service.application.projections.registry import applies, instant
from service.domain import events as ev
from service.persistence.pending import Row
from service.persistence.tables import sql
from service.persistence.unit_of_work import StoredEvent
from service.persistence.working_set import IncidentRows


def _status(rows: IncidentRows, stored: StoredEvent, status: str) -> None:
    row = {"incident_id": stored.stream, "seq": stored.seq, "status": status, "at": stored.at}
    rows.add_unread(sql.status_changes, (stored.stream, stored.seq), row)


@applies(ev.IncidentOpened)
def incident_opened(rows: IncidentRows, stored: StoredEvent, event: ev.IncidentOpened) -> None:
    """A row with status detected."""
    row = {
        "id": stored.stream, "number": event.number, "organisation_id": event.organisation,
        "procedure": event.procedure, "version": event.version, "kind": event.kind, "status": "detected",
        "result": "", "place": event.place, "opened_at": stored.at, "closed_at": None, "opened_by": stored.actor,
        "root_instance": event.root_instance, "policies": event.policies, "clock": event.clock,
    }  # fmt: skip
    rows.add(sql.incidents, row)
    _status(rows, stored, "detected")


@applies(ev.IncidentStatusChanged)
def incident_status_changed(rows: IncidentRows, stored: StoredEvent, event: ev.IncidentStatusChanged) -> None:
    """The new status, and the history of it."""
    rows.change(sql.incidents, stored.stream, status=event.status)
    _status(rows, stored, event.status)


@applies(ev.IncidentClosed)
def incident_closed(rows: IncidentRows, stored: StoredEvent, event: ev.IncidentClosed) -> None:
    """Closed with its result."""
    rows.change(sql.incidents, stored.stream, status=event.status, result=event.result, closed_at=stored.at)
    _status(rows, stored, event.status)
    _abandon_reports(rows, rows.where(sql.reports, incident_id=stored.stream))


def _abandon_reports(rows: IncidentRows, reports: Iterable[Row]) -> None:
    """Reports that were drafted, perhaps signed, and will not be sent any more."""
    for report in reports:
        if report["state"] in {"draft", "signed"}:
            rows.change(sql.reports, report["id"], state="cancelled")


@applies(ev.PolicyApplied)
def policy_applied(rows: IncidentRows, stored: StoredEvent, event: ev.PolicyApplied) -> None:
    """The new values in the snapshot."""
    incident = rows.get(sql.incidents, stored.stream)
    held = incident["policies"] if incident else {}
    taken = {key: change["new"] for key, change in event.changes.items()}
    rows.change(sql.incidents, stored.stream, policies={**held, **taken})


@applies(ev.InstanceStarted)
def instance_started(rows: IncidentRows, stored: StoredEvent, event: ev.InstanceStarted) -> None:
    """A row per instance."""
    row = {
        "id": event.instance, "incident_id": stored.stream, "procedure": event.procedure, "process": event.process,
        "version": event.version, "parent_id": event.parent or None, "parent_element": event.parent_element,
        "parent_task": event.parent_task, "person_id": event.person or None, "status": "active",
        "inputs": event.inputs, "result": {}, "started_at": stored.at, "ended_at": None,
    }  # fmt: skip
    rows.add(sql.instances, row)
    rows.begin(sql.element_visits, instance_id=event.instance, state="active")
    rows.begin(sql.tasks, instance_id=event.instance)


@applies(ev.InstanceEnded)
def instance_ended(rows: IncidentRows, stored: StoredEvent, event: ev.InstanceEnded) -> None:
    """Status and result."""
    rows.change(sql.instances, event.instance, status=event.status, result=event.result, ended_at=stored.at)
    if event.status == "cancelled":
        _abandon_reports(rows, rows.where(sql.reports, instance_id=event.instance))
    for stuck in rows.where(sql.engine_incidents, instance_id=event.instance, state="open"):
        rows.change(sql.engine_incidents, stuck["id"], state="resolved", resolution="gone")


@applies(ev.DeadlineStarted)
def deadline_started(rows: IncidentRows, stored: StoredEvent, event: ev.DeadlineStarted) -> None:
    """A row, and its due time on the open tasks that show it."""
    row = {
        "id": event.deadline, "incident_id": stored.stream, "instance_id": stored.instance, "rule": event.rule,
        "subject": event.subject, "started_at": instant(event.start), "due_at": instant(event.due), "level": -1,
        "met_at": None, "met_by": "", "cancelled_at": None, "late_minutes": 0, "reason": "",
    }  # fmt: skip
    rows.add(sql.deadlines, row)
    _show_due(rows, event.deadline, event.due)


def _show_due(rows: IncidentRows, deadline: str, due: str | None) -> None:
    for task in rows.where(sql.tasks, deadline_id=deadline):
        if task["state"] in {"open", "claimed"}:
            rows.change(sql.tasks, task["id"], due_at=instant(due))


@applies(ev.DeadlineMoved)
def deadline_moved(rows: IncidentRows, _stored: StoredEvent, event: ev.DeadlineMoved) -> None:
    """Another due time. With a new start it runs anew; with the old one the levels reached stand."""
    anew: dict[str, Any] = {
        "started_at": instant(event.start), "met_at": None, "met_by": "", "cancelled_at": None, "level": -1,
        "late_minutes": 0, "reason": "",
    }  # fmt: skip
    held = rows.get(sql.deadlines, event.deadline)
    is_restart = held is not None and held["started_at"] != instant(event.start)
    rows.change(sql.deadlines, event.deadline, due_at=instant(event.due), **(anew if is_restart else {}))
    _show_due(rows, event.deadline, event.due)


@applies(ev.DeadlineMet)
def deadline_met(rows: IncidentRows, _stored: StoredEvent, event: ev.DeadlineMet) -> None:
    """When, by what, how late."""
    rows.change(
        sql.deadlines, event.deadline, met_at=instant(event.met_at), met_by=event.by,
        late_minutes=event.late_minutes, reason=event.reason,
    )  # fmt: skip
    _show_due(rows, event.deadline, None)


@applies(ev.DeadlineCancelled)
def deadline_cancelled(rows: IncidentRows, stored: StoredEvent, event: ev.DeadlineCancelled) -> None:
    """The duty fell away."""
    rows.change(sql.deadlines, event.deadline, cancelled_at=stored.at, reason=event.reason)
    _show_due(rows, event.deadline, None)


@applies(ev.DeadlineEscalated)
def deadline_escalated(rows: IncidentRows, _stored: StoredEvent, event: ev.DeadlineEscalated) -> None:
    """The highest level reached."""
    rows.change(sql.deadlines, event.deadline, level=event.level)
