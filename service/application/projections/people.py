"""Persons, records and decisions: what facts are read from."""

from typing import Any

from service.application.projections.registry import applies, sealed_column
from service.domain import events as ev
from service.persistence.tables import sql
from service.persistence.unit_of_work import StoredEvent
from service.persistence.working_set import IncidentRows


@applies(ev.PersonRegistered)
def person_registered(rows: IncidentRows, stored: StoredEvent, event: ev.PersonRegistered) -> None:
    """A person of the incident; a contact or a person on site may later become a case, and counts from then."""
    values = {
        "kind": event.kind, "org_unit": event.org_unit, "case_no": event.case_no,
        "case_status": "detected" if event.kind == "case" else "", "code": event.code, "registered_at": stored.at,
        "sealed": sealed_column(stored),
    }  # fmt: skip
    if rows.change(sql.persons, event.person, **values):
        return
    row: dict[str, Any] = {
        "id": event.person, "incident_id": stored.stream, "organisation_id": event.organisation,
        "member_id": event.member or None, "instance_id": None, "is_revoked": False, "hold_leave": False,
        "is_neighbour": event.is_neighbour, "held_by": [],
    }  # fmt: skip
    rows.add(sql.persons, row | values)


@applies(ev.PersonLinked)
def person_linked(rows: IncidentRows, _stored: StoredEvent, event: ev.PersonLinked) -> None:
    """The instance that handles the case."""
    rows.change(sql.persons, event.person, instance_id=event.instance)


@applies(ev.CaseStatusChanged)
def case_status_changed(rows: IncidentRows, _stored: StoredEvent, event: ev.CaseStatusChanged) -> None:
    """Status of one case."""
    rows.change(sql.persons, event.person, case_status=event.status)


@applies(ev.CaseRevoked)
def case_revoked(rows: IncidentRows, stored: StoredEvent, event: ev.CaseRevoked) -> None:
    """The person and the records about him count no more."""
    rows.change(sql.persons, event.person, is_revoked=True)
    for record in rows.where(sql.records, incident_id=stored.stream, person_id=event.person):
        rows.change(sql.records, record["id"], is_revoked=True)


@applies(ev.PersonsHeld)
def persons_held(rows: IncidentRows, _stored: StoredEvent, event: ev.PersonsHeld) -> None:
    """May not leave, because of this case."""
    for person in event.persons:
        held = sorted({*_held_by(rows, person), event.case})
        rows.change(sql.persons, person, held_by=held, hold_leave=True)


@applies(ev.PersonsReleased)
def persons_released(rows: IncidentRows, _stored: StoredEvent, event: ev.PersonsReleased) -> None:
    """Free, unless another case still holds the person."""
    for person in event.persons:
        held = sorted(_held_by(rows, person) - {event.case})
        rows.change(sql.persons, person, held_by=held, hold_leave=bool(held))


def _held_by(rows: IncidentRows, person: str) -> set[str]:
    row = rows.get(sql.persons, person)
    return set(row["held_by"]) if row else set()


@applies(ev.RecordSaved)
def record_saved(rows: IncidentRows, stored: StoredEvent, event: ev.RecordSaved) -> None:
    """One answered view."""
    row = {
        "id": f"{stored.stream}:{stored.seq:07d}", "incident_id": stored.stream, "instance_id": stored.instance,
        "person_id": event.person or None, "form": event.form, "view": event.view, "element": stored.element,
        "task_id": event.task, "at": stored.at, "real_at": stored.real_at, "actor": stored.actor,
        "is_revoked": False, "data": event.answers, "sealed": sealed_column(stored),
    }  # fmt: skip
    rows.add(sql.records, row)


@applies(ev.DecisionMade)
def decision_made(rows: IncidentRows, stored: StoredEvent, event: ev.DecisionMade) -> None:
    """The outcome of a decision table."""
    row = {
        "id": f"{stored.stream}:{stored.seq:07d}", "incident_id": stored.stream, "instance_id": stored.instance,
        "person_id": event.person or None, "decision": event.decision, "at": stored.at, "rules": event.rules,
        "data": event.values, "sealed": sealed_column(stored),
    }  # fmt: skip
    rows.add(sql.decision_results, row)
