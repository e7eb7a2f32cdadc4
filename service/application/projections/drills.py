"""Drills: the row beside the incident, and the incident's clock."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from service.application.projections.registry import applies, instant
from service.domain import events as ev
from service.domain.scenario_reading import inject_of
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
        "roles": event.roles, "scenario": event.scenario, "script": event.script, "trial": event.trial,
        "starts_at": instant(event.starts_at), "ended_at": None,
    }  # fmt: skip
    rows.add(sql.drills, row)
    for place, content in enumerate(event.script.get("injects") or []):
        _add_inject(rows, stored.stream, place, content, datetime.fromisoformat(event.starts_at))


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


@applies(ev.TrainingDrillBegun)
def training_drill_begun(rows: IncidentRows, stored: StoredEvent, event: ev.TrainingDrillBegun) -> None:
    """Which training waits for the drill."""
    rows.add(sql.drill_trainings, {"id": event.drill, "incident_id": stored.stream})


@applies(ev.DrillEnded)
def drill_ended(rows: IncidentRows, stored: StoredEvent, _event: ev.DrillEnded) -> None:
    """When."""
    rows.change(sql.drills, stored.stream, ended_at=stored.at)


@applies(ev.InjectImprovised)
def inject_improvised(rows: IncidentRows, stored: StoredEvent, event: ev.InjectImprovised) -> None:
    """One more inject, in reserve."""
    place = len(rows.where(sql.drill_injects, incident_id=stored.stream))
    _add_inject(rows, stored.stream, place, event.content, stored.at)


@applies(ev.InjectScheduled)
def inject_scheduled(rows: IncidentRows, stored: StoredEvent, event: ev.InjectScheduled) -> None:
    """When it comes."""
    rows.change(sql.drill_injects, f"{stored.stream}:{event.inject}", due_at=instant(event.due))


@applies(ev.InjectDelivered)
def inject_delivered(rows: IncidentRows, stored: StoredEvent, event: ev.InjectDelivered) -> None:
    """It came."""
    rows.change(
        sql.drill_injects, f"{stored.stream}:{event.inject}", state="sent", sent_at=stored.at, by=event.by,
        outcome=event.outcome, until=instant(event.until),
    )  # fmt: skip


@applies(ev.InjectSkipped)
def inject_skipped(rows: IncidentRows, stored: StoredEvent, event: ev.InjectSkipped) -> None:
    """It does not come."""
    rows.change(sql.drill_injects, f"{stored.stream}:{event.inject}", state="skipped", outcome=event.reason)


def _add_inject(rows: IncidentRows, drill: str, place: int, content: Mapping[str, Any], starts_at: datetime) -> None:
    inject = inject_of(content)
    trigger = inject.trigger
    row = {
        "id": f"{drill}:{inject.id}", "incident_id": drill, "inject": inject.id, "place": place, "kind": inject.kind,
        "trigger": trigger.kind, "state": "reserve" if trigger.kind == "reserve" else "pending",
        "due_at": starts_at + trigger.offset if trigger.kind in ("at", "unless") else None,
        "to": list(inject.to), "content": dict(content),
    }  # fmt: skip
    rows.add(sql.drill_injects, row)
