"""Processes that stopped, and what became of them."""

from sqlalchemy import Connection, insert, select, update

from service.application.projections.registry import applies
from service.domain import events as ev
from service.persistence.tables import sql
from service.persistence.unit_of_work import StoredEvent


@applies(ev.EngineIncidentRaised)
def engine_incident_raised(
    connection: Connection, stored: StoredEvent, event: ev.EngineIncidentRaised | ev.EngineIncidentRaised1
) -> None:
    """A stuck instance; a further failure of the same one counts an attempt and opens it again."""
    code = getattr(event, "code", "engine_failed")
    table = sql.engine_incidents
    mine = table.c.id == event.engine_incident
    if connection.execute(select(table.c.id).where(mine)).first():
        again = {
            "attempts": event.attempts, "cause": event.cause, "code": code, "state": "open", "last_at": stored.at,
            "resolution": "", "reason": "",
        }  # fmt: skip
        connection.execute(update(table).where(mine).values(again))
        return
    connection.execute(
        insert(table).values(
            id=event.engine_incident, incident_id=stored.stream, instance_id=event.instance, element=event.element,
            cause=event.cause, code=code, state="open", resolution="", reason="", attempts=event.attempts,
            at=stored.at, last_at=stored.at, retry=event.retry,
        )
    )  # fmt: skip


@applies(ev.EngineIncidentResolved)
def engine_incident_resolved(connection: Connection, _stored: StoredEvent, event: ev.EngineIncidentResolved) -> None:
    """It went through."""
    _resolved(connection, event.engine_incident, "retried", "")


@applies(ev.EngineIncidentSkipped)
def engine_incident_skipped(connection: Connection, _stored: StoredEvent, event: ev.EngineIncidentSkipped) -> None:
    """It went on past the element."""
    _resolved(connection, event.engine_incident, "skipped", event.reason)


@applies(ev.EngineIncidentCancelled)
def engine_incident_cancelled(connection: Connection, _stored: StoredEvent, event: ev.EngineIncidentCancelled) -> None:
    """It was ended."""
    _resolved(connection, event.engine_incident, "cancelled", event.reason)


def _resolved(connection: Connection, engine_incident: str, resolution: str, reason: str) -> None:
    table = sql.engine_incidents
    done = {"state": "resolved", "resolution": resolution, "reason": reason}
    connection.execute(update(table).where(table.c.id == engine_incident).values(done))
