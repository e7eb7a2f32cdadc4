"""Status of cases and of the incident: the severest open case (P01.3b rule 12)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.application.person_facts import PersonFacts
from service.domain import events as ev

if TYPE_CHECKING:
    from service.application.facts import FactBase
    from service.application.steps import Advance

SEVERITY = (
    "detected", "observing", "responding", "transferred", "awaiting_diagnosis", "suspected", "asymptomatic",
    "confirmed",
)  # fmt: skip
FINAL = {"closed", "false_alarm", "merged"}
ENDED = {"cleared", "excluded", "closed"}


def refresh(on: Advance) -> None:
    """Record the statuses that follow from the facts, where they changed."""
    if not on.incident or on.incident["status"] in FINAL:
        return
    base = on.facts
    for case in base.open_cases():
        status = _case_status(base, case)
        if status != case.status and case.status not in ENDED:
            on.record(ev.CaseStatusChanged(case.id, status))
    _refresh_incident(on)


def _case_status(base: FactBase, case: PersonFacts) -> str:
    """How far one case has come; a later stage wins over an earlier one."""
    done = base.rows.has_completed
    diagnosis = base.value("diagnosis", case.id)
    if done("br_diagnosis", case.instance) and diagnosis != "pending":
        return str(diagnosis)
    if done("ca_case_transfer", case.instance):
        return "awaiting_diagnosis"
    if done("r_received", "") and base.rows.has_record("F05", "arrive", case.id):
        return "transferred"
    if base.value("plan_started", case.id) and done("e_plan_started", case.instance):
        return "responding"
    if case.instance and done("t_isolation_room", case.instance):
        return "observing"
    return "detected"


def _refresh_incident(on: Advance) -> None:
    base = on.facts
    statuses = [case.status for case in base.open_cases()]
    known = [status for status in statuses if status in SEVERITY]
    if known:
        wanted = max(known, key=SEVERITY.index)
    elif statuses and "excluded" in statuses:
        wanted = "excluded"
    else:
        return
    if base.rows.has_completed("ca_recovery"):
        wanted = "recovering"
    elif base.value("control_confirmed", ""):
        wanted = "under_control"
    if wanted != on.incident["status"]:
        on.record(ev.IncidentStatusChanged(wanted))
        on.incident = {**on.incident, "status": wanted}
