"""Own scenarios of an organisation, from its stream."""

from service.application.projections.duty import STREAM_PREFIX
from service.application.projections.registry import applies
from service.domain import events as ev
from service.persistence.tables import sql
from service.persistence.unit_of_work import StoredEvent
from service.persistence.working_set import IncidentRows


@applies(ev.ScenarioKept)
def scenario_kept(rows: IncidentRows, stored: StoredEvent, event: ev.ScenarioKept) -> None:
    """A new row, or the next revision of one."""
    organisation = stored.stream.removeprefix(STREAM_PREFIX)
    key = f"{organisation}:{event.scenario}"
    before = rows.get(sql.own_scenarios, key)
    values = {"document": event.document, "changed_at": stored.at, "changed_by": stored.actor}
    if before is None:
        row = {"id": key, "organisation_id": organisation, "scenario": event.scenario, "revision": 1, **values}
        rows.add(sql.own_scenarios, row)
    else:
        rows.change(sql.own_scenarios, key, revision=before["revision"] + 1, **values)


@applies(ev.ScenarioDropped)
def scenario_dropped(rows: IncidentRows, stored: StoredEvent, event: ev.ScenarioDropped) -> None:
    """The row is gone; the log has what it was."""
    rows.remove(sql.own_scenarios, f"{stored.stream.removeprefix(STREAM_PREFIX)}:{event.scenario}")
