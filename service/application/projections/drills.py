"""Drills: the row beside the incident, and the incident's clock."""

from service.application.projections.registry import applies, instant
from service.domain import events as ev
from service.persistence.tables import sql
from service.persistence.unit_of_work import StoredEvent
from service.persistence.working_set import IncidentRows


@applies(ev.DrillCreated)
def drill_created(rows: IncidentRows, stored: StoredEvent, event: ev.DrillCreated) -> None:
    """A row with what the trainer chose."""
    row = {
        "id": stored.stream, "incident_id": stored.stream, "trainer": stored.actor, "seed": event.seed,
        "speed": event.speed, "is_paused": event.is_paused, "cause": "start", "slow_to": event.slow_to,
        "floor_seconds": event.floor_seconds, "on_loss": event.on_loss, "code_word": event.code_word,
        "roles": event.roles, "starts_at": instant(event.starts_at), "ended_at": None,
    }  # fmt: skip
    rows.add(sql.drills, row)


@applies(ev.DrillClockChanged)
def drill_clock_changed(rows: IncidentRows, stored: StoredEvent, event: ev.DrillClockChanged) -> None:
    """One more segment; what the trainer wants and why it runs as it does."""
    incident = rows.get(sql.incidents, stored.stream)
    held = incident["clock"] if incident else []
    rows.change(sql.incidents, stored.stream, clock=[*held, event.segment])
    rows.change(sql.drills, stored.stream, speed=event.speed, is_paused=event.is_paused, cause=event.cause)


@applies(ev.DrillSettingsChanged)
def drill_settings_changed(rows: IncidentRows, stored: StoredEvent, event: ev.DrillSettingsChanged) -> None:
    """The new settings."""
    rows.change(sql.drills, stored.stream, **event.changes)


@applies(ev.DrillRoleChanged)
def drill_role_changed(rows: IncidentRows, stored: StoredEvent, event: ev.DrillRoleChanged) -> None:
    """Who plays the role."""
    drill = rows.get(sql.drills, stored.stream)
    held = drill["roles"] if drill else {}
    rows.change(sql.drills, stored.stream, roles={**held, event.role: event.played_by})


@applies(ev.DrillEnded)
def drill_ended(rows: IncidentRows, stored: StoredEvent, _event: ev.DrillEnded) -> None:
    """When."""
    rows.change(sql.drills, stored.stream, ended_at=stored.at)
