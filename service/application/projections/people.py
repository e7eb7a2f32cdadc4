"""Persons, records and decisions: what facts are read from."""

import json

from sqlalchemy import Connection, insert, select, update

from service.application.projections.registry import add, applies
from service.domain import events as ev
from service.persistence.tables import sql
from service.persistence.unit_of_work import StoredEvent


def _sealed(stored: StoredEvent) -> str:
    return json.dumps(stored.sealed, ensure_ascii=False, sort_keys=True)


@applies(ev.PersonRegistered)
def person_registered(connection: Connection, stored: StoredEvent, event: ev.PersonRegistered) -> None:
    """A person of the incident; a contact or a person on site may later become a case, and counts from then."""
    values = {
        "kind": event.kind, "org_unit": event.org_unit, "case_no": event.case_no,
        "case_status": "detected" if event.kind == "case" else "",
    }  # fmt: skip
    known = connection.execute(select(sql.persons.c.id).where(sql.persons.c.id == event.person)).first()
    if known:
        values |= {"code": event.code, "registered_at": stored.at, "sealed": _sealed(stored)}
        connection.execute(update(sql.persons).where(sql.persons.c.id == event.person).values(**values))
        return
    connection.execute(
        insert(sql.persons).values(
            id=event.person, incident_id=stored.stream, organisation_id=event.organisation,
            member_id=event.member or None, code=event.code, instance_id=None, registered_at=stored.at,
            is_revoked=False, hold_leave=False, is_neighbour=event.is_neighbour, held_by=[], sealed=_sealed(stored),
            **values,
        )
    )  # fmt: skip


@applies(ev.PersonLinked)
def person_linked(connection: Connection, _stored: StoredEvent, event: ev.PersonLinked) -> None:
    """The instance that handles the case."""
    connection.execute(update(sql.persons).where(sql.persons.c.id == event.person).values(instance_id=event.instance))


@applies(ev.CaseStatusChanged)
def case_status_changed(connection: Connection, _stored: StoredEvent, event: ev.CaseStatusChanged) -> None:
    """Status of one case."""
    connection.execute(update(sql.persons).where(sql.persons.c.id == event.person).values(case_status=event.status))


@applies(ev.CaseRevoked)
def case_revoked(connection: Connection, stored: StoredEvent, event: ev.CaseRevoked) -> None:
    """The person and the records about him count no more."""
    connection.execute(update(sql.persons).where(sql.persons.c.id == event.person).values(is_revoked=True))
    connection.execute(
        update(sql.records)
        .where(sql.records.c.incident_id == stored.stream, sql.records.c.person_id == event.person)
        .values(is_revoked=True)
    )


@applies(ev.PersonsHeld)
def persons_held(connection: Connection, _stored: StoredEvent, event: ev.PersonsHeld) -> None:
    """May not leave, because of this case."""
    for person in event.persons:
        row = connection.execute(select(sql.persons.c.held_by).where(sql.persons.c.id == person)).first()
        held = sorted({*(row[0] if row else ()), event.case})
        connection.execute(update(sql.persons).where(sql.persons.c.id == person).values(held_by=held, hold_leave=True))


@applies(ev.PersonsReleased)
def persons_released(connection: Connection, _stored: StoredEvent, event: ev.PersonsReleased) -> None:
    """Free, unless another case still holds the person."""
    for person in event.persons:
        row = connection.execute(select(sql.persons.c.held_by).where(sql.persons.c.id == person)).first()
        held = sorted(set(row[0] if row else ()) - {event.case})
        connection.execute(
            update(sql.persons).where(sql.persons.c.id == person).values(held_by=held, hold_leave=bool(held))
        )


@applies(ev.RecordSaved)
def record_saved(connection: Connection, stored: StoredEvent, event: ev.RecordSaved) -> None:
    """One answered view."""
    add(
        connection, sql.records,
        id=f"{stored.stream}:{stored.seq:07d}", incident_id=stored.stream, instance_id=stored.instance,
        person_id=event.person or None, form=event.form, view=event.view, element=stored.element,
        task_id=event.task, at=stored.at, real_at=stored.real_at, actor=stored.actor, is_revoked=False,
        data=event.answers, sealed=_sealed(stored),
    )  # fmt: skip


@applies(ev.DecisionMade)
def decision_made(connection: Connection, stored: StoredEvent, event: ev.DecisionMade) -> None:
    """The outcome of a decision table."""
    connection.execute(
        insert(sql.decision_results).values(
            id=f"{stored.stream}:{stored.seq:07d}", incident_id=stored.stream, instance_id=stored.instance,
            person_id=event.person or None, decision=event.decision, at=stored.at, rules=event.rules,
            data=event.values, sealed=_sealed(stored),
        )
    )  # fmt: skip
