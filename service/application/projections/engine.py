"""Processes that stopped, and what became of them."""

from service.application.projections.registry import applies
from service.domain import events as ev
from service.persistence.tables import sql
from service.persistence.unit_of_work import StoredEvent
from service.persistence.working_set import IncidentRows


@applies(ev.EngineIncidentRaised)
def engine_incident_raised(
    rows: IncidentRows, stored: StoredEvent, event: ev.EngineIncidentRaised | ev.EngineIncidentRaised1
) -> None:
    """A stuck instance; a further failure of the same one counts an attempt and opens it again."""
    said = {
        "attempts": event.attempts, "cause": event.cause, "code": getattr(event, "code", "engine_failed"),
        "state": "open", "last_at": stored.at, "resolution": "", "reason": "",
    }  # fmt: skip
    if rows.change(sql.engine_incidents, event.engine_incident, **said):
        return
    row = {
        "id": event.engine_incident, "incident_id": stored.stream, "instance_id": event.instance,
        "element": event.element, "at": stored.at, "retry": event.retry,
    }  # fmt: skip
    rows.add(sql.engine_incidents, row | said)


@applies(ev.EngineIncidentResolved)
def engine_incident_resolved(rows: IncidentRows, _stored: StoredEvent, event: ev.EngineIncidentResolved) -> None:
    """It went through."""
    _resolved(rows, event.engine_incident, "retried", "")


@applies(ev.EngineIncidentSkipped)
def engine_incident_skipped(rows: IncidentRows, _stored: StoredEvent, event: ev.EngineIncidentSkipped) -> None:
    """It went on past the element."""
    _resolved(rows, event.engine_incident, "skipped", event.reason)


@applies(ev.EngineIncidentCancelled)
def engine_incident_cancelled(rows: IncidentRows, _stored: StoredEvent, event: ev.EngineIncidentCancelled) -> None:
    """It was ended."""
    _resolved(rows, event.engine_incident, "cancelled", event.reason)


def _resolved(rows: IncidentRows, engine_incident: str, resolution: str, reason: str) -> None:
    rows.change(sql.engine_incidents, engine_incident, state="resolved", resolution=resolution, reason=reason)
