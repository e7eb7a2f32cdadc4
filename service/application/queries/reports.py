"""Reports of an incident: the list, and one as an official document."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, func, or_, select

from service.application import report_facts, report_materials
from service.application.documents import Document, DocumentLibrary, DocumentMeta, letterhead_number
from service.application.fill_contexts import DRAFT_KINDS
from service.application.incident_view import IncidentView
from service.application.papers import LETTER_KINDS, PAPER_KINDS
from service.application.queries.deliveries import DeliveryRow, outbox
from service.application.queries.letters import sent_letter
from service.application.queries.names import Names, opened
from service.application.queries.reader import OPEN_STATES, Reader, incidents, tasks
from service.application.queries.words import is_english
from service.application.reporting import SIGNING
from service.domain.access import Action
from service.domain.calendar import local
from service.domain.errors import NoSuch
from service.persistence import tables as t

reports = t.table_of(t.Report)
records = t.table_of(t.Record)
deadlines = t.table_of(t.Deadline)
instances = t.table_of(t.Instance)
NUMBERED = "R02"  # issues are counted, and compared with the one before


@dataclass(frozen=True, slots=True)
class ReportRow:
    """A report in a list; `sign_task` is the open task that signs it, "" if none waits."""

    id: str
    incident: str
    incident_number: str
    kind: str
    kind_label: str
    document: str
    number: str
    state: str
    state_label: str
    instance: str
    drafter_name: str
    drafted_at: datetime | None
    signer_name: str
    signed_at: datetime | None
    sent_at: datetime | None
    is_late: bool
    recipients: tuple[str, ...]
    acknowledged: int
    corrects: tuple[str, ...]
    persons: int
    sign_task: str


@dataclass(frozen=True, slots=True)
class ReportPage:
    """A report with its document and what became of its deliveries."""

    row: ReportRow
    document: Document
    deliveries: tuple[DeliveryRow, ...]


def listing(reader: Reader, incident: str) -> tuple[ReportRow, ...]:
    """All reports of an incident, newest draft first."""
    reader.incident(incident, Action.REPORT_READ)
    statement = select(reports).where(reports.c.incident_id == incident)
    found = reader.rows(statement.order_by(reports.c.drafted_at.desc(), reports.c.id.desc()))
    return _rows(reader, incident, found)


def page(reader: Reader, library: DocumentLibrary, report: str) -> ReportPage:
    """One report as a document. Raises NoSuch where the reader may not see it, NotAllowed."""
    found = reader.rows(select(reports).where(reports.c.id == report))
    if not found:
        raise NoSuch("report", report)
    incident = found[0]["incident_id"]
    reader.incident(incident, Action.REPORT_READ)
    row = _rows(reader, incident, found)[0]
    sent = outbox(reader, incident=incident, limit=200, alerts=False).items
    own = tuple(each for each in sent if each.report == report)
    return ReportPage(row, document(reader, library, found[0], row), own)


def document(reader: Reader, library: DocumentLibrary, stored: Mapping[str, Any], row: ReportRow) -> Document:
    """A stored report laid out; the caller has checked that it may be read."""
    view = IncidentView.read(reader.connection, reader.sealer, reader.services, row.incident)
    record, meta = _record(reader, library, view, stored), _meta(reader, view, stored, row)
    before = _before(view, stored) if row.document == NUMBERED else None
    return library.compose(
        row.document, record=record, meta=meta, locale=reader.locale,
        previous=report_facts.report_values(view, before) if before else None,
    )  # fmt: skip


# --- inside -----------------------------------------------------------------------------------


def _rows(reader: Reader, incident: str, found: list[dict[str, Any]]) -> tuple[ReportRow, ...]:
    number = reader.incident(incident)["number"]
    accounts = reader.account_names({row[name] for row in found for name in ("drafter", "signer")})
    sent = outbox(reader, incident=incident, limit=200, alerts=False).items if found else ()
    signing = _signing_tasks(reader, incident)
    return tuple(
        ReportRow(
            id=row["id"],
            incident=incident,
            incident_number=number,
            kind=row["kind"],
            kind_label=reader.label("report_kind", row["kind"]),
            document=row["document"],
            number=row["number"],
            state=row["state"],
            state_label=reader.label("report_state", row["state"]),
            instance=row["instance_id"],
            drafter_name=accounts.get(row["drafter"], ""),
            drafted_at=row["drafted_at"],
            signer_name=accounts.get(row["signer"], ""),
            signed_at=row["signed_at"],
            sent_at=row["sent_at"],
            is_late=row["is_late"],
            recipients=tuple(dict.fromkeys(each.recipient_label for each in sent if each.report == row["id"])),
            acknowledged=sum(each.report == row["id"] and each.state == "acknowledged" for each in sent),
            corrects=tuple(row["corrects"]),
            persons=len(row["persons"]),
            sign_task=signing.get(row["instance_id"], "") if row["state"] == "draft" else "",
        )
        for row in found
    )


def _signing_tasks(reader: Reader, incident: str) -> dict[str, str]:
    """The open task that signs, by instance."""
    statement = select(tasks.c.instance_id, tasks.c.id).where(
        tasks.c.incident_id == incident, tasks.c.state.in_(OPEN_STATES), tasks.c.form_key == "F00#sign"
    )
    return {row["instance_id"]: row["id"] for row in reader.rows(statement)}


def _before(view: IncidentView, stored: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The issue sent before a progress report."""
    sent = [each for each in view.facts.rows.sent_reports if each["kind"] == stored["kind"]]
    earlier = [each for each in sent if stored["sent_at"] is None or each["sent_at"] < stored["sent_at"]]
    return earlier[-1] if earlier else None


def _record(reader: Reader, library: DocumentLibrary, view: IncidentView, stored: Mapping[str, Any]) -> dict[str, Any]:
    """The answers of the draft; of a paper all its form says; a notice nobody drafts (R18) follows from the facts."""
    if stored["kind"] in LETTER_KINDS:
        case = reader.rows(select(instances.c.person_id).where(instances.c.id == stored["instance_id"]))[0]["person_id"]
        return sent_letter(reader, view.incident["id"], case, stored["persons"], stored["drafted_at"])
    if stored["kind"] in PAPER_KINDS:
        form = library.definitions[stored["document"]]["form"]
        return view.facts.rows.latest(form, instance=stored["instance_id"])
    found = reader.rows(select(records).where(records.c.id == stored["record_id"])) if stored["record_id"] else []
    if stored["kind"] == "exclusion" or not found:
        instance = reader.rows(select(instances).where(instances.c.id == stored["instance_id"]))[0]
        return report_materials.drafted(view, stored["kind"], instance, reader.locale)
    row = found[0]
    values = {**row["data"], **opened(reader, {row["id"]: row["sealed"]})[row["id"]]}
    if stored["document"] == NUMBERED:
        before = _before(view, stored)
        values["period_no"] = int(stored["number"] or (int(before["number"]) + 1 if before else 1))
    return values


def _meta(reader: Reader, view: IncidentView, stored: Mapping[str, Any], row: ReportRow) -> DocumentMeta:
    organisation = reader.organisation_names[view.incident["organisation_id"]]
    deadline = _deadline(reader, stored["instance_id"])
    rule = reader.services.deadline_rules.get(deadline["rule"]) if deadline else None
    return DocumentMeta(
        organisation=organisation,
        now=view.now,
        recipients=row.recipients,
        place=view.incident["place"],
        found_at=_found_at(view),
        incident_number=row.incident_number,
        number=_number(reader, stored, organisation),
        drafter=row.drafter_name,
        signer=row.signer_name,
        signed_at=row.signed_at,
        due_at=deadline["due_at"] if deadline else None,
        due_rule=rule.label(reader.locale) if rule else "",
        is_drill=view.incident["kind"] == "drill",
        corrected=_corrected(reader, row),
        labels=_place_labels(reader, view.incident["organisation_id"]) | _person_labels(reader, stored),
    )


def _found_at(view: IncidentView) -> datetime | None:
    found = view.facts.rows.latest("F01", person=view.facts.rows.first_case).get("found_at")
    return datetime.fromisoformat(found) if isinstance(found, str) else None


def _place_labels(reader: Reader, organisation: str) -> dict[str, str]:
    places = t.table_of(t.Place)
    found = reader.rows(select(places.c.id, places.c.name).where(places.c.organisation_id == organisation))
    return {row["id"]: row["name"] for row in found} | reader.organisation_names


def _person_labels(reader: Reader, stored: Mapping[str, Any]) -> dict[str, str]:
    """Names of the persons a paper is about, as the reader may see them."""
    if stored["kind"] not in PAPER_KINDS or not stored["persons"]:
        return {}
    persons = t.table_of(t.Person)
    columns = (
        persons.c.id.label("person_id"), persons.c.incident_id, persons.c.code.label("person_code"),
        persons.c.org_unit, persons.c.sealed.label("person_sealed"),
    )  # fmt: skip
    found = reader.rows(select(*columns).where(persons.c.id.in_(stored["persons"])))
    shown, places = Names(reader, found), reader.place_names([row["org_unit"] for row in found])
    return {row["person_id"]: shown.shown(row["person_id"], places) for row in found}


def _deadline(reader: Reader, instance: str) -> dict[str, Any] | None:
    """The deadline of the report: the one its drafting and signing show, other tasks of the instance have their own."""
    joined = deadlines.join(tasks, tasks.c.deadline_id == deadlines.c.id)
    is_reporting = tasks.c.element.in_([*DRAFT_KINDS, *SIGNING])
    statement = select(deadlines).select_from(joined).where(tasks.c.instance_id == instance, is_reporting)
    return next(iter(reader.rows(statement.order_by(deadlines.c.due_at))), None)


def _number(reader: Reader, stored: Mapping[str, Any], organisation: str) -> str | None:
    """The letterhead number of a signed report: a count over the organisation's year, in order of signing."""
    if stored["signed_at"] is None:
        return None
    year = local(stored["signed_at"]).year
    joined = reports.join(incidents, incidents.c.id == reports.c.incident_id)
    of = next(iter(reader.rows(select(incidents).where(incidents.c.id == stored["incident_id"]))))
    is_drill = of["kind"] == "drill"  # it has a count of its own, and uses up no number
    is_counted = incidents.c.id == of["id"] if is_drill else incidents.c.organisation_id == of["organisation_id"]
    is_before = or_(
        reports.c.signed_at < stored["signed_at"],
        and_(reports.c.signed_at == stored["signed_at"], reports.c.id <= stored["id"]),
    )
    statement = (
        select(reports.c.signed_at).select_from(joined).where(is_counted, incidents.c.kind == of["kind"], is_before)
    )
    count = sum(local(row["signed_at"]).year == year for row in reader.rows(statement))
    prefix = organisation if is_english(reader.locale) else f"{organisation}疫报"
    if is_drill:
        prefix = reader.pick(f"演练{prefix}", f"Drill {prefix}")
    return letterhead_number(prefix, year, count, locale=reader.locale)


def _corrected(reader: Reader, row: ReportRow) -> tuple[str, ...]:
    if not row.corrects:
        return ()
    statement = select(reports.c.kind, func.min(reports.c.sent_at)).where(reports.c.id.in_(row.corrects))
    kinds = reader.rows(statement.group_by(reports.c.kind))
    return tuple(reader.label("report_kind", each["kind"]) for each in kinds)
