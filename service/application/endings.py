"""The end of an instance: telling the parent, closing the incident."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from service.application import call_results, contact_sharing, deadline_rows, home_health, observations
from service.application.inbox import Effect, put
from service.domain import events as ev
from service.engine import effects as fx

if TYPE_CHECKING:
    from service.application.steps import Advance

# end event of a root -> status and result of the incident
OUTCOMES = {
    "ee_excluded": ("closed", "excluded_closed"),
    "ee_closed": ("closed", "confirmed_closed"),
    "ee_false_alarm": ("false_alarm", "false_alarm"),
    "ee_cancelled": ("false_alarm", "false_alarm"),
    "ee_merged": ("merged", "merged"),
}
# Deadlines that live on after the incident is closed: a return, a patient sent home, an inspection.
OUTLIVING = frozenset({"T06", "T07", "T09", "T47", "clue_verify"})
CASE_ENDS = {"ee_case_cleared": "cleared", "ee_case_excluded": "excluded", "ee_case_closed": "closed"}


def ended(on: Advance, row: Mapping[str, Any], effect: fx.Ended) -> None:
    """Record the end of an instance and pass it on."""
    known = effect.result | call_results.of_instance(on, row, effect.end)
    result = {key: value for key, value in known.items() if key not in row["inputs"]}
    on.record(ev.InstanceEnded(row["id"], "completed", effect.end, effect.error, result), row=row)
    contact_sharing.ended(on, row)
    if effect.end in CASE_ENDS and row["person_id"]:
        on.record(ev.CaseStatusChanged(row["person_id"], CASE_ENDS[effect.end]), row=row)
    observations.end(on, row, effect.end)
    home_health.ended(on, row)
    if row["parent_id"] and row["parent_task"]:
        parent_item = row["person_id"] if _is_collected(on, row) else ""
        payload = {
            "parent": row["parent_id"], "visit": row["parent_task"], "item": parent_item, "result": result,
            "error": effect.error,
        }  # fmt: skip
        put(on, Effect("child_ended", f"{row['parent_task']}:{row['id']}", payload))
    elif row["id"] == on.incident["root_instance"]:
        _close(on, row, effect.end)


def _is_collected(on: Advance, row: Mapping[str, Any]) -> bool:
    """True if the instance is one of an open collection."""
    task = on.live(on.instance_row(row["parent_id"])).live.get(row["parent_task"])
    return task is not None and "items" in task.internal_data


def _close(on: Advance, row: Mapping[str, Any], end: str) -> None:
    status, result = OUTCOMES.get(end, ("closed", "completed"))
    deadline_rows.cancel_all(on, "incident_closed", keep=OUTLIVING)
    on.record(ev.IncidentClosed(status, result), row=row)
    on.incident = {**on.incident, "status": status, "result": result}
