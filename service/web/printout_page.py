"""Lists and records of an incident to print, in the page and as a file for the office program."""

from dataclasses import dataclass
from urllib.parse import urlencode

from fastapi import APIRouter
from fastapi.responses import Response
from markupsafe import Markup

from service.application.documents import Document
from service.application.queries import printouts
from service.web.errors import PageRoute
from service.web.export_page import to_export
from service.web.site import Visiting

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@dataclass(frozen=True, slots=True)
class PrintoutPage:
    """A document of an incident that nobody signs or sends; `back` is "" for who may not read the incident."""

    back: str
    incident_number: str
    address: str
    print: str
    document: Document
    html: Markup


@router.get("/incidents/{incident}/printouts/{document}/{key}.docx")
def printout_docx(visit: Visiting, incident: str, document: str, key: str) -> Response:
    """The document as a file: first why."""
    with visit.reader() as reader:
        printouts.page(reader, visit.site.documents, incident, document, key)
    return to_export(incident, "printout", f"{document}/{key}", "docx")


@router.get("/incidents/{incident}/printouts/{document}/{key}")
def printout_page(visit: Visiting, incident: str, document: str, key: str) -> Response:
    """The document in the page."""
    with visit.reader() as reader:
        found = printouts.page(reader, visit.site.documents, incident, document, key)
        html = Markup(visit.site.documents.to_html(found))  # noqa: S704 - rendered with autoescape
        number, address = printouts.number_of(reader, incident), f"/incidents/{incident}/printouts/{document}/{key}"
        back = f"/incidents/{incident}/reports" if printouts.is_ours(reader, incident) else ""
        wanted = urlencode({"kind": "printout", "key": f"{document}/{key}", "form": "html"})
        to_print = f"/incidents/{incident}/exports/new?{wanted}"
        return visit.page(reader, "incidents/printout.html", PrintoutPage(back, number, address, to_print, found, html))
