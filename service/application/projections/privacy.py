"""What was shown of persons, access without a task, and exports that need a second person."""

from service.application.projections.registry import applies, instant
from service.domain import events as ev
from service.persistence.tables import sql
from service.persistence.unit_of_work import StoredEvent
from service.persistence.working_set import IncidentRows


@applies(ev.PersonRevealed)
def person_revealed(rows: IncidentRows, stored: StoredEvent, event: ev.PersonRevealed) -> None:
    """The last one of an account and person counts."""
    key = f"{stored.stream}:{stored.actor}:{event.person}"
    shown = {"fields": event.fields, "until": instant(event.until)}
    if rows.change(sql.person_reveals, key, **shown):
        return
    row = {"id": key, "incident_id": stored.stream, "account_id": stored.actor, "person_id": event.person, **shown}
    rows.add(sql.person_reveals, row)


@applies(ev.BreakGlassOpened)
def break_glass_opened(rows: IncidentRows, stored: StoredEvent, event: ev.BreakGlassOpened) -> None:
    """In force until its time, or until it is ended."""
    row = {
        "id": event.grant, "incident_id": stored.stream, "account_id": stored.actor, "opened_at": stored.real_at,
        "until": instant(event.until), "ended_at": None,
    }  # fmt: skip
    rows.add(sql.break_glass, row)


@applies(ev.BreakGlassEnded)
def break_glass_ended(rows: IncidentRows, stored: StoredEvent, event: ev.BreakGlassEnded) -> None:
    """Nothing can be seen under it any more."""
    rows.change(sql.break_glass, event.grant, ended_at=stored.real_at)


@applies(ev.ExportAsked)
def export_asked(rows: IncidentRows, stored: StoredEvent, event: ev.ExportAsked) -> None:
    """Waits for a second person."""
    row = {
        "id": event.export, "incident_id": stored.stream, "kind": event.kind, "key": event.key,
        "purpose": event.purpose, "fields": event.fields, "rows": event.rows, "state": "asked",
        "asked_by": stored.actor, "asked_at": stored.real_at, "decided_by": "",
    }  # fmt: skip
    rows.add(sql.export_requests, row)


@applies(ev.ExportDecided)
def export_decided(rows: IncidentRows, stored: StoredEvent, event: ev.ExportDecided) -> None:
    """Approved or refused."""
    state = "approved" if event.is_approved else "refused"
    rows.change(sql.export_requests, event.export, state=state, decided_by=stored.actor)


@applies(ev.ExportMade)
def export_made(rows: IncidentRows, _stored: StoredEvent, event: ev.ExportMade) -> None:
    """An approval serves once."""
    rows.change(sql.export_requests, event.export, state="made")
