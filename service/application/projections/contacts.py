"""Contacts: one row per case and person, from the events about its lists and observation."""

from typing import Any

from service.application.projections.registry import applies, instant, sealed_column
from service.domain import events as ev
from service.persistence.tables import sql
from service.persistence.unit_of_work import StoredEvent
from service.persistence.working_set import IncidentRows


@applies(ev.ContactListed)
def contact_listed(rows: IncidentRows, stored: StoredEvent, event: ev.ContactListed) -> None:
    """On the list; a row of the initial list goes on to the final one."""
    values = {"stage": event.stage, "other_org": event.other_org, "sealed": sealed_column(stored)}
    if rows.change(sql.contacts, _key(event.case, event.person), **values):
        return
    row = {
        "id": _key(event.case, event.person), "incident_id": stored.stream, "case_id": event.case,
        "person_id": event.person, "status": "", "mode": "", "instance_id": None, "observed_from": None,
        "observed_until": None, "registered_at": stored.at,
    }  # fmt: skip
    rows.add(sql.contacts, row | values)


@applies(ev.ContactRemoved)
def contact_removed(rows: IncidentRows, _stored: StoredEvent, event: ev.ContactRemoved) -> None:
    """Off the list; the row stays, so that one sees that he was on it."""
    _change(rows, event.case, event.person, stage="removed", status="", mode="")


@applies(ev.ContactJudged)
def contact_judged(rows: IncidentRows, stored: StoredEvent, event: ev.ContactJudged) -> None:
    """Class and mode as D06 and D07, or the CDC, gave them."""
    _change(rows, event.case, event.person, mode=event.mode, sealed=sealed_column(stored))


@applies(ev.ContactStatusChanged)
def contact_status_changed(rows: IncidentRows, _stored: StoredEvent, event: ev.ContactStatusChanged) -> None:
    """Where the contact stands."""
    _change(rows, event.case, event.person, status=event.status)


@applies(ev.ContactLinked)
def contact_linked(rows: IncidentRows, _stored: StoredEvent, event: ev.ContactLinked) -> None:
    """Who observes."""
    _change(rows, event.case, event.person, instance_id=event.instance)


@applies(ev.ContactObserved)
def contact_observed(rows: IncidentRows, _stored: StoredEvent, event: ev.ContactObserved) -> None:
    """From when until when."""
    since, until = instant(event.since), instant(event.until)
    _change(rows, event.case, event.person, observed_from=since, observed_until=until)


@applies(ev.ContactHandedOver)
def contact_handed_over(rows: IncidentRows, _stored: StoredEvent, event: ev.ContactHandedOver) -> None:
    """The observation belongs to the other case; its period and status stay those of the person."""
    _change(rows, event.case, event.person, instance_id=event.instance)
    rows.change(sql.instances, event.instance, parent_id=event.parent, parent_task=event.parent_task)


def _key(case: str, person: str) -> str:
    return f"{case}:{person}"


def _change(rows: IncidentRows, case: str, person: str, **values: Any) -> None:
    rows.change(sql.contacts, _key(case, person), **values)
