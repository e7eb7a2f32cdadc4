"""Taking persons out as a file: purpose and columns first, a second person where there are many, then the file."""

from dataclasses import dataclass
from urllib.parse import quote

from fastapi import APIRouter
from fastapi.responses import Response

from service.application import exports
from service.application.exports import PURPOSES, ExportDecision, ExportWish, MadeExport
from service.application.queries import export_files, export_requests
from service.application.queries.export_files import Outline
from service.application.queries.export_requests import RequestRow
from service.application.queries.printouts import number_of
from service.application.queries.reader import Reader
from service.domain.errors import ApprovalNeeded, ValueRefused
from service.web.errors import PageRoute
from service.web.posted import Form, Posted
from service.web.site import Visit, Visiting, go

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@dataclass(frozen=True, slots=True)
class ExportPage:
    """What is to be taken out, what was typed, what is wrong with it; `most` persons need no second person."""

    number: str
    wish: ExportWish
    form: str
    outline: Outline
    purposes: tuple[tuple[str, str], ...]
    most: int
    state: str
    errors: dict[str, str]


@dataclass(frozen=True, slots=True)
class ExportsPage:
    """Exports of an incident that wait for a second person."""

    incident: str
    number: str
    requests: tuple[RequestRow, ...]


@router.get("/incidents/{incident}/exports/new")
def export_page(visit: Visiting, incident: str, kind: str, key: str = "", form: str = "") -> Response:
    """Why, and which columns?"""
    with visit.reader() as reader:
        wish = ExportWish(incident, kind, key, "")
        return visit.page(reader, "incidents/export.html", _page(visit, reader, wish, form, {}))


@router.post("/incidents/{incident}/exports")
def export(visit: Visiting, incident: str, posted: Form) -> Response:
    """The file, or the request to a second person; either is on record before the answer is given."""
    wish, form = _wish(incident, posted), posted.get("form")
    sheets = (visit.site.assets.url("document.css"),)
    try:
        with visit.reader() as reader:
            made = export_files.make(reader, visit.site.documents, wish, form=form, stylesheets=sheets)
        visit.run(exports.hand_out, made)
    except ValueRefused as refused:
        return _again(visit, wish, form, refused)
    except ApprovalNeeded:
        visit.run(exports.ask, made)
        return go(f"/incidents/{incident}/exports", said="export_asked")
    return handed_out(made)


@router.get("/incidents/{incident}/exports")
def exports_page(visit: Visiting, incident: str) -> Response:
    """Requests that wait, and one's own."""
    with visit.reader() as reader:
        rows = export_requests.listing(reader, incident)
        return visit.page(reader, "incidents/exports.html", ExportsPage(incident, number_of(reader, incident), rows))


@router.post("/incidents/{incident}/exports/{export}/decide")
def decide(visit: Visiting, incident: str, export: str, posted: Form) -> Response:
    """Approve or refuse."""
    visit.run(exports.decide, ExportDecision(incident, export, posted.get("do") == "approve"))
    return go(f"/incidents/{incident}/exports", said="export_decided")


def handed_out(made: MadeExport) -> Response:
    """The file; a page that prints is shown, everything else is kept."""
    way = "inline" if made.format == "html" else f"attachment; filename*=UTF-8''{quote(made.name)}"
    headers = {"content-disposition": way, "x-content-type-options": "nosniff", "cache-control": "no-store"}
    return Response(made.content, headers=headers, media_type=made.media_type)


def to_export(incident: str, kind: str, key: str = "", form: str = "") -> Response:
    """To the page that asks why something is taken out."""
    return go(f"/incidents/{incident}/exports/new", kind=kind, key=key, form=form)


# --- inside -----------------------------------------------------------------------------------


def _wish(incident: str, posted: Posted) -> ExportWish:
    fields = tuple(posted.all("fields"))
    return ExportWish(
        incident, posted.get("kind"), posted.get("key"), posted.get("purpose"), posted.get("note"), fields
    )  # fmt: skip


def _page(visit: Visit, reader: Reader, wish: ExportWish, form: str, errors: dict[str, str]) -> ExportPage:
    outline = export_files.outline(reader, visit.site.documents, wish)
    purposes = tuple((code, reader.label("export_purpose", code)) for code in PURPOSES)
    state = export_requests.state_of(reader, wish)
    most = exports.alone(reader.services, wish)
    return ExportPage(number_of(reader, wish.incident), wish, form, outline, purposes, most, state, errors)


def _again(visit: Visit, wish: ExportWish, form: str, refused: ValueRefused) -> Response:
    said = refused.reason_en if visit.locale.startswith("en") else refused.reason
    with visit.reader() as reader:
        page = _page(visit, reader, wish, form, {refused.name: said})
        return visit.page(reader, "incidents/export.html", page, status=422)
