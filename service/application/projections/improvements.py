"""Improvement actions of an organisation, from its stream."""

from service.application.projections.duty import STREAM_PREFIX
from service.application.projections.registry import applies, instant, sealed_column
from service.domain import events as ev
from service.persistence.tables import sql
from service.persistence.unit_of_work import StoredEvent
from service.persistence.working_set import IncidentRows


@applies(ev.ImprovementPlanned)
def improvement_planned(rows: IncidentRows, stored: StoredEvent, event: ev.ImprovementPlanned) -> None:
    """An open one."""
    row = {
        "id": event.improvement, "organisation_id": stored.stream.removeprefix(STREAM_PREFIX),
        "drill_id": event.drill, "procedure": event.procedure, "finding": event.finding, "target": event.target,
        "target_id": event.target_id, "owner": event.owner, "due_at": instant(event.due), "state": "open",
        "sealed": sealed_column(stored), "note": "{}", "planned_by": stored.actor, "planned_at": stored.at,
        "ended_by": "", "ended_at": None,
    }  # fmt: skip
    rows.add(sql.improvements, row)


@applies(ev.ImprovementEnded)
def improvement_ended(rows: IncidentRows, stored: StoredEvent, event: ev.ImprovementEnded) -> None:
    """Done or dropped, by whom and when."""
    rows.change(
        sql.improvements, event.improvement, state=event.state, note=sealed_column(stored), ended_by=stored.actor,
        ended_at=stored.at,
    )  # fmt: skip
