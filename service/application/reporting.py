"""Reports of an incident: drafted, signed by somebody else, sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from service.application import deadline_rows, papers
from service.application.fill_contexts import DRAFT_KINDS, Target
from service.application.report_materials import routed
from service.domain import events as ev
from service.domain.errors import EngineFailed, FieldError, FormRefused
from service.persistence.tables import sql

if TYPE_CHECKING:
    from service.application.steps import Advance

DOCUMENTS = {
    "initial": "R01", "written": "R01w", "progress": "R02", "closing": "R03", "direct": "R04", "correction": "R01c",
}  # fmt: skip
UNSIGNED = frozenset({"s_small_send"})  # the small example has nobody to sign
SIGNING = frozenset({"t_sign_report", "t_sign_written_report"})


def report_id(instance: str) -> str:
    """The report an instance of P37, or the written-report page, produces."""
    return f"{instance}-R"


def follow_answer(on: Advance, target: Target, answers: Mapping[str, Any], late_reason: str = "") -> None:
    """A drafting or signing task was answered: record what it means for the report.

    Raises FormRefused if a report would go out late and nobody has said why.
    """
    if target.element in DRAFT_KINDS:
        _drafted(on, target, DRAFT_KINDS[target.element], answers)
    elif target.element in SIGNING:
        if answers["sign_decision"] == "签发" and not late_reason and _is_unexplained(on, target):
            raise FormRefused([FieldError("late_reason", "required", "迟报须写明原因", "State why the report is late")])
        event = ev.ReportSigned(report_id(target.instance["id"]), str(answers["sign_decision"]))
        on.record(event, row=target.instance, element=target.element)
    else:
        papers.follow_answer(on, target.instance, target.element, str(answers.get("sign_decision", "")))


def _is_unexplained(on: Advance, target: Target) -> bool:
    """Overdue, and neither the draft nor an earlier signature gave a reason."""
    if target.task is None or target.due_at is None or (on.done_at or on.now) <= target.due_at:
        return False
    return not deadline_rows.late_reason(on, target.task["deadline_id"])


def _drafted(on: Advance, target: Target, kind: str, answers: Mapping[str, Any]) -> None:
    corrects = [str(entry["id"]) for entry in answers.get("corrects") or []]
    persons = [case.id for case in on.facts.rows.cases]
    count = int(answers.get("suspected_count") or answers.get("person_count") or len(persons))
    event = ev.ReportDrafted(report_id(target.instance["id"]), kind, DOCUMENTS[kind], corrects, persons, count)
    on.record(event, row=target.instance, element=target.element)


def send(on: Advance, row: Mapping[str, Any], element: str) -> list[str]:
    """Record that the signed report of an instance goes out; returns its recipients (roles).

    Raises EngineFailed if the instance has no signed report or no recipient.
    """
    report = on.rows.get(sql.reports, report_id(row["id"]))
    is_ready = report is not None and (report["state"] == "signed" or element in UNSIGNED)
    if report is None or not is_ready:
        raise EngineFailed(element, "the report is not signed")
    recipients = ["edu_bureau"] if report["kind"] == "written" else routed(on.view, row)
    if report["kind"] == "direct" and on.facts.rows.latest("F11", instance=row["id"]).get("copy_ministry"):
        recipients = [*recipients, "moe_office"]  # the school may report to the Ministry at the same time
    if not recipients:
        raise EngineFailed(element, f"no recipient for the report {report['kind']}")
    is_late = any(
        deadline["due_at"] < on.now for deadline in on.open_deadlines() if deadline["id"] == _deadline_of(on, row["id"])
    )
    event = ev.ReportSent(report["id"], _number(on, report["document"]), recipients, is_late)
    on.record(event, row=row, element=element)
    return recipients


def _deadline_of(on: Advance, instance: str) -> str | None:
    """The deadline the signing shows; the instance may have tasks with others."""
    tasks = on.rows.where(sql.tasks, instance_id=instance)
    return next((row["deadline_id"] for row in tasks if row["element"] in SIGNING and row["deadline_id"]), None)


def _number(on: Advance, document: str) -> str:
    """Number of the document within its incident: R02 counts its issues (第N期)."""
    sent = [report for report in on.facts.rows.sent_reports if report["document"] == document]
    return str(len(sent) + 1)
