"""Reports: the list of an incident, one as data, as a page and as a Word document; signing."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Response
from pydantic import Field

from service.api.dependencies import Answer, Body, Door, permit
from service.api.exports import Purpose, handed_out
from service.api.outbox import DeliveryAnswer
from service.api.problems import ProblemRoute
from service.api.shapes import Page, page_of
from service.application import tasks as task_cases
from service.application.documents import Document
from service.application.exports import ExportWish
from service.application.queries import Reader, reports
from service.application.queries.reports import ReportRow
from service.application.services import Services
from service.application.tasks import TaskOutcome
from service.domain import commands as cmd
from service.domain.access import Action, Principal
from service.domain.errors import NothingWaits
from service.persistence.unit_of_work import UnitOfWork

router = APIRouter(route_class=ProblemRoute, tags=["reports"])

Reading = Annotated[Door, permit(Action.REPORT_READ)]
STYLESHEETS = ("/static/css/document.css",)


class ReportItem(Answer):
    """A report of an incident; `sign_task` is the open task that signs it."""

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
    recipients: list[str]
    acknowledged: int
    corrects: list[str]
    persons: int
    sign_task: str


class ColumnsAnswer(Answer):
    """A table with a head."""

    head: list[str]
    rows: list[list[str]]


class SectionAnswer(Answer):
    """A section of the document: paragraphs, a table of label and value, or one with a head."""

    heading: str
    paragraphs: list[str]
    table: list[tuple[str, str]]
    grid: ColumnsAnswer | None


class DocumentAnswer(Answer):
    """The document as laid out."""

    id: str
    title: str
    number: str | None
    organisation: str
    recipients: list[str]
    date: str
    opening: str
    sections: list[SectionAnswer]
    closing: str
    drafter: str
    signer: str
    signed_at: datetime | None
    is_draft: bool
    is_drill: bool


class ReportAnswer(ReportItem):
    """One report with its document and deliveries."""

    content: DocumentAnswer
    deliveries: list[DeliveryAnswer]


class Signature(Body):
    """The answer of the signing task; without data it is signed as it stands."""

    data: dict[str, Any] = Field(default_factory=lambda: {"sign_decision": "签发", "signer": True})


@router.get("/incidents/{incident}/reports")
def listed(incident: str, door: Reading) -> Page[ReportItem]:
    """Reports of an incident, newest draft first."""
    found = door.read(lambda reader: reports.listing(reader, incident))
    return page_of([ReportItem.model_validate(each) for each in found])


@router.get("/reports/{report}.docx", response_class=Response)
def docx(report: str, door: Reading, purpose: Purpose = "handling") -> Response:
    """The document for Word, in official layout; an export."""
    incident = door.read(lambda reader: reports.page(reader, door.tocsin.documents, report).row.incident)
    return handed_out(door, ExportWish(incident, "report", report, purpose), "docx")


@router.get("/reports/{report}.html", response_class=Response)
def html(report: str, door: Reading) -> Response:
    """The document as a page that prints on A4."""
    document = door.read(lambda reader: _document(door, reader, report))
    page = door.tocsin.documents.to_page(document, stylesheets=STYLESHEETS)
    return Response(page, media_type="text/html; charset=utf-8")


@router.get("/reports/{report}")
def one(report: str, door: Reading) -> ReportAnswer:
    """One report as data."""
    return door.read(lambda reader: _answer(door, reader, report))


@router.post("/reports/{report}/approve", response_model=ReportAnswer)
def approve(report: str, body: Signature, door: Annotated[Door, permit(Action.REPORT_READ)]) -> Response:
    """Complete the task that signs the report; 409 if none waits, 403 or 422 if the caller may not sign it.

    Signing lets the process go on, which sends the report.
    """
    row = door.read(lambda reader: reports.page(reader, door.tocsin.documents, report).row)

    def sign(
        uow: UnitOfWork, services: Services, principal: Principal, command: cmd.CompleteTask, *, request_id: str
    ) -> TaskOutcome:
        if not command.task:
            raise NothingWaits("签发")
        return task_cases.complete(uow, services, principal, command, request_id=request_id)

    command = cmd.CompleteTask(row.sign_task, body.data)
    return door.change(sign, command, lambda reader, _: _answer(door, reader, report), asked=body)


@router.post("/reports/{report}/submit")
def submit(report: str, door: Annotated[Door, permit(Action.REPORT_READ)]) -> ReportAnswer:
    """The report as sent; 409 while it is not: the process sends it by itself once it is signed."""
    found = door.read(lambda reader: _answer(door, reader, report))
    if found.sent_at is None:
        raise NothingWaits("报送")
    return found


def _document(door: Door, reader: Reader, report: str) -> Document:
    return reports.page(reader, door.tocsin.documents, report).document


def _answer(door: Door, reader: Reader, report: str) -> ReportAnswer:
    page = reports.page(reader, door.tocsin.documents, report)
    row: ReportRow = page.row
    return ReportAnswer(
        **ReportItem.model_validate(row).model_dump(),
        content=DocumentAnswer.model_validate(page.document),
        deliveries=[DeliveryAnswer.model_validate(each) for each in page.deliveries],
    )
