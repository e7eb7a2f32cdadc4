"""Papers beside the reports: notices, certificates and letters that a send task issues.

A paper is a row of `reports` like a report, so it has a number, a document and deliveries; its
kind is its own, and no correction is sent for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from service.domain import events as ev
from service.domain.errors import EngineFailed
from service.persistence.tables import sql

if TYPE_CHECKING:
    from service.application.steps import Advance

Recipients = Callable[["Advance", Mapping[str, Any]], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Paper:
    """What a send task issues: the document, its kind among the reports, the message and to whom it goes."""

    document: str
    kind: str
    message: str
    recipients: Recipients


def the_person(_on: Advance, row: Mapping[str, Any]) -> Sequence[str]:
    """The person of the instance."""
    return [f"person:{row['person_id']}"] if row["person_id"] else []


def the_person_and_his_organisation(on: Advance, row: Mapping[str, Any]) -> Sequence[str]:
    """A contact, and where he belongs: another organisation, or our own office."""
    contacts = on.facts.rows.contacts_about(row["person_id"])
    other = next((contact.other_org for contact in contacts if contact.other_org), "")
    return [*the_person(on, row), f"org:{other}" if other else "epi_office"]


def the_audience(on: Advance, row: Mapping[str, Any]) -> Sequence[str]:
    """The classes and runs the screening notice names, and the school's own superior."""
    audience = on.facts.rows.latest("F13", instance=row["id"]).get("audience") or []
    return [f"place:{entry['id']}" for entry in audience]


def classes_and_district(on: Advance, row: Mapping[str, Any]) -> Sequence[str]:
    """The classes that are suspended or resumed, and the district office."""
    latest = on.facts.rows.latest("F18", instance=row["id"])
    scope = latest.get("scope") or row["inputs"].get("scope") or []
    return [*(f"place:{entry['id']}" for entry in scope), "district_office"]


def the_inspected(_on: Advance, _row: Mapping[str, Any]) -> Sequence[str]:
    """The leader of the organisation that was inspected."""
    return ["school_leader"]


PAPERS: Mapping[str, Paper] = {
    "s_release_notice": Paper("R07", "release", "msg_release_notice", the_person_and_his_organisation),
    "s_screening_notice": Paper("R16", "screening", "msg_screening_notice", the_audience),
    "s_suspension_notice": Paper("R19", "suspension", "msg_suspension_notice", classes_and_district),
    "s_resume_notice": Paper("R19", "resumption", "msg_resume_notice", classes_and_district),
    "s_rectify_notice": Paper("R22", "rectification", "msg_rectify_notice", the_inspected),
}
# A letter somebody hands over and confirms: one to each organisation its contacts belong to.
LETTERS: Mapping[str, tuple[str, str]] = {"s_contact_assist": ("R27", "assist")}
DRAFTED = {"t_draft_screening": "s_screening_notice"}  # a paper with a draft and a signature of its own
SIGNED = {"t_sign_screening": "s_screening_notice"}
LETTER_KINDS = frozenset(kind for _, kind in LETTERS.values())
PAPER_KINDS = frozenset(paper.kind for paper in PAPERS.values())
INTERNAL = frozenset({"school_leader", "epi_office"})  # roles of our own: a notice, nothing leaves the building


def issue(on: Advance, row: Mapping[str, Any], element: str) -> tuple[Paper, str, list[str]]:
    """Record that the paper of a send task goes out; returns it with its report id and recipients.

    Raises EngineFailed where nobody is to get it.
    """
    paper = PAPERS[element]
    recipients = list(dict.fromkeys(paper.recipients(on, row)))
    if not recipients:
        raise EngineFailed(element, f"no recipient for {paper.document}")
    report = draft_id(row["id"], paper.document)
    drafted = on.uow.connection.execute(select(sql.reports.c.state).where(sql.reports.c.id == report)).scalar()
    if drafted is None:
        persons = [row["person_id"]] if row["person_id"] else []
        on.record(
            ev.ReportDrafted(report, paper.kind, paper.document, [], persons, len(persons)), row=row, element=element
        )
    if drafted != "signed":  # signed by the answer that decided it; a drafted paper has a signature of its own
        on.record(ev.ReportSigned(report, "签发"), row=row, element=element)
    on.record(ev.ReportSent(report, _number(on, paper.document), recipients, is_late=False), row=row, element=element)
    return paper, report, recipients


def follow_answer(on: Advance, row: Mapping[str, Any], element: str, decision: str) -> None:
    """A paper was drafted, or signed by somebody else."""
    if element in DRAFTED:
        paper = PAPERS[DRAFTED[element]]
        drafted = ev.ReportDrafted(draft_id(row["id"], paper.document), paper.kind, paper.document, [], [], 0)
        on.record(drafted, row=row, element=element)
    elif element in SIGNED:
        paper = PAPERS[SIGNED[element]]
        on.record(ev.ReportSigned(draft_id(row["id"], paper.document), decision), row=row, element=element)


def hand_over(
    on: Advance, row: Mapping[str, Any], element: str, recipient: str, persons: Sequence[str], *, is_taken: bool
) -> str:
    """Record the letter of a send task to one recipient about these persons; returns its report id.

    A letter that was refused, or reached nobody, stays a draft.
    """
    document, kind = LETTERS[element]
    report = f"{draft_id(row['id'], document)}-{recipient.partition(':')[2]}"
    drafted = ev.ReportDrafted(report, kind, document, [], list(persons), len(persons))
    on.record(drafted, row=row, element=element)
    if is_taken:
        sent = ev.ReportSent(report, _number(on, document), [recipient], is_late=False)
        on.record(sent, row=row, element=element)
    return report


def draft_id(instance: str, document: str) -> str:
    """The report id of a paper of an instance."""
    return f"{instance}-{document}"


def _number(on: Advance, document: str) -> str:
    table = sql.reports
    sent = (table.c.incident_id == on.incident_id) & (table.c.document == document) & (table.c.state == "sent")
    count = on.uow.connection.execute(select(func.count()).select_from(table).where(sent)).scalar_one()
    return str(int(count) + 1)
