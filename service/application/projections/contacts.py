"""Contacts: one row per case and person, from the events about its lists and observation."""

import json
from typing import Any

from sqlalchemy import ColumnElement, Connection, insert, select, update

from service.application.projections.registry import applies, instant
from service.domain import events as ev
from service.persistence.tables import sql
from service.persistence.unit_of_work import StoredEvent


@applies(ev.ContactListed)
def contact_listed(connection: Connection, stored: StoredEvent, event: ev.ContactListed) -> None:
    """On the list; a row of the initial list goes on to the final one."""
    values = {"stage": event.stage, "other_org": event.other_org, "sealed": _sealed(stored)}
    mine = _row(event.case, event.person)
    if connection.execute(select(sql.contacts.c.id).where(mine)).first():
        connection.execute(update(sql.contacts).where(mine).values(**values))
        return
    connection.execute(
        insert(sql.contacts).values(
            id=f"{event.case}:{event.person}", incident_id=stored.stream, case_id=event.case, person_id=event.person,
            status="", mode="", instance_id=None, observed_from=None, observed_until=None, registered_at=stored.at,
            **values,
        )
    )  # fmt: skip


@applies(ev.ContactRemoved)
def contact_removed(connection: Connection, _stored: StoredEvent, event: ev.ContactRemoved) -> None:
    """Off the list; the row stays, so that one sees that he was on it."""
    _change(connection, event.case, event.person, stage="removed", status="", mode="")


@applies(ev.ContactJudged)
def contact_judged(connection: Connection, stored: StoredEvent, event: ev.ContactJudged) -> None:
    """Class and mode as D06 and D07, or the CDC, gave them."""
    _change(connection, event.case, event.person, mode=event.mode, sealed=_sealed(stored))


@applies(ev.ContactStatusChanged)
def contact_status_changed(connection: Connection, _stored: StoredEvent, event: ev.ContactStatusChanged) -> None:
    """Where the contact stands."""
    _change(connection, event.case, event.person, status=event.status)


@applies(ev.ContactLinked)
def contact_linked(connection: Connection, _stored: StoredEvent, event: ev.ContactLinked) -> None:
    """Who observes."""
    _change(connection, event.case, event.person, instance_id=event.instance)


@applies(ev.ContactObserved)
def contact_observed(connection: Connection, _stored: StoredEvent, event: ev.ContactObserved) -> None:
    """From when until when."""
    since, until = instant(event.since), instant(event.until)
    _change(connection, event.case, event.person, observed_from=since, observed_until=until)


@applies(ev.ContactHandedOver)
def contact_handed_over(connection: Connection, _stored: StoredEvent, event: ev.ContactHandedOver) -> None:
    """The observation belongs to the other case; its period and status stay those of the person."""
    _change(connection, event.case, event.person, instance_id=event.instance)
    mine = sql.instances.c.id == event.instance
    connection.execute(update(sql.instances).where(mine).values(parent_id=event.parent, parent_task=event.parent_task))


def _row(case: str, person: str) -> ColumnElement[bool]:
    return sql.contacts.c.id == f"{case}:{person}"


def _change(connection: Connection, case: str, person: str, **values: Any) -> None:
    connection.execute(update(sql.contacts).where(_row(case, person)).values(**values))


def _sealed(stored: StoredEvent) -> str:
    return json.dumps(stored.sealed, ensure_ascii=False, sort_keys=True)
