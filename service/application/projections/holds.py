"""Legal holds."""

from service.application.projections.registry import applies, sealed_column
from service.domain import events as ev
from service.persistence.tables import sql
from service.persistence.unit_of_work import StoredEvent
from service.persistence.working_set import IncidentRows


@applies(ev.LegalHoldSet)
def legal_hold_set(rows: IncidentRows, stored: StoredEvent, event: ev.LegalHoldSet) -> None:
    """A hold stands."""
    row = {
        "id": f"{stored.stream}:{stored.seq:07d}", "incident_id": stored.stream, "person_id": event.person,
        "set_at": stored.at, "set_by": stored.actor, "lifted_at": None, "lifted_by": "",
        "sealed": sealed_column(stored),
    }  # fmt: skip
    rows.add(sql.legal_holds, row)


@applies(ev.LegalHoldLifted)
def legal_hold_lifted(rows: IncidentRows, stored: StoredEvent, event: ev.LegalHoldLifted) -> None:
    """It ended."""
    rows.change(sql.legal_holds, event.hold, lifted_at=stored.at, lifted_by=stored.actor)
