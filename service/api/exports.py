"""Taking persons out as a file: every one is put on record with purpose, columns, number of persons and hash."""

from typing import Annotated, Literal
from urllib.parse import quote

from fastapi import APIRouter, Response
from pydantic import Field

from service.api.dependencies import Answer, Body, Door, permit
from service.api.problems import ProblemRoute
from service.api.shapes import Page, page_of
from service.application import exports
from service.application.exports import ExportDecision, ExportWish
from service.application.queries import export_files, export_requests
from service.domain.access import Action

router = APIRouter(route_class=ProblemRoute, prefix="/incidents", tags=["privacy"])

Purpose = Literal["handling", "offline", "handover", "superior", "archive", "data_subject", "other"]
STYLESHEETS = ("/static/document.css",)


class ExportBody(Body):
    """What, which of its kind (a report, `R09/<case>`, a task, `<day>/<session>`, a person), why, and which columns."""

    kind: Literal["contacts", "report", "printout", "rows", "readings", "subject"]
    key: str = Field(default="", max_length=200)
    purpose: Purpose
    note: str = Field(default="", max_length=200)
    fields: list[str] = Field(default_factory=list, max_length=50)
    form: Literal["", "docx", "html", "json"] = ""


class Asked(Answer):
    """The export that was asked for."""

    id: str


class Decision(Body):
    """What the second person says."""

    is_approved: bool


class Decided(Answer):
    """It is decided."""

    id: str


class RequestAnswer(Answer):
    """An export that was asked for: state is asked, approved or refused."""

    id: str
    kind: str
    key: str
    rows: int
    state: str
    asked_by: str
    may_decide: bool


def handed_out(door: Door, wish: ExportWish, form: str = "") -> Response:
    """The file, once the event that tells of it is committed."""
    library = door.tocsin.documents
    made = door.read(
        lambda reader: export_files.make(reader, library, wish, form=form, stylesheets=STYLESHEETS)
    )  # fmt: skip
    door.tocsin.run(
        lambda uow: exports.hand_out(uow, door.services, door.principal, made, request_id=door.request_id)
    )  # fmt: skip
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(made.name)}", "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }  # fmt: skip
    return Response(made.content, headers=headers, media_type=made.media_type)


@router.post("/{incident}/exports", response_class=Response)
def export(incident: str, body: ExportBody, door: Annotated[Door, permit(Action.EXPORT_MAKE)]) -> Response:
    """The file. 403 `approval_needed` where it holds more persons than one may take out alone."""
    return handed_out(door, _wish(incident, body), body.form)


@router.post("/{incident}/exports/requests", status_code=201, response_model=Asked)
def ask(incident: str, body: ExportBody, door: Annotated[Door, permit(Action.EXPORT_MAKE)]) -> Response:
    """Ask a second person for a large export."""
    wish = _wish(incident, body)
    made = door.read(lambda reader: export_files.make(reader, door.tocsin.documents, wish, form=body.form))
    return door.change(exports.ask, made, lambda _, id_: Asked(id=id_), status=201, asked=wish)


@router.get("/{incident}/exports/requests")
def listed(incident: str, door: Annotated[Door, permit(Action.EXPORT_MAKE)]) -> Page[RequestAnswer]:
    """Requests the caller may decide, and his own."""
    found = door.read(lambda reader: export_requests.listing(reader, incident))
    return page_of([RequestAnswer.model_validate(each) for each in found])


@router.post("/{incident}/exports/requests/{export}/decide", response_model=Decided)
def decide(
    incident: str, export: str, body: Decision, door: Annotated[Door, permit(Action.EXPORT_APPROVE)]
) -> Response:
    """Approve or refuse, as another person who leads."""
    command = ExportDecision(incident, export, body.is_approved)
    return door.change(exports.decide, command, lambda _, __: Decided(id=export))


def _wish(incident: str, body: ExportBody) -> ExportWish:
    return ExportWish(incident, body.kind, body.key, body.purpose, body.note, tuple(body.fields))
