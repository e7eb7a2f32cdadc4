"""What a called procedure gives back (elements.md §4): ids, times and codes from the records of its instance.

The caller's diagram names which of them it takes over (`tocsin:outputs`). What says something about a person's health
is none of them: the caller reads it as a fact.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from service.application.direct_reports import direct_count
from service.application.reporting import report_id
from service.persistence.tables import sql

if TYPE_CHECKING:
    from service.application.steps import Advance

Result = Callable[["Advance", Mapping[str, Any]], dict[str, Any]]
# End event of a procedure with several -> its result.
ENDS = {
    "ee_suspension_over": "resumed", "ee_suspension_suggested": "suggested", "ee_no_suspension": "no_suspension",
}  # fmt: skip


def of_instance(on: Advance, row: Mapping[str, Any], end: str) -> dict[str, Any]:
    """What an instance that ended at an end event gives back; only what is known."""
    found = RESULTS[row["process"]](on, row) if row["process"] in RESULTS else {}
    named = {"result": ENDS[end]} if end in ENDS else {}
    return {key: value for key, value in {**found, **named}.items() if value is not None}


def _answered(on: Advance, row: Mapping[str, Any], form: str, **fields: str) -> dict[str, Any]:
    """Result name -> the value of a field of the instance's answers to a form."""
    values = on.facts.rows.latest(form, instance=row["id"])
    return {name: values.get(key) for name, key in fields.items()}


def _transfer(on: Advance, row: Mapping[str, Any]) -> dict[str, Any]:
    return _answered(on, row, "F05", arrived_at="arrive_at", destination="destination")


def _disinfection(on: Advance, row: Mapping[str, Any]) -> dict[str, Any]:
    return _answered(on, row, "F15", accepted_at="accepted_at", places="place_list")


def _investigation(on: Advance, row: Mapping[str, Any]) -> dict[str, Any]:
    return _answered(on, row, "F16", finished_at="finished_at")


def _suspension(on: Advance, row: Mapping[str, Any]) -> dict[str, Any]:
    return _answered(on, row, "F18", adjust="adjust", scope="scope")


def _resumption(on: Advance, row: Mapping[str, Any]) -> dict[str, Any]:
    return _answered(on, row, "F18", resumed_at="resume_at")


def _report(on: Advance, row: Mapping[str, Any]) -> dict[str, Any]:
    table = sql.reports
    statement = select(table).where(table.c.id == report_id(row["id"]), table.c.sent_at.is_not(None))
    report = on.uow.connection.execute(statement).mappings().first()
    if report is None:
        return {}
    counts = {"direct_report_count": direct_count(on.facts.rows)} if row["inputs"].get("count") else {}
    is_closing = {"closing_sent": True} if report["kind"] == "closing" else {}
    return {"report_id": report["id"], "sent_at": report["sent_at"].isoformat(), **counts, **is_closing}


def _opinion(on: Advance, row: Mapping[str, Any]) -> dict[str, Any]:
    return {"result": "handed_over" if on.facts.rows.has_completed("s_to_police", row["id"]) else "calm"}


def _inspection(on: Advance, row: Mapping[str, Any]) -> dict[str, Any]:
    done = on.facts.rows.has_completed
    if done("t_sanction", row["id"]):
        return {"result": "sanctioned"}
    return {"result": "rectified" if done("t_recheck_rectify", row["id"]) else "closed"}


RESULTS: Mapping[str, Result] = {
    "case_transfer": _transfer, "terminal_disinfection": _disinfection, "epi_investigation": _investigation,
    "class_suspension": _suspension, "class_resumption": _resumption, "incident_reporting": _report,
    "incident_opinion": _opinion, "accountability_inspection": _inspection,
}  # fmt: skip
