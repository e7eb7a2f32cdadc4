"""Send tasks: which deliveries and notices they queue, and what a confirmed call leaves behind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from service.application import clusters, escalation, inbox, papers, registration, reporting
from service.application.projections.registry import deadline_id
from service.domain import events as ev
from service.domain.gateways import report_message
from service.engine import effects as fx
from service.persistence.tables import sql

if TYPE_CHECKING:
    from service.application.fill_contexts import Target
    from service.application.steps import Advance

REPORTS = {"s_send_report", "s_send_written", "s_small_send"}
# automatic notices inside the school: element -> roles, notice code
NOTICES: dict[str, tuple[tuple[str, ...], str]] = {
    "s_report_office": (("epi_office",), "office_reported"),
    "s_alert_duty": (("duty_principal",), "patient_worse"),
    "s_tell_duty_late": (("duty_principal",), "ambulance_late"),
    "s_transit_alert": (("duty_principal", "school_leader"), "transit_late"),
    "s_tell_class": (("head_teacher",), "return_granted"),
    "s_drill_notice": (("epi_office", "school_leader", "head_teacher", "school_doctor", "cleaner"), "drill_planned"),
    "s_lost_report": (("district_office", "school_leader", "duty_principal"), "contact_lost"),
}
RELEASING = {"s_exclusion_notice": "hospital", "s_clear_notice": "site"}
WITHDRAWING = {"s_cancel_notice": "incident_cancelled", "s_merge_notice": "incident_merged"}
REACHED = frozenset({"已接通", "已送达", "已派车", "无车"})  # somebody answered, whatever he could do
# phone and manual sends: element -> message, recipient
CALLS = {
    "s_call_120": ("msg_call_120", "ambulance_120"),
    "s_call_120_added": ("msg_call_120", "ambulance_120"),
    "s_recall_120": ("msg_call_120", "ambulance_120"),
    "s_recall_120_severe": ("msg_call_120", "ambulance_120"),
    "s_notify_hospital": ("msg_notify_hospital", "designated_hospital"),
    "s_ask_result": ("msg_ask_result", "designated_hospital"),
    "s_call_vehicle": ("msg_call_120", "ambulance_120"),
    "s_to_police": ("msg_police_transfer", "police"),
    "s_contact_assist": ("msg_contact_assist", "org"),
    "s_ask_police": ("msg_contact_assist", "police"),
}


def send(on: Advance, row: Mapping[str, Any], effect: fx.SendReached) -> None:
    """An automatic send task was passed."""
    if effect.element in REPORTS:
        _send_report(on, row, effect.element)
    elif effect.element in papers.PAPERS:
        _issue(on, row, effect.element)
    elif effect.element in RELEASING:
        _release(on, row, effect.element)
    elif effect.element in WITHDRAWING:
        _withdraw(on, row, effect.element)
    else:
        roles, code = NOTICES.get(effect.element, ((_lane(on, row, effect.element),), "notice"))
        escalation.tell(on, roles, code, {"element": effect.element, "person": row["person_id"] or ""})
    if effect.element == "s_lost_report":
        _queue(on, row, effect.element, message="msg_contact_lost_report", recipient="district_office")
    if effect.element == "s_tell_class" and row["person_id"]:
        _queue(on, row, effect.element, message=effect.element, recipient=f"person:{row['person_id']}")


def _lane(on: Advance, row: Mapping[str, Any], element: str) -> str:
    processes = on.assembly(row).bundle.processes.values()
    return next((p.nodes[element].role for p in processes if element in p.nodes), "") or "epi_office"


def _send_report(on: Advance, row: Mapping[str, Any], element: str) -> None:
    recipients = reporting.send(on, row, element)
    report = reporting.report_id(row["id"])
    kind = on.uow.connection.execute(select(sql.reports.c.kind).where(sql.reports.c.id == report)).scalar_one()
    for recipient in recipients:
        if recipient == "duty_principal":
            escalation.tell(on, (recipient,), "report_sent", {"report": report})
        message = report_message(kind, recipient)
        channel = "notice" if recipient == "duty_principal" else "auto"
        _queue(on, row, element, message=message, recipient=recipient, channel=channel, report=report)
    if kind == "closing":  # who works until the closing report ends of himself, before the incident ends him
        inbox.put(on, inbox.Effect("look", report))


def _queue(
    on: Advance, row: Mapping[str, Any], element: str, *,
    message: str, recipient: str, channel: str = "auto", report: str = "",
) -> str:  # fmt: skip
    delivery = on.uow.new_id()
    content = {"number": on.incident["number"], "person": row["person_id"] or ""}
    event = ev.DeliveryQueued(delivery, element, message, recipient, channel, report, content)
    on.record(event, row=row)
    if channel in {"notice", "phone"}:
        on.record(ev.DeliverySent(delivery, 1, channel), row=row)
    return delivery


def _issue(on: Advance, row: Mapping[str, Any], element: str) -> None:
    """A paper goes out: a notice to a role of ours, a delivery to everybody else."""
    paper, report, recipients = papers.issue(on, row, element)
    for recipient in recipients:
        is_ours = recipient in papers.INTERNAL
        if is_ours:
            escalation.tell(on, (recipient,), paper.kind, {"report": report})
        channel = "notice" if is_ours else "auto"
        _queue(on, row, element, message=paper.message, recipient=recipient, channel=channel, report=report)


def _release(on: Advance, row: Mapping[str, Any], element: str) -> None:
    """E2 and C4: everybody registered with the case is told, and free unless another case holds him."""
    case = str(row["person_id"] or row["inputs"].get("person"))
    persons = registration.on_site_of(on, case)
    tell_excluded(on, row, element, case, persons)
    if persons:
        on.record(ev.PersonsReleased(case, persons), row=row, element=element)


def tell_excluded(on: Advance, row: Mapping[str, Any], element: str, case: str, persons: Sequence[str]) -> None:
    """R18 to persons who were held or observed because of a case."""
    report = f"{row['id']}-R18"
    event = ev.ReportDrafted(report, "exclusion", "R18", [], [case], len(persons))
    on.record(event, row=row, element=element)
    on.record(
        ev.ReportSent(report, "", [f"person:{person}" for person in persons], is_late=False), row=row, element=element
    )
    for person in persons:
        message = "msg_exclusion_notice"
        _queue(on, row, element, message=message, recipient=f"person:{person}", report=report)


def _withdraw(on: Advance, row: Mapping[str, Any], element: str) -> None:
    """H5 and merging: every role that had a task is told, the cases count no more, deadlines fall away."""
    statement = select(sql.task_roles.c.role).join(sql.tasks, sql.tasks.c.id == sql.task_roles.c.task_id)
    roles = on.uow.connection.execute(statement.where(sql.tasks.c.incident_id == on.incident_id).distinct()).scalars()
    escalation.tell(on, sorted(roles), WITHDRAWING[element], {})
    kind = str(on.facts.rows.latest("F00").get("cancel_kind") or "误报")
    for case in list(on.facts.rows.cases):
        on.record(ev.CaseRevoked(case.id, kind), row=row, element=element)
        held = registration.on_site_of(on, case.id)
        if held:
            on.record(ev.PersonsReleased(case.id, held), row=row, element=element)
    for instance in on.active_rows():
        if instance["parent_id"] is None and instance["id"] != row["id"]:  # what nobody waits for ends as well
            inbox.put(on, inbox.Effect("cancel", instance["id"]))
    for deadline in on.open_deadlines():
        if deadline["id"] != deadline_id(on.incident_id, "X05", ""):
            on.record(ev.DeadlineCancelled(deadline["id"], WITHDRAWING[element]), row=row, element=element)
    clusters.wake_reporting(on)


def confirm_call(on: Advance, target: Target, answers: Mapping[str, Any]) -> None:
    """A phone or manual send was confirmed by a person: the delivery stands in the outbox as done."""
    if target.element not in CALLS:
        return
    message, recipient = CALLS[target.element]
    if target.element not in papers.LETTERS:
        _confirmed(on, target, answers, message=message, recipient=recipient)
        return
    is_taken = _outcome(answers) in REACHED
    for organisation, persons in _contacts_elsewhere(on, target.person).items():
        to = f"{recipient}:{organisation}"
        report = papers.hand_over(on, target.instance, target.element, to, persons, is_taken=is_taken)
        _confirmed(on, target, answers, message=message, recipient=to, report=report)


def _contacts_elsewhere(on: Advance, case: str) -> dict[str, list[str]]:
    """The contacts of a case who belong to other organisations, by organisation."""
    found: dict[str, list[str]] = {}
    for row in on.facts.rows.contacts:
        if row.case == case and row.stage == "final" and row.other_org:
            found.setdefault(row.other_org, []).append(row.person)
    return found


def _confirmed(
    on: Advance, target: Target, answers: Mapping[str, Any], *, message: str, recipient: str, report: str = ""
) -> None:
    delivery = _queue(
        on, target.instance, target.element, message=message, recipient=recipient, channel="phone", report=report
    )
    if _outcome(answers) in REACHED:
        on.record(ev.DeliveryAcknowledged(delivery, "phone"), row=target.instance)
    else:
        on.record(ev.DeliveryFailed(delivery, 1, _outcome(answers), final=True), row=target.instance)


def _outcome(answers: Mapping[str, Any]) -> str:
    """What a call came to; that of a call for a vehicle (F05#request) has a name of its own."""
    return str(answers.get("outcome") or answers.get("request_outcome") or "")
